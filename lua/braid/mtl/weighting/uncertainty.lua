--- Uncertainty (Kendall, Gal and Cipolla 2018, "Multi-task learning using uncertainty to weigh
-- losses"): each loss is weighted by a learned variance, s_t = log sigma_t^2, 0 at first.
--
--   regression      exp(-s) / 2 L + s / 2     (equation 7)
--   classification  exp(-s) L + s / 2         (equation 10)
-- Adam updates each s by the gradient of this sum, as if s were a parameter of the network. The
-- kind of a task decides its form; form = "regression" gives all tasks the form of regression, as
-- in torchjd.
-- @usage tasks:weigh(net, mtl.weighting.uncertainty())

local adam <const> = require "braid.mtl.weigh.adam"
local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"

local Uncertainty <const> = base.by_losses("uncertainty", {
  form = check.choice{"by kind", "regression"}, lr = check.number{1e-3, from = 0},
})

function Uncertainty:scale(s)
  local o <const>, scales <const>, slopes <const> = self.options, {}, {}
  local log_variance <const> = s:recall("log_variance", 0.0)
  for i, name in ipairs(s.names) do
    local half <const> = o.form == "regression" or not s.tasks[name].classifies
    scales[i] = (half and 0.5 or 1) * math.exp(-log_variance[i])
    slopes[i] = 0.5 - scales[i] * s.losses[i]
  end
  adam(s, "log_variance", log_variance, slopes, o)
  return scales
end

return Uncertainty
