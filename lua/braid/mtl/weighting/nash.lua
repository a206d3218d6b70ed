--- Nash-MTL (Navon et al. 2022, "Multi-task learning as a bargaining game", claim 3.1): the weights
-- a > 0 with G a = 1 / a.
--
-- Newton's method finds the weights up to rounding, while the paper's algorithm 1 uses convex
-- approximations. The sum of the weighted gradients then has the length sqrt(T). normalize = true
-- solves for G divided by its Frobenius norm, and max_norm is the greatest length of the sum: a
-- longer sum is shortened to it. Both are in the authors' code and in torchjd (whose max_norm is
-- 1), but not in the paper. A gradient of 0 has weight 0. If no direction helps all tasks, the game
-- has no solution: weights are large, and the sum is nearly 0.
-- @usage tasks:weigh(net, mtl.weighting.nash())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Nash <const> = base.by_gram("nash", {normalize = check.flag(false),
  max_norm = check.number{above = 0}})

local function frobenius(gram)
  local sum = 0.0
  for _, row in ipairs(gram) do sum = sum + matrix.dot(row, row) end
  return math.sqrt(sum)
end

function Nash:weigh(s)
  local o <const>, gram = self.options, s.gram
  local norm <const> = o.normalize and frobenius(gram) or 0
  if norm > 0 then gram = matrix.each(gram, function() return 1 / norm end) end
  local a <const> = matrix.fair(gram, 1)
  local length <const> = math.sqrt(math.max(matrix.dot(a, matrix.times(s.gram, a)), 0))
  if o.max_norm and length > o.max_norm then return matrix.scaled(a, o.max_norm / length) end
  return a
end

return Nash
