--- FairGrad (Ban and Ji 2024, "Fair resource allocation in multi-task learning", equation 6): the
-- weights w > 0 with G w = w^(-1 / alpha), up to rounding.
--
-- alpha = 0 gives the mean of the gradients, 1 (the default) Nash's proportional fairness, 2
-- minimal potential delay, and a large alpha nearly max-min fairness. A gradient of 0 has weight 0.
-- @usage tasks:weigh(net, mtl.weighting.fairgrad())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Fairgrad <const> = base.by_gram("fairgrad", {alpha = check.number{1, from = 0}})

function Fairgrad:weigh(s)
  local alpha <const> = self.options.alpha
  return alpha == 0 and s:list(1 / s.count) or matrix.fair(s.gram, 1 / alpha)
end

return Fairgrad
