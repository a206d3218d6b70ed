--- DB-MTL (Lin et al. 2023, "Dual-balancing for multi-task learning", algorithm 1): balances the
-- logarithms of losses, and the lengths of gradients.
--
-- g_t is the gradient of log(L_t + eps), eps = 1e-8 (section 3.1). It is averaged over steps:
--   a_t <- b a_t + (1 - b) g_t, a = 0 at first, b = beta / k^beta_decay in step k (equation 3)
-- All a_t get the length of the longest of them (section 3.2): sum_t max_i |a_i| / |a_t| a_t.
-- Parameters of a single task also get the gradient of its log loss.
-- @usage tasks:weigh(net, mtl.weighting.db())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local matrix <const> = require "braid.mtl.weigh.matrix"
local ops <const> = core.ops

local Db <const> = base.by_rows("db", {beta = check.number{0.9, from = 0, below = 1},
  beta_decay = check.number{0.5, from = 0}})

local EPS <const> = 1e-8

function Db.scale(_, s)
  return matrix.map(s.losses, function(loss) return 1 / (loss + EPS) end)
end

function Db:combine(s)
  local a <const> = s:recall_rows("average")
  ops.lerp_(a, s.rows, 1 - self.options.beta / s.number ^ self.options.beta_decay)
  s:keep_rows("average", a)
  local length <const> = matrix.lengths(ops.gram(a):totable())
  local longest <const> = math.max(table.unpack(length))
  local c <const> = matrix.map(length, function(x) return longest / (x + EPS) end)
  return ops.weighted_rows(a, core.from_table(c, a.dtype)), c
end

return Db
