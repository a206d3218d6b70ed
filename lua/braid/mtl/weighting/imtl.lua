--- IMTL (Liu et al. 2021, "Towards impartial multi-task learning"): no task is preferred, neither
-- by its gradient nor by the size of its loss.
--
-- IMTL-G (equation 6) finds weights of sum 1 such that the weighted sum has the same projection on
-- the direction of every gradient. Here the weights are proportional to G^+ d, d_t = |g_t|, which
-- also works for gradients that depend on each other; if these numbers sum to 0, the weights are 0.
-- IMTL-L (equation 9) brings losses to one size: exp(s_t) L_t - s_t, where s_t, 0 at first, follows
-- its gradient by Adam with rate lr. parts chooses "both" (the paper's IMTL), "gradients" or
-- "losses".
-- @usage tasks:weigh(net, mtl.weighting.imtl())

local adam <const> = require "braid.mtl.weigh.adam"
local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Imtl <const> = base.by_gram("imtl", {parts = check.choice{"both", "gradients", "losses"},
  lr = check.number{1e-3, from = 0}})

function Imtl:init(given)
  Imtl.base.init(self, given)
  if self.options.parts == "losses" then self.by = "losses" end
end

function Imtl:scale(s)
  if self.options.parts == "gradients" then return s:list(1) end
  local log_scale <const> = s:recall("log_scale", 0.0)
  local scales <const> = matrix.map(log_scale, math.exp)
  adam(s, "log_scale", log_scale, matrix.map(scales, function(x, i) return x * s.losses[i] - 1 end),
    self.options)
  return scales
end

function Imtl.weigh(_, s)
  local w <const> = matrix.solve(s.gram, matrix.lengths(s.gram))
  local sum <const> = matrix.sum(w)
  return matrix.scaled(w, math.abs(sum) < 1e-12 and 0 or 1 / sum)
end

return Imtl
