--- Smooth Tchebycheff scalarization (Lin et al. 2024, "Smooth Tchebycheff scalarization for
-- multi-objective optimization", equation 9): mu log sum_t exp(w_t (L_t - z_t) / mu).
--
-- Its derivative by L_t is w_t times the softmax of w (L - z) / mu. By default w is 1 / T and the
-- ideal point z is 0; both can be given by task. log = true takes log L_t in place of L_t, as
-- LibMTL does.
-- @usage tasks:weigh(net, mtl.weighting.stch())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Stch <const> = base.by_losses("stch", {mu = check.number{1, above = 0},
  weights = base.BY_TASK, ideal = check.map(check.number{}), log = check.flag(false)})

function Stch:scale(s)
  local o <const> = self.options
  s:check_names("mtl.weighting.stch: weights", o.weights)
  s:check_names("mtl.weighting.stch: ideal", o.ideal)
  local w <const>, z <const> = s:by_task(o.weights, 1 / s.count), s:by_task(o.ideal, 0)
  local slopes <const> = {}
  local y <const> = matrix.map(s.losses, function(loss, i)
    local above <const> = loss - z[i]
    slopes[i] = o.log and 1 / math.max(above, 1e-20) or 1
    return w[i] * (o.log and math.log(math.max(above, 1e-20)) or above) / o.mu
  end)
  return matrix.map(matrix.softmax(y), function(p, i) return p * w[i] * slopes[i] end)
end

return Stch
