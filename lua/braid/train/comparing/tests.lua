--- Tests whether networks differ in a metric: paired tests over seeds, with p corrected for the
-- number of tests, and sentences that claim no more than the tests show.

local format <const> = require "braid.format"
local statistics <const> = require "braid.train.statistics"

local M <const> = {}

-- The values of two networks on the seeds that both have.
local function paired(first, second, seeds)
  local a <const>, b <const> = {}, {}
  for _, seed in ipairs(seeds) do
    local x <const>, y <const> = first[seed], second[seed]
    if x and y and x - x == 0 and y - y == 0 then a[#a + 1], b[#b + 1] = x, y end
  end
  return a, b
end

local function wins_of(a, b, direction)
  local wins, ties = 0, 0
  for i = 1, #a do
    local d <const> = direction == "min" and b[i] - a[i] or a[i] - b[i]
    if d > 0 then wins = wins + 1 elseif d == 0 then ties = ties + 1 end
  end
  return wins, ties
end

-- The largest absolute value in both lists.
local function size_of(a, b)
  local largest = 0.0
  for i = 1, #a do largest = math.max(largest, math.abs(a[i]), math.abs(b[i])) end
  return largest
end

-- Two differences are equal if they differ by less than this share of the values. So small a
-- difference may be rounding.
local ROUNDING <const> = 1e-10

-- Compares two networks: both tests, and the intervals of the difference with this confidence.
local function compared(first, second, a, b, direction, confidence)
  local r <const> = {a = first, b = second, n = #a}
  if #a == 0 then
    r.reason = "they have no seed in common"
    return r
  end
  local t <const> = statistics.t_test(a, b, {confidence = confidence})
  local w <const> = statistics.wilcoxon(a, b)
  local differences <const> = {}
  for i = 1, #a do differences[i] = a[i] - b[i] end
  local draws <const> = statistics.bootstrap(differences, {confidence = confidence})
  r.difference, r.deviation, r.low, r.high, r.t = t.difference, t.deviation, t.low, t.high, t.t
  r.p, r.reason = t.p, t.reason
  r.wilcoxon, r.wilcoxon_least = w.p, w.least
  r.bootstrap_low, r.bootstrap_high = draws.low, draws.high
  r.wins, r.ties = wins_of(a, b, direction)
  if r.n > 1 and t.deviation > 0 and t.deviation <= ROUNDING * size_of(a, b)
    or r.t and math.abs(r.t) == math.huge then
    r.p, r.t, r.low, r.high = nil, nil, nil, nil
    r.reason = "the difference is the same on every seed"
  end
  return r
end

local LEVEL <const> = 0.05

--- Tests all pairs of names; values[name][seed] are numbers. Each row has difference (a - b), t and
-- p, and low and high, the difference's interval with confidence 1 - level (default: 0.95). These
-- are of the pair taken alone: the interval leaves 0 out if p is below the level. holm is p
-- corrected over all pairs, of which `tests` have a p. Each row also has wilcoxon, wilcoxon_holm,
-- bootstrap_low and bootstrap_high, wins (the number of seeds on which a is better), and `reason`
-- if there is no p.
function M.pairs(names, values, seeds, direction, level)
  local confidence <const> = 1 - (level or LEVEL)
  local list <const>, p <const>, w <const> = {}, {}, {}
  for i = 1, #names do
    for j = i + 1, #names do
      local a <const>, b <const> = paired(values[names[i]], values[names[j]], seeds)
      local r <const> = compared(names[i], names[j], a, b, direction, confidence)
      list[#list + 1] = r
      p[#list], w[#list] = r.p or false, r.n > 1 and r.wilcoxon or false
    end
  end
  local holm <const>, wilcoxon_holm <const> = statistics.holm(p), statistics.holm(w)
  local count = 0
  for _, value in ipairs(p) do count = count + (value and 1 or 0) end
  for k, r in ipairs(list) do
    r.tests = count
    r.holm, r.wilcoxon_holm = holm[k] or nil, wilcoxon_holm[k] or nil
  end
  return list
end

--- Whether a test of two networks shows a difference at this significance level.
function M.differ(r, level) return r.holm ~= nil and r.holm <= level end

local function seeds_text(n) return n == 1 and "1 seed" or ("%d seeds"):format(n) end

-- The difference with its interval and p. The interval belongs to the p of the pair alone, so both
-- stand together, before the corrected p, by which the sentence judges.
local function evidence(r, level, shown)
  local alone <const> = format("%g%% interval %s to %s, p %s", 100 * (1 - level),
    shown(r.low, true), shown(r.high, true), format("%.2g", r.p))
  if r.tests == 1 then return ("difference %s, %s"):format(shown(r.difference, true), alone) end
  return ("difference %s; this pair alone: %s; corrected for %d pairs: p %s"):format(
    shown(r.difference, true), alone, r.tests, format("%.2g", r.holm))
end

--- A sentence about a test of two networks; shown(v, sign) gives a difference as text.
function M.words(r, level, direction, shown)
  local both <const> = ("%s and %s"):format(r.a, r.b)
  if r.n == 0 then return ("%s: %s"):format(both, r.reason) end
  if r.n == 1 then
    return ("%s: %s apart on the one seed; what other seeds would give is not known")
      :format(both, shown(math.abs(r.difference)))
  end
  if not r.p and r.difference == 0 then
    return ("%s: the same on each of %s"):format(both, seeds_text(r.n))
  end
  if not r.p then
    return ("%s: %s apart on each of %s; a difference without deviation cannot be tested")
      :format(both, shown(math.abs(r.difference)), seeds_text(r.n))
  end
  local found <const> = evidence(r, level, shown)
  if not M.differ(r, level) then
    return ("%s: not distinguishable with %s (%s)"):format(both, seeds_text(r.n), found)
  end
  if not direction then
    return ("%s: different with %s (%s)"):format(both, seeds_text(r.n), found)
  end
  local better <const> = (direction == "min") == (r.difference < 0)
  return ("%s is better than %s, on %d of %s (%s)"):format(better and r.a or r.b,
    better and r.b or r.a, better and r.wins or r.n - r.wins - r.ties, seeds_text(r.n), found)
end

--- A sentence about what n seeds cannot show, or nil if Wilcoxon's test can show a difference.
function M.limits(n, level)
  if n == 1 then return "One seed: means have no deviation, and no difference can be tested." end
  local least <const> = 2 * 0.5 ^ n
  if least <= level then return nil end
  return ("With %s Wilcoxon's test cannot go below p = %g, however large a difference is; the t "
    .. "test can, if differences between seeds are normally distributed, which %s cannot show.")
    :format(seeds_text(n), least, seeds_text(n))
end

return M
