--- Precision: the share of the samples predicted as a class that belong to it. Options: average =
-- "macro" (default), "micro", "weighted" or "each"; or class = a number or name, as in
-- "precision.yes". A class that has samples but is never predicted counts as 0 (undefined = 0) or
-- is left out (undefined = "out").
-- @usage mtl.classes{2, metrics = {"precision.macro"}}

local averages <const> = require "braid.mtl.measure.parts.averages"
local classes <const> = require "braid.mtl.measure.forms.classes"
local metric <const> = require "braid.mtl.measure.parts.metric"

local function occurs(part, c) return part.of[c] + part.said[c] > 0 end

return metric.kind{name = "precision", form = "classes", gathers = "confusion", direction = "max",
  counts = "classes that are predicted or have a sample", words = averages.WORDS,
  options = averages.options{"macro", "micro", "weighted", "each"}, relation = averages.relation,
  value = function(part, o, context)
    return averages.mean(part, o, context, function(p, c)
      if p.said[c] > 0 then return p.right[c] / p.said[c] end
      return nil, ("no sample is predicted as %s"):format(classes.called(context, c))
    end, occurs, function(p)
      local all <const> = p.count - p.lost
      if all == 0 then return nil, "every output is NaN" end
      return p.hits / all
    end)
  end}
