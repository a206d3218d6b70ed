--- A classification task: labels 1 .. n; `ignore` (-100, as the loader has it) is a missing one.
--
-- Loss: cross-entropy over the batch's labelled images, or over the `hardest` share of them
-- with the highest loss (Zhang, Zhang, Li and Qiao 2016, online hard sample mining: 0.7).
-- Metrics: accuracy; balanced, the mean over classes of the accuracy on each (of two classes:
-- on positives and on negatives; Fang et al. 2017, section 4.1). A class without a sample has no
-- accuracy and is left out of that mean: unseen counts such. metric = "balanced" is what is
-- shown and what mtl.delta_m takes, instead of accuracy. An output with NaN is wrong, whatever
-- the label. names are the classes' in the order of their labels, such as those that a data
-- set has in ds.classes; positive is one of them ("yes" unless given).
-- @usage mtl.classes{2, names = faces.train.classes.smile, metric = "balanced"}
-- @usage mtl.classes{5, weight = 0.1, flip = {5, 4, 3, 2, 1}}   mtl.classes{2, hardest = 0.7}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local class_names <const> = require "braid.mtl.tasks.class_names"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local ratio <const> = require "braid.mtl.tasks.ratio"
local flips <const> = require "braid.mtl.tasks.flips"
local ops <const> = core.ops

local Classes <const> = class.guarded(class "Classes")
Classes.unnamed = {"size"} -- the field of the argument without a name, for files

local OPTIONS <const> = check.declare("mtl.classes", {
  [1] = check.needed(check.named("the number of classes", check.whole{from = 1})),
  flip = check.list{of = check.whole{from = 1}}, weight = check.number{1, from = 0},
  hardest = check.number{1, above = 0, to = 1}, ignore = check.whole(core.missing_class),
  names = class_names.OPTIONS.names, positive = class_names.OPTIONS.positive,
  metric = class_names.OPTIONS.metric,
}, function(o)
  return o.flip and flips.wrong(o.flip, o[1], "classes") or class_names.wrong(o, o[1])
end)

function Classes:init(given)
  local o <const> = check.options(OPTIONS, given)
  self.size = o[1]
  self.flip, self.weight, self.hardest, self.ignore = o.flip, o.weight, o.hardest, o.ignore
  self.names, self.positive, self.metric = o.names, o.positive, o.metric
end

-- The highest output along a dimension; 0 where any is NaN, which answers nothing.
local function answers(output, dim)
  return ops.masked_fill(output:argmax(dim), output:ne(output):any(dim), 0)
end

local function check_label(self, label, i)
  if label >= 1 and label <= self.size then return end
  check.fail("mtl.classes: label %d of sample %d is none of the classes 1 to %d%s", label, i,
    self.size, label == 0 and "; labels count from 1 (counted from 0? add 1; where 0 marks a "
      .. "missing label, say {ignore = 0})" or "")
end

--- output (n, classes), target (n) -> a tensor without dimensions
function Classes:loss(output, target)
  if self.hardest == 1 then return ops.cross_entropy(output, target, {ignore = self.ignore}) end
  local each <const> = ops.cross_entropy(output, target, {reduction = "none", ignore = self.ignore})
  local labelled <const> = self:labelled(target)
  if labelled == 0 then return each:sum() end
  local kept <const> = math.max(1, math.floor(self.hardest * labelled + 0.5))
  return (ops.topk(each, kept)):mean()
end

--- How many samples have a label.
function Classes:labelled(target) return ops.count_nonzero(target:ne(self.ignore)):item() end

function Classes:observe(sums, output, target)
  local predicted <const> = answers(output, 2):totable()
  sums.count, sums.right = sums.count or {}, sums.right or {}
  for i, label in ipairs(target:totable()) do
    if label ~= self.ignore then
      check_label(self, label, i)
      sums.count[label] = (sums.count[label] or 0) + 1
      sums.right[label] = (sums.right[label] or 0) + (predicted[i] == label and 1 or 0)
    end
  end
end

function Classes:metrics(sums)
  local count, right, shares, seen = 0, 0, 0.0, 0
  for label = 1, self.size do
    local n <const> = sums.count[label] or 0
    if n > 0 then
      count, right, seen = count + n, right + sums.right[label], seen + 1
      shares = shares + sums.right[label] / n
    end
  end
  return {accuracy = ratio(right, count), balanced = ratio(shares, seen),
    unseen = self.size - seen, metric = self.metric}
end

function Classes.show(_, m) return class_names.shown(format, m) end

--- The labels of two classes in a batch by name, or nil.
function Classes:binary(batch, name) return self.size == 2 and {[name] = batch[name]} or nil end

return Classes
