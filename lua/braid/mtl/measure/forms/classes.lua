--- The input of metrics of classes: scores (n,problems,classes) or predicted classes (n,problems),
-- and labels (n,problems), counted from 1.
--
-- The fields of the context are what (the name in messages), classes (their number), problems
-- (their number), ignore (the mark of a missing label), positive (the number of a class), names (of
-- the classes), sizes (the number of classes of each problem, if they differ), weigh (whether
-- problems count by their labels), and scores. scores is "logits", "probabilities", or nil; nil
-- means that they are probabilities if the scores of every sample are from 0 to 1 and sum to 1.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

M.TOLD = {"ignore", "positive", "names", "scores"}
M.OPTIONS = {ignore = check.whole(), positive = check.whole{from = 1},
  names = check.list{of = check.text(), least = 1},
  scores = check.optional(check.choice{"logits", "probabilities"})}

local WHOLE <const> = {int64 = true, int32 = true, uint8 = true}

local function describe(t) return ("a tensor {%s}"):format(table.concat(t.shape, ", ")) end

--- The context of a metric that belongs to no task, made from the first batch.
function M.alone(metric, outputs)
  local what <const> = "mtl.metric." .. metric.NAME
  local classes = 2
  if outputs:dim() == 2 and outputs:size(2) > 1 then
    classes = outputs:size(2)
  elseif outputs:dim() ~= 1 and outputs:dim() ~= 2 then
    check.fail("%s: outputs must be scores (n, classes), scores of the positive class (n) or "
      .. "the predicted classes (n), not %s", what, describe(outputs))
  elseif WHOLE[outputs.dtype] then
    classes = nil -- the batches will show how many
  end
  return {what = what, classes = classes, problems = 1, ignore = core.missing_class, positive = 2,
    noun = "samples"}
end

local function check_shapes(context, outputs, labels)
  if outputs:dim() == 0 or labels:dim() == 0 then
    check.fail("%s: outputs and labels must have a dimension of samples, (n, ...), but one is a "
      .. "single number", context.what)
  end
  if not WHOLE[labels.dtype] then
    check.fail("%s: labels must be whole numbers from 1 (int64), not %s", context.what,
      labels.dtype)
  end
  local n <const> = outputs:size(1)
  if labels:size(1) ~= n or labels:numel() ~= n * context.problems then
    check.fail("%s: targets must be one label for each of %d outputs, not %s", context.what, n,
      describe(labels))
  end
end

-- The number of the class with the highest score of each problem. If a score is NaN, the number is
-- 0: no class is predicted.
local function answers_of(scores)
  return ops.masked_fill(scores:argmax(3), scores:ne(scores):any(3), 0)
end

-- A batch in the form that metrics receive.
local Seen <const> = {}
Seen.__index = Seen

--- The predicted classes (n,problems).
function Seen:said()
  if not self.answer and not self.scores then
    check.fail("%s: outputs must be scores (n, classes) or the predicted classes (n, whole "
      .. "numbers); scores of one class alone do not tell which class is predicted", self.what)
  end
  self.answer = self.answer or answers_of(self.scores)
  return self.answer
end

--- The predicted classes as a list: all problems of the first sample, then of the next.
function Seen:answers()
  self.answered = self.answered or self:said():reshape(-1):totable()
  return self.answered
end

--- The labels as a list, in the same order.
function Seen:list()
  self.listed = self.listed or self.labels:reshape(-1):totable()
  return self.listed
end

--- Makes a Seen of a batch: labels (n,problems); and scores (n,problems,classes), or score (n,1) of
-- the positive class, or neither if outputs are predicted classes.
function M.seen(context, outputs, targets)
  check_shapes(context, outputs, targets)
  local n <const>, problems <const> = outputs:size(1), context.problems
  if context.classes ~= 1 and outputs:dim() == 2 and outputs:size(2) == 1 then
    outputs = outputs:reshape(n) -- scores of the positive class, or predicted classes
  end
  local seen <const> = setmetatable({n = n, labels = targets:reshape(n, problems),
    what = context.what}, Seen)
  if outputs:dim() == 1 and WHOLE[outputs.dtype] then
    seen.answer = outputs
  elseif outputs:dim() == 1 then
    seen.score = outputs:reshape(n, 1)
  else
    seen.scores = outputs:reshape(n, problems, n > 0 and outputs:numel() // (n * problems)
      or context.classes)
    if seen.scores:size(3) ~= context.classes then
      check.fail("%s: outputs must have %d scores for each sample, as before, not %s", context.what,
        context.classes * problems, describe(outputs))
    end
  end
  return seen
end

--- Whether scores (..., classes) in double precision are all probabilities.
function M.are_probabilities(scores)
  return (scores:sum(-1) - 1):abs():lt(1e-5):all():item() and scores:ge(0):all():item()
end

--- The number of a class, given its number or name; or nil and a message.
function M.class(context, wanted)
  local count <const> = context.classes
  if math.type(wanted) == "integer" then
    if wanted >= 1 and (not count or wanted <= count) then return wanted end
    return nil, ("there is no class %d of %d"):format(wanted, count)
  end
  for i, name in ipairs(context.names or {}) do
    if name == wanted then return i end
  end
  if context.names then
    return nil, ("there is no class '%s'; %s"):format(wanted, check.nearest(wanted, context.names))
  end
  return nil, ("'%s' is neither an average (macro, micro, weighted, each) nor a class, because the "
    .. "classes have no names"):format(wanted)
end

--- The name of a class in messages.
function M.called(context, c)
  return context.names and context.names[c] and ("'%s'"):format(context.names[c])
    or ("class %d"):format(c)
end

return M
