--- Top-k accuracy: the share of samples whose class is among the k classes with the highest scores.
-- The default is k = 5, "top.5". If scores are equal, the first class counts as higher, as for
-- accuracy.
-- @usage mtl.classes{10, metrics = {mtl.metric.top{k = 5}}}

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "top", form = "classes", gathers = "places", direction = "max",
  counts = "samples with a label", words = {"k"}, by = {"k"}, show = metric.percent,
  options = {k = check.whole{5, from = 1}},
  value = function(part)
    if part.count == 0 then return nil, "no sample has a label" end
    return part.hits / part.count
  end}
