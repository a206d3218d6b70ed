--- Random numbers from Braid's streams, as lists. A resumed run gets the same numbers that it would
-- have had without the break.

local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

--- n standard normal numbers.
function M.normal(n) return ops.normal_(core.new({n}, "float64"), 0, 1):totable() end

--- The numbers from 1 to n in random order.
function M.order(n)
  local list <const> = {}
  for i = 1, n do list[i] = i end
  if n < 2 then return list end
  local u <const> = ops.uniform_(core.new({n}, "float64"), 0, 1):totable()
  for i = n, 2, -1 do
    local j <const> = math.floor(u[i] * i) + 1
    list[i], list[j] = list[j], list[i]
  end
  return list
end

return M
