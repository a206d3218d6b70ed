--- train.space.uniform(0, 0.5): numbers from low to high, each equally likely.
-- @treturn train.range
-- @usage train.space.uniform(0, 0.5)

local check <const> = require "braid.check"
local Range <const> = require "braid.train.space.range"

local ARGUMENTS <const> = check.declare("train.space.uniform", {
  low = check.argument(check.number()), high = check.argument(check.number()),
}, function(o)
  if not (o.low < o.high) then
    return ("low = %s must lie below high = %s"):format(check.shown(o.low), check.shown(o.high))
  end
end)

return function(low, high)
  check.options(ARGUMENTS, nil, {low = low, high = high})
  return Range{kind = "uniform", low = low, high = high,
    at = function(u) return low + (high - low) * u end}
end
