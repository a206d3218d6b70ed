--- Scores and labels of all samples, in double precision, for metrics that depend on their order.
--
-- For two classes it keeps the positive class's score minus the other class's score, 8 bytes a
-- sample. For more classes it keeps all scores, because probabilities are compared between samples.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local check <const> = require "braid.check"
local classes <const> = require "braid.mtl.measure.forms.classes"
local ops <const> = core.ops

local Ranking <const> = class("ranking")

function Ranking:init(context, _)
  self.context, self.samples, self.missing = context, 0, 0
  self.scores, self.labels, self.all = {}, {}, false
end

local function margin(scores, positive)
  return ops.select(scores, 3, positive) - ops.select(scores, 3, 3 - positive)
end

function Ranking:add(seen)
  local context <const>, kept = self.context, seen.score
  if not kept and not seen.scores then
    check.fail("%s: outputs must be scores (n, classes), or (n) of the positive class; predicted "
      .. "classes cannot be sorted by score", context.what)
  end
  if not kept then
    local scores <const> = seen.scores:to("float64")
    kept = scores:size(3) == 2 and margin(scores, context.positive) or scores
  end
  local missing <const> = seen.labels:eq(context.ignore)
  local strange <const> = seen.labels:lt(1):logical_or(seen.labels:gt(context.classes))
    :logical_and(missing:logical_not())
  if strange:any():item() then
    check.fail("%s: label %d is not one of the classes 1 to %d; a missing one is %d", context.what,
      seen.labels:masked_select(strange)[1]:item(), context.classes, context.ignore)
  end
  local i <const> = #self.scores + 1
  self.scores[i] = core.keep(kept:detach():to("float64"):clone())
  self.labels[i] = core.keep(seen.labels:to("int64"):clone())
  self.samples, self.all = self.samples + seen.n, false
  self.missing = self.missing + missing:sum():item()
end

function Ranking:fits(other)
  local a <const>, b <const> = self.scores[1], other.scores[1]
  return not a or not b or a:dim() == b:dim() and self.context.classes == other.context.classes
end

function Ranking:merge(other)
  table.move(other.scores, 1, #other.scores, #self.scores + 1, self.scores)
  table.move(other.labels, 1, #other.labels, #self.labels + 1, self.labels)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  self.all = false
end

-- ---- the form that metrics take ---------------------------------------------------------

local Part <const> = class("ranking part")

function Part:init(scores, labels, context, a)
  local there <const> = labels:ne(context.ignore)
  self.labels = core.keep(labels:masked_select(there))
  self.count, self.context, self.of, self.curves = self.labels:numel(), context, {}, {}
  self.size = context.sizes and context.sizes[a] or context.classes
  self.named, self.scores, self.columns = context.named or false, false, false
  if scores:dim() == 1 then
    self.scores = core.keep(scores:masked_select(there))
  else
    self.columns = {}
    for c = 1, self.size do
      self.columns[c] = core.keep(ops.select(scores, 2, c):masked_select(there))
    end
  end
  for c = 1, self.size do self.of[c] = 0 end
  for _, label in ipairs(self.labels:totable()) do self.of[label] = self.of[label] + 1 end
end

--- The curve of class c against the other classes, by falling score: how many samples of the class,
-- and how many other samples, have each score. A NaN counts as the worst possible score for its
-- sample.
function Part:curve(c)
  if self.curves[c] then return self.curves[c] end
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local scores = self.columns and self.columns[c]
    or c == self.context.positive and self.scores or -self.scores
  local own <const> = self.labels:eq(c)
  local lost <const> = scores:ne(scores)
  scores = scores:masked_fill(lost:logical_and(own), -math.huge)
    :masked_fill(lost:logical_and(own:logical_not()), math.huge)
  local sorted <const>, order <const> = scores:sort(1, {descending = true})
  local owned <const> = own:to("int64"):gather(1, order):totable()
  local positives <const>, negatives <const>, last = {}, {}, nil
  local k = 0
  for i, score in ipairs(sorted:totable()) do
    if score ~= last then
      k, last = k + 1, score
      positives[k], negatives[k] = 0, 0
    end
    positives[k], negatives[k] = positives[k] + owned[i], negatives[k] + 1 - owned[i]
  end
  self.curves[c] = {positives = positives, negatives = negatives, n = k}
  return self.curves[c]
end

--- The task's problems. Each has of[c], the number of samples of class c, and curve(c).
function Ranking:parts()
  if self.all then return self.all end
  local _ <close> = grad.scope()
  local scores, labels <const> = ops.cat(self.scores, 1), ops.cat(self.labels, 1)
  local how <const> = self.context.scores
  if scores:dim() == 3 and how ~= "probabilities"
    and (how == "logits" or not classes.are_probabilities(scores)) then
    scores = ops.softmax(scores, 3)
  end
  local list <const> = {}
  for a = 1, self.context.problems do
    list[a] = Part(ops.select(scores, 2, a), ops.select(labels, 2, a), self.context, a)
  end
  self.all = list
  return list
end

return Ranking
