--- mtl.pose_bins: head pose as classification. The class of an angle is the bin that contains the
-- angle (Trottier, Giguere and Chaib-draa 2018, section 4.3: bins of 30 degrees, 14 in all for
-- roll, yaw and pitch).
--
-- mtl.pose_bins{"roll", "pitch", "yaw", bins = {4, 4, 6}} takes the labels of these names from a
-- batch, in degrees (NaN is missing). Without names it takes the label with the task's own name. A
-- single label may have several angles (n,k). Outputs are (n, sum of bins). The loss is the mean
-- cross-entropy over the angles that are not missing. Metrics are means over the angles, weighted
-- by their numbers of samples:
--   accuracy   the share of right bins
--   mae        the mean difference in degrees between the angle and the middle of the predicted
--              bin; an output of NaN is infinitely far away
--   each       the accuracy of each angle
-- Options:
--   bins, width   the number of bins, or a list with a number for each angle, and the width of a
--                 bin in degrees. The middle bin is around 0; with an even number two bins meet at
--                 0. The first and the last bin have no outer limit
--   kind          which angles the labels are, a word for each or one for all, such as "roll pitch
--                 yaw" (data/follow.lua). A loader that gets the tasks then knows how mirroring and
--                 turning change labels whose names do not say it
--   metrics       other metrics, of classes or of numbers (mtl.metric)
-- Decision: section 4.3 says 14 bins in all. 4, 4 and 6 bins cover roll and pitch from -60 to 60
-- degrees and yaw from -90 to 90 degrees.
-- @usage mtl.tasks{pose = mtl.pose_bins{"yaw", bins = 5, width = 30}}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local follow <const> = require "braid.data.follow"
local flips <const> = require "braid.mtl.tasks.flips"
local format <const> = require "braid.format"
local judged <const> = require "braid.mtl.measure.parts.judged"
local weight <const> = require "braid.mtl.tasks.weight"
local ops <const> = core.ops

local PoseBins <const> = class.guarded(class "PoseBins")
PoseBins.classifies = true -- its outputs are scores of classes
PoseBins.unnamed = {"labels"}

local COUNT <const> = check.whole{from = 1, to = 9999}
local OPTIONS <const> = check.declare("mtl.pose_bins", {
  bins = check.either(check.list{{4, 4, 6}, of = COUNT, least = 1}, COUNT),
  width = check.number{30, from = 1e-6, to = 360}, weight = weight.OPTION,
  kind = check.text(),
  metric = judged.OPTIONS.metric, metrics = judged.OPTIONS.metrics,
})

