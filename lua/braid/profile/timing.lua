--- timing(f, options): calls f again and again and says how long a call takes, and what memory the
-- tensors of the first call took.
--
-- The options: seconds in all (1); least and most, the number of calls (1, 10000); before, a
-- function whose result is passed to f, and whose time does not count; scope, true if each call
-- has a scope of its own.
-- @return {median =, low =, high = (the middle half), least =, runs =} in seconds, memory in bytes

local core <const> = require "braid.core"

local function once(f, before, scope)
  local _ <close> = scope and core.scope() or nil
  if not before then
    local from <const> = core.clock()
    f()
    return core.clock() - from
  end
  local given <const> = before()
  local from <const> = core.clock()
  f(given)
  return core.clock() - from
end

return function(f, o)
  local seconds <const>, least <const>, most <const> = o.seconds or 1, o.least or 1, o.most or 10000
  collectgarbage()
  core.reset_peak()
  local live <const> = core.memory().live
  once(f, o.before, o.scope) -- the first call warms up, and shows the memory
  local memory <const> = core.memory().peak - live
  local times <const>, begun <const> = {}, core.clock()
  repeat
    times[#times + 1] = once(f, o.before, o.scope)
  until #times >= most or #times >= least and core.clock() - begun > seconds
  table.sort(times)
  local function at(share) return times[math.max(1, math.ceil(share * #times))] end
  return {median = at(0.5), low = at(0.25), high = at(0.75), least = times[1], runs = #times,
    memory = memory}
end
