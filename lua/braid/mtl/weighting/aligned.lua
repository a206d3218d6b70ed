--- Aligned-MTL (Senushkin et al. 2023, "Independent component alignment", algorithm 1): the
-- principal components of the gradients get one length. G = V L V' (line 2), B = sqrt(l) V
-- L^(-1/2) V' (lines 4, 5) over eigenvalues above 0, weights B w; l is the least eigenvalue, or
-- with scale = "median" or "rmse" (the authors' first code) that or the mean. w is the preference
-- by task, 1 / T unless given. Gradients that are all 0 keep w.

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Aligned <const> = base.by_gram("aligned", {preference = base.BY_TASK,
  scale = check.choice{"min", "median", "rmse"}})

local SCALE <const> = {
  min = function(list) return list[1] end,
  median = function(list) return list[(#list + 1) // 2] end,
  rmse = function(list) return matrix.sum(list) / #list end,
}

function Aligned:weigh(s)
  local o <const> = self.options
  s:check_names("mtl.weighting.aligned: preference", o.preference)
  local w <const>, values <const> = s:by_task(o.preference, 1 / s.count), {}
  local out <const>, rank <const> = matrix.by_eigen(s.gram, w, s.count * 2.2e-16, function(value)
    values[#values + 1] = value
    return 1 / math.sqrt(value)
  end)
  return rank == 0 and w or matrix.scaled(out, math.sqrt(SCALE[o.scale](values)))
end

return Aligned
