--- Cohen's kappa: how far the accuracy is above chance, (p_o - p_e) / (1 - p_e) (Cohen 1960).
-- @usage mtl.classes{5, metrics = {"kappa"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "kappa", form = "classes", gathers = "confusion", direction = "max",
  unit = "from -1 to 1", counts = "samples with a label",
  value = function(part)
    local n <const> = part.count
    if n == 0 then return nil, "no sample has a label" end
    local chance = 0
    for c = 1, part.size do chance = chance + part.of[c] * part.said[c] end
    if chance == n * n then return nil, "all samples are of one class and predicted as it" end
    return (part.hits * n - chance) / (n * n - chance)
  end}
