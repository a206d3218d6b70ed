--- Balanced accuracy: the mean over classes of the accuracy on each class (Fang et al. 2017,
-- section 4.1). Classes without a sample are left out, and `unseen` counts them.
-- @usage mtl.classes{5, metrics = {"balanced"}}

local metric <const> = require "braid.mtl.measure.parts.metric"

return metric.kind{name = "balanced", form = "classes", gathers = "confusion", direction = "max",
  counts = "classes with a sample", show = metric.percent,
  value = function(part)
    local total, seen = 0.0, 0
    for c = 1, part.size do
      if part.of[c] > 0 then total, seen = total + part.right[c] / part.of[c], seen + 1 end
    end
    local notes <const> = {unseen = part.size - seen}
    if seen == 0 then return nil, "no sample has a label", notes end
    return total / seen, nil, notes
  end}
