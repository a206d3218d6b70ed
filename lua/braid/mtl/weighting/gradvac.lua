--- Gradient vaccine (Wang, Tsvetkov, Firat and Cao 2021, algorithm 1): moves each gradient towards
-- the other gradients with which it agrees less than usual.
--
-- It is like PCGrad, but g_i moves along g_j whenever their cosine phi is below its moving average
-- phi_hat (equations 4, 5):
--   g_i += |g_i| (phi_hat sqrt(1 - phi^2) - phi sqrt(1 - phi_hat^2))
--          / (|g_j| sqrt(1 - phi_hat^2)) g_j
--   phi_hat <- (1 - beta) phi_hat + beta phi
-- beta is 0.01, as in the paper; torchjd and LibMTL use 0.5. Each pair has a phi_hat, which is 0 at
-- first.
-- @usage tasks:weigh(net, mtl.weighting.gradvac())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local draw <const> = require "braid.mtl.weigh.draw"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Gradvac <const> = base.by_gram("gradvac", {beta = check.number{0.01, from = 0, to = 1}})

local EPS <const> = 1e-8

local function sine(cosine) return math.sqrt(math.max(1 - cosine * cosine, 0)) end

function Gradvac:weigh(s)
  local beta <const>, length <const> = self.options.beta, matrix.lengths(s.gram)
  local total <const> = s:list(0.0)
  for i, name in ipairs(s.names) do
    local key <const> = "cosine with " .. name
    local c <const>, target <const> = s:list(0.0), s:recall(key, 0.0)
    c[i] = 1.0
    local products = s.gram[i] -- products of g_i, as changed so far, with all gradients
    for _, j in ipairs(draw.order(s.count)) do
      if j ~= i then
        local own <const> = math.sqrt(math.max(matrix.dot(products, c), 0))
        local phi <const>, hat <const> = products[j] / (own * length[j] + EPS), target[j]
        if phi < hat then
          local turn <const> = hat * sine(phi) - phi * sine(hat)
          local by <const> = own * turn / (length[j] * sine(hat) + EPS)
          c[j] = c[j] + by
          products = matrix.map(products, function(x, k) return x + by * s.gram[j][k] end)
        end
        target[j] = (1 - beta) * hat + beta * phi
      end
    end
    s:keep(key, target)
    for k, x in ipairs(c) do total[k] = total[k] + x end
  end
  return total
end

return Gradvac
