--- Wilcoxon's signed rank test of paired values (Wilcoxon 1945).
--
-- train.statistics.wilcoxon(a, b, {alternative = "two-sided" | "less" | "greater", method = "auto"
-- | "exact" | "normal", zeros = "wilcox" | "pratt" | "split"}) -> {n =, statistic =, p =, method =,
-- least = the smallest p that n pairs can give}. a and b are as for t_test; n counts the pairs with
-- a difference. The statistic is the smaller of the two sums of ranks. For a one-sided alternative
-- it is the sum for the positive differences. Equal differences share the mean of their ranks.
-- "exact" counts all signs that the ranked differences could have, with ties and zeros. "normal" is
-- the normal approximation; its variance is corrected for ties. "auto" is exact for up to 50 pairs,
-- or for up to 13 with ties or zeros, as in scipy.
-- zeros: "wilcox" drops zero differences before ranking, "pratt" after it (Pratt 1959), and "split"
-- counts half of their ranks on each side.
-- @usage print(train.statistics.wilcoxon({1, 2, 4, 8}, {0, 1.5, 2, 4}).p) -- 0.125

local check <const> = require "braid.check"
local normal <const> = require "braid.train.statistics.normal"

local VALUES <const> = check.list{of = check.number(), least = 1}
-- The most pairs for which "auto" is exact, without and with ties or zeros.
local EXACT <const>, EXACT_TIED <const> = 50, 13
local OPTIONS <const> = check.declare("train.statistics.wilcoxon", {
  a = check.argument(VALUES), b = check.argument(VALUES),
  alternative = check.choice{"two-sided", "less", "greater"},
  method = check.choice{"auto", "exact", "normal"},
  zeros = check.choice{"wilcox", "pratt", "split"},
}, function(o)
  if #o.a ~= #o.b then
    return ("a has %d values and b has %d: pairs need the same number of both"):format(#o.a, #o.b)
  end
end)

-- Ranks of absolute values, doubled so that they are whole numbers, and the sizes of tied groups.
local function doubled_ranks(values)
  local order <const>, ranks <const>, ties <const> = {}, {}, {}
  for i = 1, #values do order[i] = i end
  table.sort(order, function(i, j) return values[i] < values[j] end)
  local from = 1
  while from <= #order do
    local to = from
    while to < #order and values[order[to + 1]] == values[order[from]] do to = to + 1 end
    for i = from, to do ranks[order[i]] = from + to end
    if to > from then ties[#ties + 1] = {size = to - from + 1, zero = values[order[from]] == 0} end
    from = to + 1
  end
  return ranks, ties
end

-- The differences that count, with their doubled ranks.
local function ranked(o)
  local differences <const>, sizes <const>, zeros = {}, {}, 0
  for i = 1, #o.a do
    local d <const> = o.a[i] - o.b[i]
    if d == 0 then zeros = zeros + 1 end
    if d ~= 0 or o.zeros ~= "wilcox" then
      differences[#differences + 1], sizes[#sizes + 1] = d, math.abs(d)
    end
  end
  local ranks <const>, ties <const> = doubled_ranks(sizes)
  local plus, minus, zero, list <const> = 0, 0, 0, {}
  for i, d in ipairs(differences) do
    if d > 0 then plus = plus + ranks[i] elseif d < 0 then minus = minus + ranks[i] end
    if d == 0 then zero = zero + ranks[i] else list[#list + 1] = ranks[i] end
  end
  if o.zeros ~= "split" then zero = 0 end
  return {ranks = list, ties = ties, zeros = zeros, plus = plus, minus = minus, zero = zero,
    counted = #differences}
end

-- share[sum] is the probability that the ranks with a positive sign have this sum.
local function sums(ranks)
  local share, top = {[0] = 1.0}, 0
  for _, rank in ipairs(ranks) do
    local after <const> = {}
    for sum = 0, top + rank do
      after[sum] = ((share[sum] or 0) + (share[sum - rank] or 0)) / 2
    end
    share, top = after, top + rank
  end
  return share, top
end

local function combined(less, greater, alternative)
  if alternative == "less" then return less end
  if alternative == "greater" then return greater end
  return math.min(1, 2 * math.min(less, greater))
end

local function exact(r, alternative)
  local share <const>, top <const> = sums(r.ranks)
  local less, greater = 0.0, 0.0
  for sum = 0, r.plus do less = less + share[sum] end
  for sum = top, r.plus, -1 do greater = greater + share[sum] end
  return combined(math.min(1, less), math.min(1, greater), alternative)
end

local function approximate(r, o)
  local n <const>, plus = r.counted, (r.plus + r.zero / 2) / 2
  local mean, variance = n * (n + 1) / 4, n * (n + 1) * (2 * n + 1.0)
  local pratt <const> = o.zeros == "pratt"
  if pratt then
    mean = mean - r.zeros * (r.zeros + 1) / 4
    variance = variance - r.zeros * (r.zeros + 1) * (2 * r.zeros + 1)
  end
  for _, tie in ipairs(r.ties) do
    if not (pratt and tie.zero) then variance = variance - (tie.size ^ 3 - tie.size) / 2 end
  end
  local z <const> = (plus - mean) / math.sqrt(variance / 24)
  return combined(normal.cdf(z), normal.cdf(-z), o.alternative)
end

return function(a, b, given)
  local o <const> = check.options(OPTIONS, given, {a = a, b = b})
  local r <const> = ranked(o)
  local tied <const> = #r.ties > 0 or r.zeros > 0
  local method = o.method
  if method == "auto" then
    method = #o.a <= (tied and EXACT_TIED or EXACT) and "exact" or "normal"
  end
  local plus <const>, minus <const> = (r.plus + r.zero / 2) / 2, (r.minus + r.zero / 2) / 2
  local result <const> = {n = #r.ranks, method = method,
    statistic = o.alternative == "two-sided" and math.min(plus, minus) or plus,
    least = math.min(1, (o.alternative == "two-sided" and 2 or 1) * 0.5 ^ #r.ranks)}
  if #r.ranks == 0 then
    result.p, result.reason = method == "exact" and 1.0 or nil, "all pairs are equal"
  else
    result.p = method == "exact" and exact(r, o.alternative) or approximate(r, o)
  end
  return result
end
