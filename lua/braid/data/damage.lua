--- Errors of readers. Inside a reader they are raised as {message =}. The function that the user
-- called then raises the message at the user's line.

local check <const> = require "braid.check"
local damage <const> = require "braid.io.damage"

local M <const> = {}

--- Gives up reading with a message.
M.fail = damage.fail

local function passed(name, value, wrong, ...)
  if value == nil and wrong then check.fail("%s: %s", name, wrong) end
  return value, wrong, ...
end

--- Makes the function that users call from a reader that gives up by `fail` or limits.bound.
-- @param name the function's name, such as "data.csv"
function M.reader(name, read)
  local caught <const> = damage.caught(read)
  return function(...) return passed(name, caught(...)) end
end

--- Returns the path that a user gave without slashes at its end, or raises an error about it.
function M.path(name, path, what)
  if type(path) ~= "string" or path == "" then
    check.fail("%s: wants %s, not %s", name, what, check.shown(path))
  end
  local last = #path
  while last > 1 and path:byte(last) == 47 do last = last - 1 end
  return path:sub(1, last)
end

return M
