--- The cumulative distribution of errors, as mtl.ced returns it: {error = {...}, share = {...},
-- auc, failure}. The option `by` is as in mtl.metric.error. This metric has no direction.
-- @usage mtl.landmarks{points = 5, metrics = {"error", "ced"}}

local ced <const> = require "braid.mtl.measure.ced"
local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"
local relative <const> = require "braid.mtl.measure.parts.relative"

return metric.kind{name = "ced", form = "points", gathers = "errors", unit = "a curve",
  counts = "faces", words = {"by", "limit"}, by = {"by"}, table = true,
  options = {by = check.choice(relative.NAMES), limit = check.number{above = 0},
    steps = check.whole{100, from = 1, to = 1000000}},
  value = function(part, o)
    local why <const> = part:reason()
    if why then return nil, why end
    return ced(part.errors, {limit = o.limit or relative[o.by].limit, steps = o.steps})
  end}
