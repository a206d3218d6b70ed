--- Measures how long functions take, and gives the median and spread of many measurements.

local core <const> = require "braid.core"
local grad <const> = require "braid.grad"

local M <const> = {}

--- {median =, least =} of a list of times.
function M.summary(times)
  local sorted <const> = table.move(times, 1, #times, 1, {})
  table.sort(sorted)
  local middle <const> = (#sorted + 1) // 2
  return {median = (sorted[middle] + sorted[#sorted + 1 - middle]) / 2, least = sorted[1]}
end

-- Calls f(before()) once, in a scope of its own. Returns the milliseconds of only f.
local function once(f, before)
  local _ <close> = grad.scope()
  local prepared <const> = before and before()
  local start <const> = core.clock()
  f(prepared)
  return (core.clock() - start) * 1e3
end

--- Calls f(before()) for `seconds`, but at least five times.
function M.time(f, seconds, before)
  local times <const> = {}
  once(f, before)
  local from <const> = core.clock()
  while #times < 5 or core.clock() - from < seconds do times[#times + 1] = once(f, before) end
  return M.summary(times)
end

return M
