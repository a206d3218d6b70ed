--- train.space.whole(1, 8): whole numbers from low to high, both included. With {log = true}, the
-- numbers 1, 2 to 3, 4 to 7 and so on are equally likely.
-- @treturn train.range
-- @usage train.space.whole(1, 8)

local check <const> = require "braid.check"
local Range <const> = require "braid.train.space.range"

local OPTIONS <const> = check.declare("train.space.whole", {
  low = check.argument(check.whole()), high = check.argument(check.whole()),
  log = check.flag(false),
}, function(o)
  if not (o.low < o.high) then
    return ("low = %s must lie below high = %s"):format(check.shown(o.low), check.shown(o.high))
  end
  if o.log and o.low < 1 then return "log = true wants low from 1" end
end)

return function(low, high, given)
  local o <const> = check.options(OPTIONS, given, {low = low, high = high})
  local function at(u)
    local v <const> = o.log and low * ((high + 1) / low) ^ u or low + (high + 1 - low) * u
    return math.max(low, math.min(high, math.floor(v)))
  end
  return Range{kind = "whole", low = low, high = high, logarithmic = o.log or nil, at = at}
end
