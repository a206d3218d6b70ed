--- Accuracy: the share of samples whose predicted class is right.
-- @usage mtl.classes{2, metrics = {"accuracy"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "accuracy", form = "classes", gathers = "confusion", direction = "max",
  counts = "samples with a label", show = metric.percent,
  value = function(part)
    if part.count == 0 then return nil, "no sample has a label" end
    return part.hits / part.count
  end}
