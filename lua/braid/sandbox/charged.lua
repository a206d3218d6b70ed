--- charged(f): wraps f so that its time counts as steps of the current budget. Lua's C functions
-- need this, because no steps are counted in them.

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
