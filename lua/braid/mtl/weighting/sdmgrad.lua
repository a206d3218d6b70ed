--- SDMGrad (Xiao, Ban and Ji 2023, "Direction-oriented multi-objective learning", algorithm 1):
-- finds weights near a preference for which the combined gradient is short.
--
-- The weights w are on the simplex and begin where the last step left them. They move `steps` times
-- against G (w + lambda w0) by gradient descent with rate lr and momentum (line 6, projected). The
-- direction is that of w + lambda w0, divided by 1 + lambda as in the authors' code. As there, G is
-- divided by the square of the gradients' mean length. w0 is the preference (default: 1 / T).
-- Decision: all products come from one batch, as in torchjd; the paper draws two or three batches
-- for unbiased estimates.

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Sdmgrad <const> = base.by_gram("sdmgrad", {lr = check.number{10, above = 0},
  momentum = check.number{0.5, from = 0, below = 1}, steps = check.whole{20, from = 1},
  lambda = check.number{0.3, from = 0}, preference = base.BY_TASK})

function Sdmgrad:weigh(s)
  local o <const> = self.options
  s:check_names("mtl.weighting.sdmgrad: preference", o.preference)
  local w0 <const> = s:by_task(o.preference, 1 / s.count)
  local mean <const> = matrix.sum(matrix.lengths(s.gram)) / s.count
  local a <const> = matrix.each(s.gram, function() return 1 / (mean * mean + 1e-8) end)
  local w, velocity = s:recall("w", 1 / s.count), nil
  local function leaning(v) return matrix.map(v, function(x, i) return x + o.lambda * w0[i] end) end
  for _ = 1, o.steps do
    local slope <const> = matrix.times(a, leaning(w))
    velocity = matrix.map(slope, function(x, i)
      return velocity and o.momentum * velocity[i] + x or x
    end)
    w = matrix.onto_simplex(matrix.map(w, function(x, i) return x - o.lr * velocity[i] end))
  end
  s:keep("w", w)
  return matrix.scaled(leaning(w), 1 / (1 + o.lambda))
end

return Sdmgrad
