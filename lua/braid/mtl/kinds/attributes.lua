--- Attributes of two classes that one column and one head answer together, as the 40 of CelebA do
-- in Matsui, Yamashita and Fujiyoshi 2019: labels 1 and 2, where -100 is a missing one.
--
-- mtl.attributes{"Smiling", "Young", ...} takes the labels of these names from a batch;
-- mtl.attributes{40} takes one label (n,40) of the task's own name. Loss: the mean
-- cross-entropy over all labels that are there. Metrics: accuracy and balanced, each the mean
-- over attributes; each and balanced_each, those of the attributes in their order; unseen, how many
-- of their classes have no sample, which a balanced accuracy leaves out. Options: weight; metric
-- ("accuracy", or "balanced"), what is shown and what mtl.delta_m takes; names of the two
-- classes, as {"no", "yes"}, and the positive one ("yes").

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local class_names <const> = require "braid.mtl.tasks.class_names"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local ratio <const> = require "braid.mtl.tasks.ratio"
local ops <const> = core.ops

local Attributes <const> = class.guarded(class "Attributes")
Attributes.unnamed = {"labels", "count"} -- the fields of arguments without a name, for files

local OPTIONS <const> = check.declare("mtl.attributes", {weight = check.number{1, from = 0},
  names = class_names.OPTIONS.names, positive = class_names.OPTIONS.positive,
  metric = class_names.OPTIONS.metric,
}, function(o) return class_names.wrong(o, 2) end)

function Attributes:init(given)
  local o, labels <const> = {}, {}
  for key, value in pairs(check.copy("mtl.attributes", given)) do
    if math.type(key) == "integer" then labels[key] = value else o[key] = value end
  end
  o = check.options(OPTIONS, o)
  self.weight, self.names, self.positive, self.metric = o.weight, o.names, o.positive, o.metric
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
end

--- The labels of a batch as one, int64 (n,attributes); nil if one of them is missing.
function Attributes:target(batch, name)
  if not self.labels then return batch[name] end
  local list <const> = {}
  for i, label in ipairs(self.labels) do
    if not batch[label] then return nil end
    list[i] = batch[label]:to("int64")
  end
  return ops.stack(list, 2)
end

--- output (n, 2 attributes), target (n,attributes) -> a tensor without dimensions
function Attributes.loss(_, output, target)
  return ops.cross_entropy(output:reshape(-1, 2), target:reshape(-1))
end

--- How many samples have a label.
function Attributes.labelled(_, target)
  return target:ne(core.missing_class):any(2):sum():item()
end

function Attributes:observe(sums, output, target)
  local scores <const> = output:reshape(-1, self.count, 2)
  local predicted <const> = scores:argmax(3):masked_fill(scores:ne(scores):any(3), 0)
  local strange <const> = target:lt(1):logical_or(target:gt(2))
    :logical_and(target:ne(core.missing_class))
  if strange:any():item() then
    check.fail("mtl.attributes: label %d is neither 1 nor 2; a missing one is %d",
      target:masked_select(strange)[1]:item(), core.missing_class)
  end
  for k = 1, 2 do
    local there <const> = target:eq(k)
    local right <const> = there:logical_and(predicted:eq(k))
    local counts <const> = {there:sum(1):totable(), right:sum(1):totable()}
    for j = 1, 2 do
      local key <const> = (j == 1 and "count" or "right") .. k
      sums[key] = sums[key] or {}
      for i = 1, self.count do sums[key][i] = (sums[key][i] or 0) + counts[j][i] end
    end
  end
end

-- The mean of numbers that are there.
local function mean(list, count)
  local total, n = 0, 0
  for i = 1, count do
    if list[i] == list[i] then total, n = total + list[i], n + 1 end
  end
  return ratio(total, n)
end

function Attributes:metrics(sums)
  local each <const>, balanced <const>, unseen = {}, {}, 0
  for i = 1, self.count do
    local n1 <const>, n2 <const> = sums.count1[i], sums.count2[i]
    local r1 <const>, r2 <const> = sums.right1[i], sums.right2[i]
    each[i] = ratio(r1 + r2, n1 + n2)
    balanced[i] = mean({r1 / n1, r2 / n2}, 2)
    unseen = unseen + (n1 == 0 and 1 or 0) + (n2 == 0 and 1 or 0)
  end
  return {accuracy = mean(each, self.count), balanced = mean(balanced, self.count), each = each,
    balanced_each = balanced, unseen = unseen, metric = self.metric}
end

function Attributes.show(_, m) return class_names.shown(format, m) end

--- The labels of the attributes in a batch by their names, or by the task's with their number.
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
