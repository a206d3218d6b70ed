--- Expected calibration error: the difference between accuracy and confidence (Guo et al. 2017,
-- equation 3). The confidence of an output is its highest probability.
--
-- Samples are put in M = 15 bins by confidence, where bin m is ((m - 1)/M, m/M]. The error is the
-- mean over bins of |accuracy - confidence|, weighted by samples. An output of NaN counts as sure
-- and wrong.
-- @usage mtl.classes{2, metrics = {"accuracy", "ece"}}

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
