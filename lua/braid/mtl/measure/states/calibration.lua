--- How sure outputs are and how often they are right, by bins of confidence (the highest
-- probability).

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local classes <const> = require "braid.mtl.measure.forms.classes"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Calibration <const> = class("calibration")

local function empty(context, bins)
  local problems <const> = {}
  for a = 1, context.problems do
    local part <const> = {count = 0, n = {}, right = {}, sure = {}, named = context.named}
    for b = 1, bins do part.n[b], part.right[b], part.sure[b] = 0, 0, 0.0 end
    problems[a] = part
  end
  return problems
end

-- Scores are binned both as logits and as probabilities, until it is clear which they are.
function Calibration:init(context, o)
  self.context, self.samples, self.missing, self.bins = context, 0, 0, o.bins
  self.logits = context.scores ~= "probabilities" and empty(context, o.bins)
  self.probabilities = context.scores ~= "logits" and empty(context, o.bins)
end

local function gather(self, problems, sure, seen, answers)
  local bins <const>, count <const>, ignore <const> = self.bins, #problems, self.context.ignore
  for i, label in ipairs(seen:list()) do
    local part <const> = problems[(i - 1) % count + 1]
    if label ~= ignore then
      local p <const> = sure[i] == sure[i] and sure[i] or 1.0 -- NaN counts as sure and wrong
      local b <const> = math.max(1, math.min(bins, math.ceil(p * bins)))
      part.count, part.n[b], part.sure[b] = part.count + 1, part.n[b] + 1, part.sure[b] + p
      if answers[i] == label then part.right[b] = part.right[b] + 1 end
    end
  end
end

function Calibration:add(seen)
  if not seen.scores then
    check.fail("%s: outputs must be scores (n, classes)", self.context.what)
  end
  local scores <const>, answers <const> = seen.scores:to("float64"), seen:answers()
  if self.probabilities and not self.context.scores and not classes.are_probabilities(scores) then
    self.probabilities = false
  end
  for key, of in pairs{logits = ops.softmax, probabilities = function(x) return x end} do
    if self[key] then
      gather(self, self[key], of(scores, 3):max(3):reshape(-1):totable(), seen, answers)
    end
  end
  self.samples = self.samples + seen.n
  self.missing = self.missing + seen.labels:eq(self.context.ignore):sum():item()
end

function Calibration:fits(other)
  return self.context.problems == other.context.problems
    and self.context.scores == other.context.scores
end

local function merge(problems, others, bins)
  for a, from in ipairs(others) do
    local part <const> = problems[a]
    part.count = part.count + from.count
    for b = 1, bins do
      part.n[b], part.right[b] = part.n[b] + from.n[b], part.right[b] + from.right[b]
      part.sure[b] = part.sure[b] + from.sure[b]
    end
  end
end

function Calibration:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  if not other.probabilities then self.probabilities = false end
  if self.logits then merge(self.logits, other.logits, self.bins) end
  if self.probabilities then merge(self.probabilities, other.probabilities, self.bins) end
end

function Calibration:parts() return self.probabilities or self.logits end

return Calibration
