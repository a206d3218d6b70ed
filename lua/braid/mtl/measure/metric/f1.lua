--- F1: the harmonic mean of precision and recall, 2 right / (samples of the class + samples
-- predicted as this class). Options: average = "macro" (default), "micro", "weighted" or "each"; or
-- class = the number or name of a class, as in "f1.yes".
-- @usage mtl.classes{2, names = {"yes", "no"}, metrics = {"f1.yes", "f1.macro"}}

local averages <const> = require "braid.mtl.measure.parts.averages"
local classes <const> = require "braid.mtl.measure.forms.classes"
local metric <const> = require "braid.mtl.measure.parts.metric"

local function occurs(part, c) return part.of[c] + part.said[c] > 0 end

return metric.kind{name = "f1", form = "classes", gathers = "confusion", direction = "max",
  counts = "classes that are predicted or have a sample", words = averages.WORDS,
  options = averages.options{"macro", "micro", "weighted", "each"}, relation = averages.relation,
  value = function(part, o, context)
    return averages.mean(part, o, context, function(p, c)
      local all <const> = p.of[c] + p.said[c]
      if all > 0 then return 2 * p.right[c] / all end
      return nil, ("no sample is of %s or predicted as it"):format(classes.called(context, c))
    end, occurs, function(p) return 2 * p.hits / (2 * p.count - p.lost) end)
  end}
