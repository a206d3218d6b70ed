--- The failure rate: the share of faces whose landmark error is above a threshold. The default is
-- 0.10 of the eyes' distance, or 0.05 of the box's width (Trottier et al. 2018, section 4.1) or of
-- the points' diagonal. The option `by` is as in mtl.metric.error. "failure.0.08" and
-- "failure.box.0.05" are short forms.
-- @usage mtl.landmarks{points = 5, metrics = {mtl.metric.failure{threshold = 0.08}}}

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"
local relative <const> = require "braid.mtl.measure.parts.relative"

return metric.kind{name = "failure", form = "points", gathers = "errors", direction = "min",
  counts = "faces", words = {"by", "threshold"}, by = {"by"}, show = metric.percent,
  options = {by = check.choice(relative.NAMES), threshold = check.number{above = 0}},
  value = function(part, o)
    local limit <const>, why <const> = o.threshold or relative[o.by].limit, part:reason()
    local above, notes <const> = 0, {["without_" .. o.by] = part:without()}
    for _, e in ipairs(part.errors) do above = above + (e > limit and 1 or 0) end
    if why then return nil, why, notes end
    return above / #part.errors, nil, notes
  end}
