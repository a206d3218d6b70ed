--- train.space.choice{"adam", "sgd"}: one value of a list, each equally likely. train.sweep also
-- takes a plain list in its place.
-- @treturn train.range
-- @usage train.space.choice{"adam", "sgd"}

local check <const> = require "braid.check"
local Range <const> = require "braid.train.space.range"

local VALUE <const> = check.either(check.number(), check.text(), check.flag())
local ARGUMENTS <const> = check.declare("train.space.choice", {
  values = check.argument(check.list{of = VALUE, least = 1}),
})

return function(values)
  local o <const> = check.options(ARGUMENTS, nil, {values = values})
  local list <const> = o.values
  return Range{kind = "choice", values = list,
    at = function(u) return list[math.min(#list, math.floor(u * #list) + 1)] end}
end
