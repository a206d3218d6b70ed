--- train.space.log(1e-4, 1e-2): numbers from low to high whose logarithms are equally likely. Here
-- numbers from 1e-4 to 1e-3 are as likely as numbers from 1e-3 to 1e-2.
-- @treturn train.range
-- @usage train.space.log(1e-4, 1e-2)

local check <const> = require "braid.check"
local Range <const> = require "braid.train.space.range"

local ARGUMENTS <const> = check.declare("train.space.log", {
  low = check.argument(check.number{above = 0}), high = check.argument(check.number{above = 0}),
}, function(o)
  if not (o.low < o.high) then
    return ("low = %s must lie below high = %s"):format(check.shown(o.low), check.shown(o.high))
  end
end)

return function(low, high)
  check.options(ARGUMENTS, nil, {low = low, high = high})
  return Range{kind = "log", low = low, high = high, logarithmic = true,
    at = function(u) return math.max(low, math.min(high, low * (high / low) ^ u)) end}
end
