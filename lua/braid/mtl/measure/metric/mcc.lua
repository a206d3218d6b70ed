--- Matthews' correlation coefficient for any number of classes (Gorodkin 2004, equation 8).
-- @usage mtl.classes{2, metrics = {"mcc"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "mcc", form = "classes", gathers = "confusion", direction = "max",
  unit = "from -1 to 1", counts = "samples with a label",
  value = function(part)
    local n <const> = part.count
    if n == 0 then return nil, "no sample has a label" end
    local both, of, said = 0, 0, part.lost * part.lost -- NaN counts as a further class
    for c = 1, part.size do
      both, of = both + part.of[c] * part.said[c], of + part.of[c] * part.of[c]
      said = said + part.said[c] * part.said[c]
    end
    if n * n == of then return nil, "all samples are of one class" end
    if n * n == said then return nil, "all samples are predicted as one class" end
    return (part.hits * n - both) / math.sqrt(1.0 * (n * n - of) * (n * n - said))
  end}
