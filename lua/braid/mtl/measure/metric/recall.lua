--- Recall: the share of the samples of a class that are predicted as this class. Options: average =
-- "macro" (default), "micro", "weighted" or "each"; or class = a number or name, as in
-- "recall.yes".
-- A class without samples counts as 0 (undefined = 0) or is left out (undefined = "out").
-- @usage mtl.classes{2, metrics = {"recall.macro"}}

local averages <const> = require "braid.mtl.measure.parts.averages"
local classes <const> = require "braid.mtl.measure.forms.classes"
local metric <const> = require "braid.mtl.measure.parts.metric"

local function occurs(part, c) return part.of[c] + part.said[c] > 0 end

return metric.kind{name = "recall", form = "classes", gathers = "confusion", direction = "max",
  counts = "classes that are predicted or have a sample", words = averages.WORDS,
  options = averages.options{"macro", "micro", "weighted", "each"}, relation = averages.relation,
  value = function(part, o, context)
    return averages.mean(part, o, context, function(p, c)
      if p.of[c] > 0 then return p.right[c] / p.of[c] end
      return nil, ("no sample is of %s"):format(classes.called(context, c))
    end, occurs, function(p)
      local all <const> = p.count
      return p.hits / all
    end)
  end}
