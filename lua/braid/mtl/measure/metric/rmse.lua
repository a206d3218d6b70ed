--- Root of the mean squared error. It is infinite if an output is NaN. For labels of several
-- numbers, it is the mean over the numbers.
-- @usage mtl.real{1, metrics = {"rmse"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "rmse", form = "numbers", gathers = "squares", direction = "min",
  unit = "the labels'", counts = "numbers with a label",
  value = function(part)
    if part.count == 0 then return nil, "no sample has a label" end
    return part.lost > 0 and math.huge or math.sqrt(part.total / part.count)
  end}
