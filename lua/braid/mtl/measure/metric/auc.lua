--- AUC: the area under the ROC curve, which is the chance that a sample of the class scores higher
-- than another sample (Fawcett 2006). Ties count half.
--
-- curve = "pr" takes the area under the curve of precision over recall, by trapezoids from (0, 1).
-- With two classes, the samples are sorted by the score of the positive class. With more classes,
-- each class has its own area: samples are sorted by its probability, and all other classes are
-- negative.
-- Options: average = "macro" (default), "weighted" or "each"; or class = the number or name of a
-- class.
-- @usage mtl.classes{2, metrics = {"auc"}}

local averages <const> = require "braid.mtl.measure.parts.averages"
local metric <const> = require "braid.mtl.measure.parts.metric"
local ranked <const> = require "braid.mtl.measure.parts.ranked"

local AREA <const> = {roc = ranked.roc, pr = ranked.pr}
local known <const> = averages.options{"macro", "weighted", "each"}
known.curve = require("braid.check").choice{"roc", "pr"}

return metric.kind{name = "auc", form = "classes", gathers = "ranking", direction = "max",
  counts = "samples with a label", words = {"curve", "average", "class"}, options = known,
  relation = averages.relation,
  value = function(part, o, context) return ranked.mean(part, o, context, AREA[o.curve]) end}
