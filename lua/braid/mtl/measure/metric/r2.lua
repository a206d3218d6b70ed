--- R2: the share of the labels' variance that outputs explain, 1 - sum (y - f)^2 / sum (y - mean
-- y)^2. It is below 0 if the mean of the labels predicts better, and -infinity if an output is NaN.
-- For labels of several numbers, it is the mean over the numbers.
-- @usage mtl.real{1, metrics = {"r2"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "r2", form = "numbers", gathers = "moments", direction = "max",
  unit = "up to 1", counts = "numbers with a label",
  value = function(part)
    if part.count + part.lost == 0 then return nil, "no sample has a label" end
    if part.lost > 0 then return -math.huge end
    if part.count < 2 then return nil, "one sample has no variance" end
    if part.truth_from == part.truth_to then return nil, "all labels are equal" end
    return 1 - part.square / part.truth
  end}
