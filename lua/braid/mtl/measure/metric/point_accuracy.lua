--- For each point, the share of faces in which it is off by at most alpha times a length; and the
-- mean of these shares (Matsui et al. 2019, equation 2: 0.10 of the eyes' distance). `by` names the
-- length, as in mtl.metric.error.
-- @usage mtl.landmarks{points = 5, metrics = {mtl.metric.point_accuracy{alpha = 0.1}}}

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"
local relative <const> = require "braid.mtl.measure.parts.relative"

return metric.kind{name = "point_accuracy", form = "points", gathers = "nearness",
  direction = "max", counts = "points", words = {"by", "alpha"}, by = {"by", "alpha"},
  show = metric.percent,
  options = {by = check.choice(relative.NAMES), alpha = check.number{0.10, above = 0}},
  value = function(part)
    if part.count == 0 then return nil, "no face has this point and the length" end
    return part.near / part.count
  end}
