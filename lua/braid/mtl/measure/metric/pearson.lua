--- Pearson's correlation of outputs and labels, from -1 to 1. For labels of several numbers, it is
-- the mean over the numbers.
-- @usage mtl.real{1, metrics = {"mae", "pearson"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "pearson", form = "numbers", gathers = "moments", direction = "max",
  unit = "from -1 to 1", counts = "numbers with a label",
  value = function(part)
    if part.count + part.lost == 0 then return nil, "no sample has a label" end
    if part.lost > 0 then return nil, "an output is NaN" end
    if part.truth_from == part.truth_to then return nil, "all labels are equal" end
    if part.said_from == part.said_to then return nil, "all outputs are equal" end
    return part.both / (math.sqrt(part.truth) * math.sqrt(part.said))
  end}
