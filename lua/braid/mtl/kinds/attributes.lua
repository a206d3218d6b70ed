--- mtl.attributes: attributes of two classes that share one column and one head, such as the 40 of
-- CelebA in Matsui, Yamashita and Fujiyoshi 2019. Labels are 1 and 2; -100 is a missing label.
--
-- mtl.attributes{"Smiling", "Young", ...} takes the labels of these names from a batch.
-- mtl.attributes{40} takes a label (n,40) with the task's own name. The loss is the mean
-- cross-entropy over all labels that are not missing. Metrics:
--   accuracy, balanced              means over the attributes
--   each, balanced_each             the values of all attributes, in their order
--   unseen                          the number of classes without a sample; balanced leaves them
--                                   out
--   ap, auc, ap_each (by request)   means over the attributes; in a list, false means undefined
-- Options: weight; metrics, which replaces these metrics (mtl.metric); metric, the metric that is
-- shown and that mtl.delta_m takes (default: "accuracy"); names of the two classes, such as {"no",
-- "yes"}; positive, the positive class (default: "yes", or without names the second class).
-- @usage mtl.tasks{traits = mtl.attributes{"smile", "glasses"}}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local class_names <const> = require "braid.mtl.tasks.class_names"
local check <const> = require "braid.check"
local judged <const> = require "braid.mtl.measure.parts.judged"
local weight <const> = require "braid.mtl.tasks.weight"
local ops <const> = core.ops

local Attributes <const> = class.guarded(class "Attributes")
Attributes.classifies = true -- its outputs are scores of classes
Attributes.unnamed = {"labels", "count"} -- the fields of unnamed arguments, for files

local OPTIONS <const> = check.declare("mtl.attributes", {weight = weight.OPTION,
  names = class_names.OPTIONS.names, positive = class_names.OPTIONS.positive,
  metric = judged.OPTIONS.metric, metrics = judged.OPTIONS.metrics,
}, function(o) return class_names.wrong(o, 2) end)

function Attributes:init(given)
  local o, labels <const> = {}, {}
  for key, value in pairs(check.copy("mtl.attributes", given)) do
    if math.type(key) == "integer" then labels[key] = value else o[key] = value end
  end
  o = check.options(OPTIONS, o)
  self.weight, self.names, self.positive = o.weight, o.names, o.positive
  if math.type(labels[1]) == "integer" and #labels == 1 then
    self.count = check.size("mtl.attributes", "the number of attributes", labels[1])
  else
    for i, name in ipairs(labels) do
      if type(name) ~= "string" then
        check.fail("mtl.attributes: label %d must be a name, not %s", i, check.shown(name))
      end
    end
    self.count, self.labels = #labels, labels
    if #labels == 0 then check.fail("mtl.attributes: wants names of labels, or their number") end
  end
  self.size = 2 * self.count
  judged.take(self, o)
end

--- The labels of a batch as one tensor, int64 (n,attributes); nil if the batch lacks one of them.
function Attributes:target(batch, name)
  if not self.labels then return batch[name] end
  local list <const> = {}
  for i, label in ipairs(self.labels) do
    if not batch[label] then return nil end
    list[i] = batch[label]:to("int64")
  end
  return ops.stack(list, 2)
end

--- The loss, a tensor without dimensions, of output (n, 2 attributes) and target (n,attributes).
function Attributes.loss(_, output, target)
  return ops.cross_entropy(output:reshape(-1, 2), target:reshape(-1))
end

--- Turns the output for a mirror image into the output for the image: attributes stay the same.
function Attributes.mirrored(_, output) return output end

--- The number of samples with a label.
function Attributes.labelled(_, target)
  return target:ne(core.missing_class):any(2):sum():item()
end

--- The number of values over which the loss is a mean.
function Attributes.divisor(_, target) return target:ne(core.missing_class):sum():item() end

judged.kind(Attributes, {what = "mtl.attributes", metrics = class_names.metrics,
  show = class_names.shown,
  known = function(_, target) return target:ne(core.missing_class):any(2) end,
  forms = {classes = {
    told = function(self)
      return {classes = 2, problems = self.count, named = true,
        ignore = core.missing_class, positive = class_names.positive(self) or 2,
        names = self.names, scores = "logits"}
    end,
    shown = function(_, output, target) return output, target end,
  }}})

--- The labels of the attributes in a batch: by the attributes' names, or by the task's name for
-- numbered attributes.
function Attributes:binary(batch, name)
  local target <const> = self:target(batch, name)
  if not target then return nil end
  local list <const> = {}
  for i = 1, self.count do
    list[self.labels and self.labels[i] or name .. i] = ops.select(target, 2, i)
  end
  return list
end

return Attributes
