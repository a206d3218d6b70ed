--- time(f, ...): runs f for a second; prints the median, the spread, the memory.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"

local SECONDS <const> = 1
local LIMIT <const> = 10000

local UNITS <const> = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}, {0, "ns"}}

local function shown(seconds)
  for _, unit in ipairs(UNITS) do
    if seconds >= unit[1] then
      return format("%.3g %s", seconds / (unit[1] > 0 and unit[1] or 1e-9), unit[2])
    end
  end
end

return function(_, f, ...)
  if type(f) ~= "function" then
    check.fail("time: takes a function, such as time(function() return x:sum() end), not %s",
      check.shown(f))
  end
  collectgarbage()
  core.reset_peak()
  local live <const> = core.memory().live
  f(...) -- the first run warms up, and shows the memory
  local taken <const> = (core.memory().peak - live) / 2 ^ 20
  local times <const>, begun <const> = {}, core.clock()
  repeat
    local from <const> = core.clock()
    f(...)
    times[#times + 1] = core.clock() - from
  until core.clock() - begun > SECONDS or #times >= LIMIT
  table.sort(times)
  local function at(share) return shown(times[math.max(1, math.ceil(share * #times))]) end
  print(format("%s (%s to %s in the middle half) over %d runs; tensors took %.3g MB",
    at(0.5), at(0.25), at(0.75), #times, taken))
end
