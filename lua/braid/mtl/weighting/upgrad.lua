--- UPGrad (Quinton and Rey 2024, "Jacobian descent for multi-objective optimization", section 3.1):
-- the sum of all gradients, each projected so that it conflicts with no other gradient.
--
-- Each gradient is multiplied by its preference (default: 1 / T) and projected onto the nearest
-- direction that conflicts with no gradient. The projections are summed. The projection of J' u is
-- J' v, where v >= u has the least v' G v (proposition 1). G is divided by its trace, and
-- `regularize` (1e-4, as in torchjd) times the identity is added, so that v is unique even if
-- gradients depend on each other. If the trace is below norm_eps (0; torchjd: 1e-4), the gradients
-- count as 0.
-- @usage tasks:weigh(net, mtl.weighting.upgrad())

local base <const> = require "braid.mtl.weigh.base"
local cone <const> = require "braid.mtl.weigh.cone"

local Upgrad <const> = base.by_gram("upgrad", cone.options())

function Upgrad:weigh(s)
  local preference <const>, us <const> = cone.preference(self, s), {}
  for i, p in ipairs(preference) do
    us[i] = s:list(0.0)
    us[i][i] = p
  end
  local total <const> = s:list(0.0)
  for _, v in ipairs(cone.project(s.gram, us, self.options)) do
    for i, x in ipairs(v) do total[i] = total[i] + x end
  end
  return total
end

return Upgrad
