--- CAGrad (Liu, Liu, Jin, Stone and Liu 2021, "Conflict-averse gradient descent", algorithm 1):
-- the direction near the mean gradient g_0 that helps the worst task most.
--
--   line 4  w on the simplex with the least g_w' g_0 + sqrt(phi) |g_w|, phi = c^2 |g_0|^2
--   line 5  the direction g_0 + sqrt(phi) g_w / |g_w|
-- c is 0.4, the paper's value for most of its networks. rescale divides by 1 + c^2 ("squared", as
-- the authors' code and LibMTL) or 1 + c ("linear"). If g_w is shorter than eps times the root of
-- the sum of the squared gradients (1e-7; torchjd: 1e-4), no direction helps all tasks, and the
-- gradient is 0.
-- @usage tasks:weigh(net, mtl.weighting.cagrad{c = 0.4})

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Cagrad <const> = base.by_gram("cagrad", {c = check.number{0.4, from = 0},
  rescale = check.choice{"none", "squared", "linear"}, eps = check.number{1e-7, from = 1e-7}})

-- The least b' w + r |g_w| is also the least b' w + r (w' G w / tau + tau) / 2 over w and tau, with
-- tau = |g_w| at the end. For tasks with w above 0, G w = tau / r (nu - b). So nu solves
-- (nu - b)' G^-1 (nu - b) = r^2, and the sum of w, which is 1, gives tau.
local function polished(gram, b, r, w)
  local at <const>, g <const>, part <const>, one <const> = {}, {}, {}, {}
  for i, x in ipairs(w) do
    if x > 0 then at[#at + 1] = i end
  end
  for k, i in ipairs(at) do
    g[k], part[k], one[k] = {}, b[i], 1
    for l, j in ipairs(at) do g[k][l] = gram[i][j] end
  end
  local u <const>, rank <const> = matrix.solve(g, one)
  if rank < #at then return nil end
  local v <const> = matrix.solve(g, part)
  local a <const>, d <const>, e <const> = matrix.sum(u), matrix.sum(v), matrix.dot(part, v)
  local root <const> = d * d - a * (e - r * r)
  if not (a > 0 and root >= 0) then return nil end
  local nu <const> = (d + math.sqrt(root)) / a
  local sum <const> = a * nu - d
  local out <const> = matrix.scaled(w, 0)
  for k, i in ipairs(at) do out[i] = (nu * u[k] - v[k]) / sum end
  return math.min(table.unpack(out)) >= 0 and sum > 0 and out or nil
end

local function length(gram, w)
  return math.sqrt(math.max(matrix.dot(w, matrix.times(gram, w)), 0))
end

local STEPS <const>, CLOSE <const> = 60, 1e-12

-- The w of line 4 and the length of its mixture. With too small a tau the mixture is longer than
-- tau, with too large a tau it is shorter. So the best tau is between `low` and `high`. The search
-- alternates between the last mixture's length and the geometric mean of `low` and `high`.
local function solve(gram, b, r, least)
  local low, high = least / 4, math.max(table.unpack(matrix.lengths(gram)))
  local tau, w, now = length(gram, matrix.map(b, function() return 1 / #b end)), nil, nil
  for step = 1, STEPS do
    w = matrix.simplex(matrix.each(gram, function() return r / tau end), b)
    w = polished(gram, b, r, w) or w
    now = length(gram, w)
    if math.abs(now - tau) <= CLOSE * tau or high <= least then break end
    if now > tau then low = tau else high = tau end
    local inside <const> = now > low and now < high
    tau = step % 2 == 1 and inside and now or math.sqrt(low * high)
  end
  return w, high <= least and 0 or now
end

function Cagrad:weigh(s)
  local o <const>, equal <const> = self.options, s:list(1 / s.count)
  local b <const> = matrix.times(s.gram, equal) -- g_i' g_0 for each i
  local r <const> = o.c * math.sqrt(math.max(matrix.dot(equal, b), 0))
  local least <const> = o.eps * math.sqrt(matrix.trace(s.gram))
  if r <= 1e-3 * least then return equal end
  local w <const>, mixed <const> = solve(s.gram, b, r, least)
  if mixed <= least then return s:list(0.0) end
  local share <const> = r / mixed
  local by <const> = ({none = 1, squared = 1 + o.c ^ 2, linear = 1 + o.c})[o.rescale]
  return matrix.map(w, function(x) return (1 / s.count + share * x) / by end)
end

return Cagrad
