--- MoCo (Fernando et al. 2023, "Mitigating gradient bias in multi-objective learning", algorithm
-- 1): keeps a running average of each gradient and weighs the averages.
--
--   y_t <- y_t - b (y_t - g_t), y = 0 at first, b = beta / k^beta_decay in step k
--   w <- the point of the simplex nearest to w - c (Y Y' + rho) w, c = gamma / k^gamma_decay;
--        w = 1 / T at first
-- The direction is sum_t w_t y_t. normalize = true makes the length of each gradient equal to its
-- loss. projection = "softmax" uses the softmax of the moved weights, as the authors' code and
-- LibMTL do.
-- @usage tasks:weigh(net, mtl.weighting.moco())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Moco <const> = base.by_rows("moco", {beta = check.number{0.5, from = 0, to = 1},
  beta_decay = check.number{0.5, from = 0}, gamma = check.number{0.1, from = 0},
  gamma_decay = check.number{0.5, from = 0}, rho = check.number{0, from = 0},
  normalize = check.flag(false), projection = check.choice{"simplex", "softmax"}})

-- Multiplies each row by its number.
local function times(rows, list)
  return rows * core.from_table(matrix.map(list, function(x) return {x} end), rows.dtype)
end

function Moco:combine(s)
  local o <const>, k <const>, g = self.options, s.number, s.rows
  if o.normalize then
    local length <const> = matrix.lengths(s.gram)
    g = times(g, matrix.map(s.losses, function(loss, i) return loss / (length[i] + 1e-8) end))
  end
  local y <const> = s:recall_rows("tracked")
  ops.lerp_(y, g, o.beta / k ^ o.beta_decay)
  s:keep_rows("tracked", y)
  local w <const> = s:recall("w", 1 / s.count)
  local slope <const> = matrix.times(ops.gram(y):totable(), w)
  local moved <const> = matrix.map(w, function(x, i)
    return x - o.gamma / k ^ o.gamma_decay * (slope[i] + o.rho * x)
  end)
  local now <const> = o.projection == "softmax" and matrix.softmax(moved)
    or matrix.onto_simplex(moved)
  s:keep("w", now)
  return ops.weighted_rows(y, core.from_table(now, y.dtype)), now
end

return Moco
