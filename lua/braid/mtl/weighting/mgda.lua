--- MGDA (Desideri 2012; Sener and Koltun 2018, "Multi-task learning as multi-objective
-- optimization", equation 3): the weights of sum 1 with the least |sum_t w_t g_t|^2.
--
-- By default the minimum is exact. solver = "frank-wolfe" is Sener and Koltun's algorithm 2, as in
-- torchjd: it starts from equal weights and takes at most `steps` (100) steps with line search,
-- until a step is below `tolerance` (1e-3). normalize first divides gradients, as in Sener and
-- Koltun's code: by their lengths ("l2"), by the losses ("loss"), or by both ("loss+"). By default
-- gradients are not divided.
-- @usage tasks:weigh(net, mtl.weighting.mgda())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Mgda <const> = base.by_gram("mgda", {solver = check.choice{"exact", "frank-wolfe"},
  normalize = check.choice{"none", "l2", "loss", "loss+"}, steps = check.whole{100, from = 1},
  tolerance = check.number{1e-3, from = 0}})

local function least(v)
  local at = 1
  for i, x in ipairs(v) do
    if x < v[at] then at = i end
  end
  return at
end

local function frank_wolfe(gram, w, o)
  for _ = 1, o.steps do
    local products <const> = matrix.times(gram, w)
    local t <const> = least(products)
    local a <const>, b <const>, c <const> = products[t], matrix.dot(w, products), gram[t][t]
    local gamma <const> = c <= a and 1 or b <= a and 0 or (b - a) / (b + c - 2 * a)
    w = matrix.map(w, function(x, i) return (1 - gamma) * x + (i == t and gamma or 0) end)
    if gamma < o.tolerance then break end
  end
  return w
end

function Mgda:weigh(s)
  local o <const>, length <const> = self.options, matrix.lengths(s.gram)
  local size <const> = matrix.map(length, function(x, i)
    local by <const> = (o.normalize:find("l") == 1 and o.normalize ~= "l2" and s.losses[i] or 1)
      * ((o.normalize == "l2" or o.normalize == "loss+") and x or 1)
    return by > 0 and by or 1
  end)
  local gram <const> = matrix.each(s.gram, function(i, j) return 1 / (size[i] * size[j]) end)
  local w <const> = o.solver == "exact" and matrix.simplex(gram)
    or frank_wolfe(gram, s:list(1 / s.count), o)
  return matrix.map(w, function(x, i) return x / size[i] end)
end

return Mgda
