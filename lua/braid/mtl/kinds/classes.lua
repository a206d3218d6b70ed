--- mtl.classes: a classification task with labels 1 .. n. A label equal to `ignore` (-100, the
-- loader's value) is missing.
--
-- The loss is the mean cross-entropy over the labelled images of a batch. With the option hardest =
-- 0.7 it is the mean over the 70% of these images that have the highest loss (Zhang, Zhang, Li and
-- Qiao 2016, online hard sample mining). Metrics:
--   accuracy   the share of right classes
--   balanced   the mean over classes of the accuracy on each class (Fang et al. 2017, section 4.1)
--   unseen     the number of classes without a sample, which balanced leaves out
-- Options: weight; flip; metrics, which replaces these metrics (mtl.metric) and may have your own
-- metrics by name; metric, the metric that is shown first and that mtl.delta_m takes, such as
-- "balanced"; names of the classes in the order of their labels, as in a data set's ds.classes;
-- positive, one of the names (default: "yes", or without names the second of two classes).
-- @usage mtl.classes{2, names = faces.train.classes.smile, metric = "balanced"}
-- @usage mtl.classes{2, metrics = {"f1.macro", "auc", "accuracy"}}
-- @usage mtl.classes{5, weight = 0.1, flip = {5, 4, 3, 2, 1}}   mtl.classes{2, hardest = 0.7}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local class_names <const> = require "braid.mtl.tasks.class_names"
local check <const> = require "braid.check"
local judged <const> = require "braid.mtl.measure.parts.judged"
local flips <const> = require "braid.mtl.tasks.flips"
local weight <const> = require "braid.mtl.tasks.weight"
local ops <const> = core.ops

local Classes <const> = class.guarded(class "Classes")
Classes.classifies = true -- its outputs are scores of classes
Classes.unnamed = {"size"} -- the field of the unnamed argument, for files

local OPTIONS <const> = check.declare("mtl.classes", {
  [1] = check.needed(check.named("the number of classes", check.whole{from = 1})),
  flip = check.list{of = check.whole{from = 1}}, weight = weight.OPTION,
  hardest = check.number{1, above = 0, to = 1}, ignore = check.whole(core.missing_class),
  names = class_names.OPTIONS.names, positive = class_names.OPTIONS.positive,
  metric = judged.OPTIONS.metric, metrics = judged.OPTIONS.metrics,
}, function(o)
  return o.flip and flips.wrong(o.flip, o[1], "classes") or class_names.wrong(o, o[1])
end)

function Classes:init(given)
  local o <const> = check.options(OPTIONS, given)
  self.size = o[1]
  self.flip, self.weight, self.hardest, self.ignore = o.flip, o.weight, o.hardest, o.ignore
  self.names, self.positive = o.names, o.positive
  judged.take(self, o)
end

--- The loss, a tensor without dimensions, of output (n, classes) and target (n).
function Classes:loss(output, target)
  if self.hardest == 1 then return ops.cross_entropy(output, target, {ignore = self.ignore}) end
  local each <const> = ops.cross_entropy(output, target, {reduction = "none", ignore = self.ignore})
  local kept <const> = self:divisor(target)
  return kept == 0 and each:sum() or (ops.topk(each, kept)):mean()
end

--- Turns the output for a mirror image into the output for the image. Without the option flip, the
-- output stays the same.
function Classes:mirrored(output)
  return self.flip and flips.back(output, self.flip) or output
end

--- The number of samples with a label.
function Classes:labelled(target) return ops.count_nonzero(target:ne(self.ignore)):item() end

--- The number of values over which the loss is a mean.
function Classes:divisor(target)
  local labelled <const> = self:labelled(target)
  if self.hardest == 1 or labelled == 0 then return labelled end
  return math.max(1, math.floor(self.hardest * labelled + 0.5))
end

judged.kind(Classes, {what = "mtl.classes", metrics = class_names.metrics,
  show = class_names.shown,
  known = function(self, target) return target:ne(self.ignore) end,
  forms = {classes = {
    told = function(self)
      return {classes = self.size, problems = 1, ignore = self.ignore,
        positive = class_names.positive(self) or 2, names = self.names, scores = "logits"}
    end,
    shown = function(_, output, target) return output, target end,
  }}})

--- The labels in a batch by name if there are two classes, otherwise nil.
function Classes:binary(batch, name) return self.size == 2 and {[name] = batch[name]} or nil end

return Classes
