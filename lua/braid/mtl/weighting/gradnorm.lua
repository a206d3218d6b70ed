--- GradNorm (Chen, Badrinarayanan, Lee and Rabinovich 2018, algorithm 1): tasks that learn slowly
-- get longer gradients.
--
-- The weights w_t of the losses start at 1. They move until the lengths G_t = |w_t g_t| are in
-- proportion to r_t^alpha, where r_t is a task's inverse training rate (equation 1):
--   r_t = (L_t / L_t(0)) / mean over tasks of this ratio;  aim_t = mean(G) r_t^alpha
-- A step of Adam at rate lr lowers sum_t |G_t - aim_t| over w, with constant aims (equation 2);
-- then w is scaled to sum to T. alpha is 1.5 and lr 0.025, as in the paper's section 4. L_t(0) is a
-- task's loss in its first step.
-- @usage tasks:weigh(net, mtl.weighting.gradnorm())

local adam <const> = require "braid.mtl.weigh.adam"
local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Gradnorm <const> = base.by_gram("gradnorm", {alpha = check.number{1.5, from = 0},
  lr = check.number{0.025, from = 0}})

function Gradnorm.scale(_, s) return s:recall("weight", 1.0) end

function Gradnorm:after(s)
  local w <const>, length <const> = s.scales, matrix.lengths(s.gram)
  local first <const> = s:recall("first")
  for i, loss in ipairs(s.losses) do first[i] = first[i] or loss end
  s:keep("first", first)
  local rate <const> = matrix.map(s.losses, function(loss, i)
    return first[i] ~= 0 and loss / first[i] or 1
  end)
  local mean <const>, mean_rate <const> = matrix.sum(length) / s.count, matrix.sum(rate) / s.count
  local slope <const> = matrix.map(length, function(x, i)
    local aim <const> = mean * (mean_rate > 0 and rate[i] / mean_rate or 1) ^ self.options.alpha
    return (x > aim and 1 or x < aim and -1 or 0) * (w[i] > 0 and x / w[i] or 0)
  end)
  local moved <const> = matrix.map(adam(s, "weight", w, slope, self.options), function(x)
    return math.max(x, 1e-4) -- a weight below 0 would train against its task
  end)
  s:keep("weight", matrix.scaled(moved, matrix.sum(w) / matrix.sum(moved)))
end

return Gradnorm
