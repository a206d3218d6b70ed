--- Average precision: the sum over falling scores of precision times the rise of recall, without
-- interpolation.
--
-- With two classes, the samples are sorted by the score of the positive class. With more classes,
-- each class has its own value: samples are sorted by its probability, and all other classes are
-- negative.
-- Options: average = "macro" (default), "weighted" or "each"; or class = the number or name of a
-- class.
-- @usage mtl.classes{2, metrics = {"ap"}}

local averages <const> = require "braid.mtl.measure.parts.averages"
local metric <const> = require "braid.mtl.measure.parts.metric"
local ranked <const> = require "braid.mtl.measure.parts.ranked"

return metric.kind{name = "ap", form = "classes", gathers = "ranking", direction = "max",
  counts = "samples with a label", words = averages.WORDS,
  options = averages.options{"macro", "weighted", "each"}, relation = averages.relation,
  value = function(part, o, context) return ranked.mean(part, o, context, ranked.ap) end}