function PoseBins:init(given)
  local named <const>, labels <const> = {}, {}
  for key, value in pairs(check.copy("mtl.pose_bins", given)) do
    if math.type(key) == "integer" then labels[key] = value else named[key] = value end
  end
  local o <const> = check.options(OPTIONS, named)
  for i, name in ipairs(labels) do
    if type(name) ~= "string" then
      check.fail("mtl.pose_bins: label %d must be a name, not %s", i, check.shown(name))
    end
  end
  self.labels = #labels > 0 and labels or nil
  local one <const> = type(o.bins) == "number"
  local bins <const>, size = one and {} or o.bins, 0
  for i = 1, one and math.max(1, #labels) or 0 do bins[i] = o.bins end
  if #labels > 1 and #bins ~= #labels then
    check.fail("mtl.pose_bins: bins must be one number, or one for each of %d labels, not %s",
      #labels, check.shown(o.bins))
  end
  for _, n in ipairs(bins) do size = size + n end
  local _, wrong <const> = follow.angles(o.kind or "real", #bins)
  if wrong then check.fail("mtl.pose_bins: kind: %s", wrong) end
  self.bins, self.width, self.weight, self.size, self.kind = bins, o.width, o.weight, size, o.kind
  judged.take(self, o)
end

--- Whether this task, called `name`, takes a label as angles; and the angles' kinds, if known.
function PoseBins:angles_of(label, name)
  local labels <const> = self.labels or {name}
  for i, own in ipairs(labels) do
    if own == label then
      local words <const> = self.kind and follow.angles(self.kind, #self.bins)
      return true, words and (#labels > 1 and words[i] or self.kind)
    end
  end
  return false
end

--- The angles of a batch, float (n,angles); nil if one of them is missing.
function PoseBins:target(batch, name)
  local list <const> = {}
  for i, label in ipairs(self.labels or {name}) do
    if not batch[label] then return nil end
    list[i] = batch[label]:reshape(batch[label]:size(1), -1)
  end
  local angles <const> = ops.cat(list, 2)
  if angles:size(2) ~= #self.bins then
    check.fail("mtl.pose_bins: bins are given for %d angles, but the labels of '%s' have %d",
      #self.bins, name, angles:size(2))
  end
  return angles
end

--- The bin of angle i of each sample (n), from 1; -100 for a missing angle.
function PoseBins:bin(i, angle)
  local n <const> = self.bins[i]
  local known <const> = angle:eq(angle)
  local at <const> = (angle / self.width + (n % 2 == 1 and 0.5 or 0)):floor() + (n // 2 + 1)
  return ops.masked_fill(at:clamp(1, n), known:logical_not(), core.missing_class):to("int64")
end

-- Iterates over the angles: scores (n,bins) and angles (n).
local function each(self, output, target)
  local i, first = 0, 1
  return function()
    i = i + 1
    local n <const> = self.bins[i]
    if not n then return nil end
    local scores <const> = output[{ {}, {first, first + n - 1} }]
    first = first + n
    return i, scores, target[{ {}, i }]
  end
end

--- The loss, a tensor without dimensions, of output (n, sum of bins) and target (n,angles).
function PoseBins:loss(output, target)
  local total
  for i, scores, angle in each(self, output, target) do
    local loss <const> = ops.cross_entropy(scores, self:bin(i, angle), {reduction = "sum"})
    total = total and total + loss or loss
  end
  return total * (1 / math.max(target:eq(target):sum():item(), 1))
end

--- Turns the output for a mirror image into the output for the image: yaw and roll change sign.
function PoseBins:mirrored(output, name)
  local labels <const>, parts <const> = self.labels or {name}, {}
  local words = self.kind and follow.angles(self.kind, #self.bins)
  words = words or follow.angles(table.concat(labels, " "), #self.bins)
  if not words then flips.unknown("mtl.pose_bins", name, "kind") end
  for i, scores in each(self, output, output) do
    parts[i] = follow.negates(words[i]) and scores:flip(2) or scores
  end
  return ops.cat(parts, 2)
end

--- The number of samples with a label.
function PoseBins.labelled(_, target) return target:eq(target):any(2):sum():item() end

--- The number of values over which the loss is a mean.
function PoseBins.divisor(_, target) return target:eq(target):sum():item() end

-- Scores (n,angles,most bins), with -infinity for angles of fewer bins, and labels (n,angles).
local function as_classes(self, output, target)
  local most <const>, scores <const>, labels <const> = math.max(table.unpack(self.bins)), {}, {}
  for i, own, angle in each(self, output, target) do
    local missing <const> = most - self.bins[i]
    scores[i] = missing == 0 and own
      or ops.cat({own, core.new({own:size(1), missing}, own.dtype, -math.huge)}, 2)
    labels[i] = self:bin(i, angle)
  end
  return ops.stack(scores, 2), ops.stack(labels, 2)
end

--- The middle of each predicted bin (n,angles) in degrees; NaN if a score of the angle is NaN.
function PoseBins:degrees(output)
  local list <const>, first = {}, 1
  for i, n in ipairs(self.bins) do
    local scores <const> = output[{ {}, {first, first + n - 1} }]
    local middle <const> = (scores:argmax(2):to("float64") - (n + 1) / 2) * self.width
    list[i] = middle:masked_fill(scores:ne(scores):any(2), 0 / 0)
    first = first + n
  end
  return ops.stack(list, 2)
end

judged.kind(PoseBins, {what = "mtl.pose_bins", metrics = function() return {"accuracy", "mae"} end,
  show = function(task, m)
    if task.metric ~= "accuracy" then return nil end
    return m.accuracy and format("%.1f%% (%.1f off)", 100 * m.accuracy, m.mae) or "no label"
  end,
  known = function(_, target) return target:eq(target):any(2) end,
  forms = {
    classes = {
      told = function(self)
        return {classes = math.max(table.unpack(self.bins)),
          problems = #self.bins, sizes = self.bins, named = true, weigh = true, positive = 2,
          ignore = core.missing_class, scores = "logits"}
      end,
      shown = as_classes,
    },
    numbers = {
      told = function(self)
        return {problems = #self.bins, named = true, weigh = true}
      end,
      shown = function(self, output, target) return self:degrees(output), target end,
    },
  }})

return PoseBins
