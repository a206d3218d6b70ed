--- How a tensor behaves in Lua's own statements: in loops, and with operators such as <.

local check <const> = require "braid.check"

local M <const> = {}

local function part_after(t, i)
  if i < #t then return i + 1, t[i + 1] end
end

--- for i, part in pairs(t) does the same as ipairs, because a tensor has no other keys.
function M.__pairs(t) return part_after, t, 0 end

function M.__lt()
  check.fail("<, <=, > and >= give a single answer: compare elements with x:lt(y), le, gt or ge")
end

M.__le = M.__lt

return M
