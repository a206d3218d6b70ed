--- Geometric loss (Chennupati et al. 2019, "MultiNet++", equation 2): L = (prod_t L_t)^(1/T), whose
-- derivative by L_t is L / (T L_t). Losses must not be negative. In the derivative a loss below
-- `eps` counts as eps, because the derivative at 0 is infinite.
-- @usage tasks:weigh(net, mtl.weighting.gls())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Gls <const> = base.by_losses("gls", {eps = check.number{1e-12, above = 0}})

function Gls:scale(s)
  local losses <const> = matrix.map(s.losses, function(loss, i)
    if loss < 0 then
      check.fail("mtl.weighting.gls: the loss of '%s' is %s; a geometric mean wants losses of 0 or "
        .. "more", s.names[i], check.shown(loss))
    end
    return math.max(loss, self.options.eps)
  end)
  local logs <const> = matrix.map(losses, function(loss) return math.log(loss) end)
  local mean <const> = math.exp(matrix.sum(logs) / s.count)
  return matrix.map(losses, function(loss) return mean / (s.count * loss) end)
end

return Gls
