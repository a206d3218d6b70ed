--- PCGrad (Yu et al. 2020, "Gradient surgery for multi-task learning", algorithm 1): removes from
-- each gradient the parts that conflict with other gradients.
--
-- For each task i it draws a new order of the other tasks j (line 4). If g_i and g_j conflict, it
-- removes from g_i the part along g_j (lines 6-7). It sums the results (line 11). The code keeps
-- the coefficients c_i of each changed g_i. A gradient of 0 conflicts with no gradient.
-- @usage tasks:weigh(net, mtl.weighting.pcgrad())

local base <const> = require "braid.mtl.weigh.base"
local draw <const> = require "braid.mtl.weigh.draw"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Pcgrad <const> = base.by_gram("pcgrad")

function Pcgrad.weigh(_, s)
  local total <const> = s:list(0.0)
  for i = 1, s.count do
    local c <const> = s:list(0.0)
    c[i] = 1.0
    for _, j in ipairs(draw.order(s.count)) do
      local product <const> = j ~= i and matrix.dot(c, s.gram[j]) or 0
      if product < 0 then c[j] = c[j] - product / s.gram[j][j] end
    end
    for k, x in ipairs(c) do total[k] = total[k] + x end
  end
  return total
end

return Pcgrad
