--- Student's t distribution, in double precision: train.statistics.student.cdf(t, df), .both(t,
-- df), .quantile(p, df). df, the degrees of freedom, need not be a whole number.
-- @usage print(train.statistics.student.quantile(0.975, 2)) -- 4.30265272975

local check <const> = require "braid.check"
local solve <const> = require "braid.train.statistics.solve"

-- Gamma(a + 1/2) / Gamma(a): by the series for large a, and by recursion from there for small a.
local function gamma_ratio(a)
  local factor = 1.0
  while a < 40 do
    factor = factor * a / (a + 0.5)
    a = a + 1
  end
  local r <const> = 1 / a
  return factor * math.sqrt(a) * (1 + r * (-1 / 8 + r * (1 / 128 + r * (5 / 1024
    + r * (-21 / 32768 + r * (-399 / 262144 + r * 869 / 4194304))))))
end

-- The incomplete beta function I_x(a, b) by its continued fraction, if one of a and b is 1/2
-- (Abramowitz and Stegun 26.5.8). `front` is x^a (1 - x)^b / B(a, b).
local function incomplete(x, a, b, front)
  return front / a / solve.fraction(1, function(i)
    local m <const> = i // 2
    if i % 2 == 1 then return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), 1 end
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)), 1
  end)
end

-- The probability above t >= 0: I_x(df/2, 1/2) / 2 at x = df / (df + t^2).
local function tail(t, df)
  if t == math.huge then return 0.0 end
  local a <const>, square <const> = df / 2, t * t / df
  local x <const>, rest <const> = 1 / (1 + square), square / (1 + square)
  local front <const> = math.exp(-a * solve.log1p(square)) * math.sqrt(rest) * gamma_ratio(a)
    / math.sqrt(math.pi)
  if x < (a + 1) / (a + 2.5) then return incomplete(x, a, 0.5, front) / 2 end
  return 0.5 - incomplete(rest, 0.5, a, front) / 2
end

local FREEDOM <const> = check.number{above = 0}

return solve.symmetric("train.statistics.student", tail, function(what, df)
  check.value(what, "df", df, FREEDOM)
end)
