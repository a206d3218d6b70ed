--- charged(f): f, with the time it takes counted as steps of the budget that holds, for functions
-- of Lua's own in which no step is counted.

local core <const> = require "braid.core"

local RATE <const> = 1e8 -- steps of the interpreter in a second

local function after(start, ...)
  core.charge(math.floor((core.clock() - start) * RATE))
  return ...
end

return function(f)
  return function(...)
    if not core.is_guarded() then return f(...) end
    return after(core.clock(), f(...))
  end
end
