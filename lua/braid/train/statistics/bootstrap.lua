--- Bootstrap intervals: how a statistic of measured values varies over samples drawn from them
-- (Efron and Tibshirani 1993).
--
-- train.statistics.bootstrap(values, {statistic = f, method = "bca" | "percentile" | "basic",
-- confidence = 0.95, draws = 9999, seed = 0}) -> {value =, low =, high =, error = the deviation
-- over the draws, draws =, exact =, distribution =}. f(list) returns a number (default: the mean).
-- If there are at most `draws` ways to draw n times from n values (by default for n up to 5), all
-- are taken (exact). Otherwise `draws` samples are drawn from the seed; the process's own random
-- numbers stay as they are. "bca" corrects for bias and skewness (equations 14.9 to 14.15). If
-- there is no interval, low and high are nil and `reason` says why.
-- @usage print(train.statistics.bootstrap({0.91, 0.93, 0.92, 0.95}).low)

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local normal <const> = require "braid.train.statistics.normal"
local summary <const> = require "braid.train.statistics.summary"
local tensor <const> = require "braid.tensor"

local OPTIONS <const> = check.declare("train.statistics.bootstrap", {
  values = check.argument(check.list{of = check.number(), least = 1}),
  statistic = check.call(), method = check.choice{"bca", "percentile", "basic"},
  confidence = check.number{0.95, above = 0, below = 1},
  draws = check.whole{9999, from = 1, to = 10000000}, seed = check.whole{0},
})

local function mean(values)
  local sum = 0.0
  for _, v in ipairs(values) do sum = sum + v end
  return sum / #values
end

-- Calls f(index) for each sample, a sorted list of indices into the values. Equal samples have the
-- same order, so that rounding does not make them differ.
local function each_sample(n, draws, seed, f)
  local index <const> = {}
  local function sample(of)
    for i = 1, n do index[i] = of(i) end
    table.sort(index)
    f(index)
  end
  if n ^ n <= draws then
    local at <const> = {} -- the digits of a number to the base n
    for i = 1, n do at[i] = 1 end
    repeat
      sample(function(i) return at[i] end)
      local i = 1
      while i <= n and at[i] == n do at[i], i = 1, i + 1 end
      if i <= n then at[i] = at[i] + 1 end
    until i > n
    return true
  end
  local was <const>, stream <const> = core.random_state()
  core.set_random_state(seed, 0)
  local drawn <const> = tensor.randint(1, n, {draws, n})
  core.set_random_state(was, stream)
  for _, row in ipairs(drawn:totable()) do sample(function(i) return row[i] end) end
  return false
end

-- The value below which this share of the sorted values is, interpolated between two neighbours.
local function quantile(sorted, share)
  local at <const> = (#sorted - 1) * share + 1
  local below <const> = math.max(1, math.min(#sorted, math.floor(at)))
  local above <const> = math.min(#sorted, below + 1)
  return sorted[below] + (at - below) * (sorted[above] - sorted[below])
end

-- The acceleration (14.15), from the statistics that result when each value in turn is left out.
local function acceleration(values, statistic)
  local left <const> = {}
  for i = 1, #values do
    local rest <const> = table.move(values, 1, #values, 1, {})
    table.remove(rest, i)
    left[i] = statistic(rest)
  end
  local middle <const>, cubes, squares = mean(left), 0.0, 0.0
  for _, v in ipairs(left) do
    cubes, squares = cubes + (middle - v) ^ 3, squares + (middle - v) ^ 2
  end
  return cubes / (6 * squares ^ 1.5)
end

-- The two shares of the distribution between which the interval lies.
local function corrected_shares(values, statistic, value, sorted, half)
  local below = 0
  for _, v in ipairs(sorted) do
    below = below + (v < value and 2 or v == value and 1 or 0)
  end
  if below == 0 or below == 2 * #sorted then return nil end
  local z0 <const>, a <const> = normal.quantile(below / (2 * #sorted)),
    acceleration(values, statistic)
  if a ~= a then return nil end
  local function share(p)
    local z <const> = z0 + normal.quantile(p)
    return normal.cdf(z0 + z / (1 - a * z))
  end
  return share(half), share(1 - half)
end

local function ends(o, statistic, value, sorted)
  local half <const> = (1 - o.confidence) / 2
  local first, last = half, 1 - half
  if o.method == "bca" then
    first, last = corrected_shares(o.values, statistic, value, sorted, half)
    if not first then return nil end
  end
  local low <const>, high <const> = quantile(sorted, first), quantile(sorted, last)
  if o.method == "basic" then return 2 * value - high, 2 * value - low end
  return low, high
end

return function(values, given)
  local o <const> = check.options(OPTIONS, given, {values = values})
  local statistic <const> = o.statistic or mean
  local result <const> = {value = statistic(table.move(values, 1, #values, 1, {}))}
  if #values == 1 then
    result.reason = "one value has no deviation"
    return result
  end
  local distribution <const>, sample <const> = {}, {}
  result.exact = each_sample(#values, o.draws, o.seed, function(index)
    for i, k in ipairs(index) do sample[i] = values[k] end
    local v <const> = statistic(table.move(sample, 1, #sample, 1, {}))
    if type(v) ~= "number" or v ~= v then
      check.fail("train.statistics.bootstrap: the statistic gave %s, not a number", check.shown(v))
    end
    distribution[#distribution + 1] = v
  end)
  table.sort(distribution)
  result.distribution, result.draws = distribution, #distribution
  result.error = #distribution > 1 and summary(distribution).deviation or nil
  if distribution[1] == distribution[#distribution] then
    result.low, result.high, result.reason = result.value, result.value, "all values are equal"
    return result
  end
  result.low, result.high = ends(o, statistic, result.value, distribution)
  if not result.low then
    result.reason = "the samples lie all on one side of the value; method = \"percentile\" has an "
      .. "interval"
  end
  return result
end
