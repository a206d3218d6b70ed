--- The t test of paired values (Student 1908), with the interval of their mean difference.
--
-- train.statistics.t_test(a, b, {alternative = "two-sided" | "less" | "greater", confidence =
-- 0.95}) -> {n =, difference = mean of a - b, deviation =, t =, df =, p =, low =, high =}. a and b
-- are lists of the same length; their i-th values belong together (the same seed, the same data).
-- The difference lies between low and high with the given confidence. If no test is possible (one
-- pair, or all differences 0), p is nil and `reason` says why. If all differences are equal but not
-- 0, t is infinite and p is 0 (or 1).
-- @usage print(train.statistics.t_test({1, 2, 4}, {0, 1.5, 2}).p) -- 0.12...

local check <const> = require "braid.check"
local student <const> = require "braid.train.statistics.student"
local summary <const> = require "braid.train.statistics.summary"

local VALUES <const> = check.list{of = check.number(), least = 1}
local OPTIONS <const> = check.declare("train.statistics.t_test", {
  a = check.argument(VALUES), b = check.argument(VALUES),
  alternative = check.choice{"two-sided", "less", "greater"},
  confidence = check.number{0.95, above = 0, below = 1},
}, function(o)
  if #o.a ~= #o.b then
    return ("a has %d values and b has %d: pairs need the same number of both"):format(#o.a, #o.b)
  end
end)

local function p_of(t, df, alternative)
  if alternative == "two-sided" then return student.both(t, df) end
  return student.cdf(alternative == "less" and t or -t, df)
end

return function(a, b, given)
  local o <const> = check.options(OPTIONS, given, {a = a, b = b})
  local differences <const> = {}
  for i = 1, #a do differences[i] = a[i] - b[i] end
  local s <const> = summary(differences)
  local result <const> = {n = s.n, difference = s.mean, deviation = s.deviation, df = s.n - 1}
  if s.n == 1 then
    result.reason = "one pair has no deviation"
    return result
  end
  if s.deviation == 0 and s.mean == 0 then
    result.t, result.low, result.high = nil, 0.0, 0.0
    result.reason = "all pairs are equal"
    return result
  end
  local error_of_mean <const> = s.deviation / math.sqrt(s.n)
  result.t = s.mean / error_of_mean
  result.p = p_of(result.t, s.n - 1, o.alternative)
  local half <const> = student.quantile(0.5 + o.confidence / 2, s.n - 1) * error_of_mean
  result.low, result.high = s.mean - half, s.mean + half
  return result
end
