--- The polynomial schedule, like PyTorch's PolynomialLR: the factor is (1 - step / total) ^ power,
-- and 0 from step `total` on. DeepLab uses power = 0.9 (Chen et al. 2018).
-- @usage optim.schedule(opt, optim.poly(30000, {power = 0.9}))

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("optim.poly", {
  total = check.argument(check.whole{from = 1}), power = check.number{1, above = 0},
})

return function(total, given)
  local o <const> = check.options(OPTIONS, given, {total = total})
  return function(step) return (1 - math.min(step / total, 1)) ^ o.power end
end
