--- Areas under curves of samples sorted by score. Samples of equal score are one step.

local averages <const> = require "braid.mtl.measure.parts.averages"
local classes <const> = require "braid.mtl.measure.forms.classes"

local M <const> = {}

--- The share of pairs of a positive and a negative in which the positive scores higher.
function M.roc(curve, positives, negatives)
  local above, pairs_right = 0, 0 -- counted in halves, so that the numbers stay whole
  for k = 1, curve.n do
    pairs_right = pairs_right + curve.negatives[k] * (2 * above + curve.positives[k])
    above = above + curve.positives[k]
  end
  return pairs_right / (2 * positives * negatives)
end

-- Calls f(precision, number of further positives) step by step.
local function steps(curve, f)
  local right, said = 0, 0
  for k = 1, curve.n do
    local more <const> = curve.positives[k]
    right, said = right + more, said + more + curve.negatives[k]
    f(right / said, more)
  end
end

function M.ap(curve, positives)
  local total = 0.0
  steps(curve, function(precision, more) total = total + precision * more end)
  return total / positives
end

function M.pr(curve, positives)
  local total, before = 0.0, 1.0
  steps(curve, function(precision, more)
    total = total + (precision + before) / 2 * more
    before = precision
  end)
  return total / positives
end

local function occurs(part, c) return part.of[c] > 0 end

--- The areas of a problem's classes, averaged as the options say.
function M.mean(part, o, context, area)
  local function of(p, c)
    local positives <const> = p.of[c]
    local negatives <const> = p.count - positives
    if positives == 0 then
      return nil, ("no sample is of %s"):format(classes.called(context, c))
    end
    if negatives == 0 and area == M.roc then
      return nil, ("all samples are of %s"):format(classes.called(context, c))
    end
    return area(p:curve(c), positives, negatives)
  end
  if part.size == 2 and not o.class and o.average ~= "each" then
    if part.count == 0 then return nil, "no sample has a label", {} end
    return of(part, context.positive)
  end
  local copy <const> = {average = o.average, class = o.class, undefined = "out"}
  return averages.mean(part, copy, context, of, occurs)
end

return M
