--- The standard normal distribution, in double precision: train.statistics.normal.cdf(x), .both(x),
-- .quantile(p).
-- @usage print(train.statistics.normal.quantile(0.975)) -- 1.95996398454

local solve <const> = require "braid.train.statistics.solve"

-- The probability above x >= 0. It is half of the complementary error function of x / sqrt(2).
local function tail(x)
  if x == math.huge then return 0.0 end
  local y <const> = x * x / 2
  if x < 1.7 then -- 1/2 - phi(x) (x + x^3/3 + x^5/15 + ...)
    local term, sum, n = x, x, 1
    while term > 1e-17 * sum do
      n = n + 2
      term = term * x * x / n
      sum = sum + term
    end
    return 0.5 - math.exp(-y) / math.sqrt(2 * math.pi) * sum
  end
  return math.exp(-y) / math.sqrt(2 * math.pi)
    / solve.fraction(x, function(i) return i, x end) -- Mills' ratio: 1/(x + 1/(x + 2/(x + ...)))
end

return solve.symmetric("train.statistics.normal", tail, function() end)
