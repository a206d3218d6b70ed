--- Mean absolute error. It is infinite if an output is NaN.
-- @usage mtl.real{1, metrics = {"mae"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "mae", form = "numbers", gathers = "differences", direction = "min",
  unit = "the labels'", counts = "numbers with a label",
  value = function(part)
    if part.count == 0 then return nil, "no sample has a label" end
    return part.lost > 0 and math.huge or part.total / part.count
  end}
