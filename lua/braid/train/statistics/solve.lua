--- Numerical methods for the distributions, in double precision.

local check <const> = require "braid.check"

local M <const> = {}

local X <const> = check.number{infinite = true}
local SHARE <const> = check.number{from = 0, to = 1}
local TINY <const> = 1e-300

--- log(1 + x), exact also for small x.
function M.log1p(x)
  local u <const> = 1 + x
  return u == 1 and x or math.log(u) * x / (u - 1)
end

--- A continued fraction b0 + a1 / (b1 + a2 / (b2 + ...)) by Lentz's method; term(i) gives a_i, b_i.
function M.fraction(b0, term)
  local f = b0 ~= 0 and b0 or TINY
  local c, d = f, 0.0
  for i = 1, 10000 do
    local a <const>, b <const> = term(i)
    d = b + a * d
    c = b + a / c
    d = 1 / (d ~= 0 and d or TINY)
    if c == 0 then c = TINY end
    local step <const> = c * d
    f = f * step
    if math.abs(step - 1) < 1e-16 then break end
  end
  return f
end

--- Solves f(x) = value for x >= 0, if f falls from its value at 0 towards 0.
function M.falling(f, value)
  local low, high = 0.0, 1.0
  while f(high) > value do
    low, high = high, 2 * high
    if high == math.huge then return high end
  end
  while true do
    local middle <const> = low + (high - low) / 2
    if middle <= low or middle >= high then return high end
    if f(middle) > value then low = middle else high = middle end
  end
end

--- The functions of a distribution that is symmetric about 0. tail(x, ...) is the probability above
-- x >= 0; check_parameters(name, ...) checks the distribution's parameters.
--   cdf(x, ...)        the probability below x
--   both(x, ...)       the probability beyond x and -x: the p of a two-sided test
--   quantile(p, ...)   the x below which the probability is p
function M.symmetric(what, tail, check_parameters)
  local D <const> = {}

  local function number(name, x, ...)
    check.value(what .. "." .. name, "x", x, X)
    check_parameters(what .. "." .. name, ...)
  end

  --- cdf(x, ...): the share of the distribution below x.
  -- @usage train.statistics.normal.cdf(1.96)   train.statistics.student.cdf(1.96, 9)
  function D.cdf(x, ...)
    number("cdf", x, ...)
    return x < 0 and tail(-x, ...) or 1 - tail(x, ...)
  end

  --- both(x, ...): the share beyond x and -x, the p of a two-sided test.
  -- @usage train.statistics.normal.both(1.96)   train.statistics.student.both(1.96, 9)
  function D.both(x, ...)
    number("both", x, ...)
    return math.min(1, 2 * tail(math.abs(x), ...))
  end

  --- quantile(p, ...): the x below which a share p of the distribution lies.
  -- @usage train.statistics.normal.quantile(0.975)   train.statistics.student.quantile(0.975, 9)
  function D.quantile(p, ...)
    check.value(what .. ".quantile", "p", p, SHARE)
    check_parameters(what .. ".quantile", ...)
    if p == 0.5 then return 0.0 end
    if p == 0 or p == 1 then return p == 0 and -math.huge or math.huge end
    local more <const> = table.pack(...)
    local function above(x) return tail(x, table.unpack(more, 1, more.n)) end
    return p < 0.5 and -M.falling(above, p) or M.falling(above, 1 - p)
  end

  return D
end

return M
