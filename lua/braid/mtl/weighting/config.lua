--- ConFIG (Liu, Chu and Thuerey 2024, "Towards conflict-free training of physics informed neural
-- networks", equations 1-3): the direction with the same cosine to every gradient.
--
-- u = unit(U^+ w), where the rows of U are the directions of the gradients; its length is sum_t
-- g_t' u. U^+ w = U' (U U')^+ w, so products of gradients are enough. w is the preference by task
-- (default: 1 / T). A gradient of 0 has no direction, and coefficient 0.
-- @usage tasks:weigh(net, mtl.weighting.config())

local base <const> = require "braid.mtl.weigh.base"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Config <const> = base.by_gram("config", {preference = base.BY_TASK})

function Config:weigh(s)
  s:check_names("mtl.weighting.config: preference", self.options.preference)
  local inverse <const> = matrix.map(matrix.lengths(s.gram), function(x)
    return x > 0 and 1 / x or 0
  end)
  local cosines <const> = matrix.each(s.gram, function(i, j) return inverse[i] * inverse[j] end)
  local k <const> = matrix.solve(cosines, s:by_task(self.options.preference, 1 / s.count))
  -- coefficients of the direction
  local c <const> = matrix.map(k, function(x, i) return x * inverse[i] end)
  local products <const> = matrix.times(s.gram, c) -- products of the gradients with the direction
  local square <const> = matrix.dot(c, products)
  return matrix.scaled(c, square > 0 and matrix.sum(products) / square or 0)
end

return Config
