--- Expected calibration error: over bins of the confidence, the highest probability, the mean
-- distance of accuracy and confidence, weighted by samples (Guo et al. 2017, equation 3, where
-- bin m is ((m - 1)/M, m/M] and M = 15). An output of NaN is sure and wrong.

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "ece", form = "classes", gathers = "calibration", direction = "min",
  counts = "samples with a label", options = {bins = check.whole{15, from = 1, to = 100000}},
  words = {"bins"}, by = {"bins"},
  value = function(part)
    if part.count == 0 then return nil, "no sample has a label" end
    local total = 0.0
    for b = 1, #part.n do total = total + math.abs(part.right[b] - part.sure[b]) end
    return total / part.count
  end}
