--- Counts how often a sample's class is among the k classes with the highest scores. If scores are
-- equal, the first class counts as higher.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local Places <const> = class("places")

function Places:init(context, o)
  self.context, self.samples, self.missing, self.k = context, 0, 0, o.k
  self.problems = {}
  for a = 1, context.problems do
    self.problems[a] = {count = 0, hits = 0, named = context.named}
  end
end

-- Whether class `label` is among the k highest of the scores from `first` on; false if a score is
-- NaN.
local function among(scores, first, count, label, k)
  local own <const>, higher = scores[first + label - 1], 0
  for c = 1, count do
    local score <const> = scores[first + c - 1]
    if score ~= score then return false end
    if score > own or score == own and c < label then higher = higher + 1 end
  end
  return higher < k
end

function Places:add(seen)
  local context <const>, problems <const> = self.context, #self.problems
  local classes <const> = context.classes
  if not seen.scores then
    check.fail("%s: outputs must be scores (n, classes)", context.what)
  end
  local scores <const> = seen.scores:reshape(-1):totable()
  for i, label in ipairs(seen:list()) do
    local part <const> = self.problems[(i - 1) % problems + 1]
    if label == context.ignore then
      self.missing = self.missing + 1
    else
      if label < 1 or label > classes then
        check.fail("%s: label %d of sample %d is not one of the classes 1 to %d; a missing one is "
          .. "%d", context.what, label, (i - 1) // problems + 1, classes, context.ignore)
      end
      part.count = part.count + 1
      if among(scores, (i - 1) * classes + 1, classes, label, self.k) then
        part.hits = part.hits + 1
      end
    end
  end
  self.samples = self.samples + seen.n
end

function Places:fits(other)
  return self.context.classes == other.context.classes and #self.problems == #other.problems
end

function Places:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  for a, from in ipairs(other.problems) do
    local part <const> = self.problems[a]
    part.count, part.hits = part.count + from.count, part.hits + from.hits
  end
end

function Places:parts() return self.problems end

return Places
