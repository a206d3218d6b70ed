--- Aligned-MTL (Senushkin et al. 2023, "Independent component alignment", algorithm 1): gives the
-- principal components of the gradients the same length.
--
-- G = V L V' (line 2) and B = sqrt(l) V L^(-1/2) V' over eigenvalues above 0 (lines 4, 5). The
-- weights are B w. l is the least eigenvalue; scale = "median" or "rmse" (the authors' first code)
-- takes the median or the mean of the eigenvalues. w is the preference by task (default: 1 / T). If
-- all gradients are 0, the weights are w.
-- @usage tasks:weigh(net, mtl.weighting.aligned())

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
