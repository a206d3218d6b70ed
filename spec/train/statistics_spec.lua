--- train.statistics against scipy and statsmodels (spec/golden/statistics.json, which
-- spec/support/golden_statistics.py makes).

local braid <const> = require "braid"
local json <const> = require "braid.io.json"
local shell <const> = require "spec.support.shell"

local S <const> = braid.train.statistics
local GOLDEN <const> = assert(json.decode(shell.read("spec/golden/statistics.json")))

local function number(v) return type(v) == "string" and tonumber((v:gsub("^%-?%a+$", {
  inf = "1e999", ["-inf"] = "-1e999"}))) or type(v) == "number" and v or nil end

-- Checks that two numbers are equal up to this share of their size, or both undefined.
local function near(expected, value, tolerance, what)
  expected = number(expected)
  if expected == nil then return assert(value == nil, what .. ": has a value") end
  if expected == value then return end
  local size <const> = math.max(math.abs(expected), 1e-300)
  assert(type(value) == "number" and math.abs(value - expected) <= tolerance * size,
    ("%s: %s, not %.17g"):format(what, tostring(value), expected))
end

describe("distributions", function()
  local G <const> = GOLDEN.distributions

  local function compared(D, golden, what, ...)
    for i, x in ipairs(G.x) do
      near(golden.cdf[i], D.cdf(x, ...), 1e-10, ("%s.cdf(%g)"):format(what, x))
      near(golden.both[i], D.both(x, ...), 1e-10, ("%s.both(%g)"):format(what, x))
    end
    for i, p in ipairs(G.p) do
      local expected <const> = number(golden.quantile[i])
      if expected > -1e150 then -- below this scipy overflows
        near(expected, D.quantile(p, ...), 1e-10, ("%s.quantile(%g)"):format(what, p))
      end
    end
  end

  it("agree with scipy's, also far from 0", function()
    compared(S.normal, G.normal, "normal")
    for i, df in ipairs(G.df) do compared(S.student, G.student[i], "student " .. df, df) end
  end)

  it("have limits and a median, and refuse arguments out of range", function()
    for _, D in ipairs{S.normal, S.student} do
      assert.equal(0, D.cdf(-math.huge, 3))
      assert.equal(1, D.cdf(math.huge, 3))
      assert.equal(0, D.quantile(0.5, 3))
      assert.equal(math.huge, D.quantile(1, 3))
      assert.error_matches(function() D.quantile(1.5, 3) end, "p must be a number from 0 to 1")
      assert.error_matches(function() D.cdf("1", 3) end, "x must be a number")
    end
    assert.error_matches(function() S.student.cdf(1, 0) end, "df must be a number above 0, not 0")
  end)
end)

describe("paired tests", function()
  it("agree with scipy's t test in statistic, p and interval", function()
    for _, row in ipairs(GOLDEN.paired) do
      for alternative, expected in pairs(row.t) do
        local r <const> = S.t_test(row.a, row.b, {alternative = alternative})
        near(expected[1], r.t, 1e-10, row.name .. ": t")
        near(expected[2], r.p, 1e-10, row.name .. ": p")
        assert(r.p or r.reason)
      end
      local r <const> = S.t_test(row.a, row.b, {confidence = 0.9})
      near(row.interval[1], r.low, 1e-9, row.name .. ": low")
      near(row.interval[2], r.high, 1e-9, row.name .. ": high")
    end
  end)

  it("agree with scipy's Wilcoxon test, for ties and for every treatment of zeros", function()
    for _, row in ipairs(GOLDEN.paired) do
      for key, expected in pairs(row.w) do
        local alternative <const>, zeros <const> = key:match("^(%S+) (%S+)$")
        local r <const> = S.wilcoxon(row.a, row.b, {alternative = alternative,
          zeros = zeros == "zsplit" and "split" or zeros})
        near(expected[1], r.statistic, 1e-12, row.name .. ", " .. key .. ": statistic")
        near(expected[2], r.p, 1e-9, row.name .. ", " .. key .. ": p")
      end
    end
  end)

  it("give a reason instead of p for one pair and for equal pairs", function()
    local one <const> = S.t_test({1.0}, {2.0})
    assert.same({1, -1.0, "one pair has no deviation"}, {one.n, one.difference, one.reason})
    assert.is_nil(one.p)
    local equal <const> = S.t_test({1, 2}, {1, 2})
    assert.same({"all pairs are equal", 0.0, 0.0}, {equal.reason, equal.low, equal.high})
    assert.is_nil(equal.p)
    local alike <const> = S.t_test({1, 2, 3}, {0, 1, 2})
    assert.same({math.huge, 0.0}, {alike.t, alike.p})
    assert.equal(1, S.wilcoxon({1, 2}, {1, 2}).p)
    assert.is_nil(S.wilcoxon({1, 2}, {1, 2}, {method = "normal"}).p)
    assert.equal(0.25, S.wilcoxon({1, 2, 3}, {0, 0, 0}).least)
    assert.error_matches(function() S.t_test({1, 2}, {1}) end, "a has 2 values and b has 1")
    assert.error_matches(function() S.wilcoxon({1, 2}, {1}) end, "a has 2 values and b has 1")
    assert.error_matches(function() S.t_test({1, 0 / 0}, {1, 2}) end, "entry 2 is nan")
  end)

  it("compute Wilcoxon's p from all signs with method = \"exact\"", function()
    local a <const>, b <const> = {}, {}
    for i = 1, 60 do a[i], b[i] = i % 7 - 2, 0 end -- ties and zeros
    local r <const> = S.wilcoxon(a, b, {method = "exact"})
    local about <const> = S.wilcoxon(a, b)
    assert.same({"exact", "normal"}, {r.method, about.method})
    assert(math.abs(r.p - about.p) < 0.3 * about.p)
  end)
end)

describe("Holm's correction", function()
  it("agrees with statsmodels'", function()
    for k, row in ipairs(GOLDEN.holm) do
      local adjusted <const> = S.holm(row.p)
      for i, expected in ipairs(row.adjusted) do
        near(expected, adjusted[i], 1e-12, ("family %d, test %d"):format(k, i))
      end
    end
  end)

  it("takes p by name, and leaves out tests without a p", function()
    assert.same({x = 0.02, y = 0.5, z = false}, S.holm({x = 0.01, y = 0.5, z = false}))
    assert.error_matches(function() S.holm({1.5}) end, "p%[1%] must be a number from 0 to 1")
  end)
end)

describe("bootstrap intervals", function()
  local STATISTICS <const> = {mean = false,
    maximum = function(x) return math.max(table.unpack(x)) end}

  it("agree with scipy's where both go over all possible samples", function()
    for i, row in ipairs(GOLDEN.bootstrap) do
      local r <const> = S.bootstrap(row.values, {statistic = STATISTICS[row.statistic] or nil,
        method = row.method, confidence = 0.9})
      local what <const> = ("%d, %s of %d, %s"):format(i, row.statistic, #row.values, row.method)
      assert(r.exact, what)
      near(row.error, r.error, 1e-10, what .. ": error")
      near(row.low, r.low, 1e-9, what .. ": low")
      near(row.high, r.high, 1e-9, what .. ": high")
      assert(r.low or r.reason, what)
    end
  end)

  it("from random samples are near scipy's, repeatable, and leave braid's random state", function()
    local values <const>, before <const> = GOLDEN.drawn.values, braid.random_state():state_dict()
    for i, method in ipairs{"bca", "percentile", "basic"} do
      local r <const> = S.bootstrap(values, {method = method})
      local expected <const> = GOLDEN.drawn.intervals[i]
      assert.is_false(r.exact)
      near(expected[1], r.low, 0.05, method)
      near(expected[2], r.high, 0.05, method)
      assert.same({r.low, r.high}, {S.bootstrap(values, {method = method}).low,
        S.bootstrap(values, {method = method}).high})
      assert.not_equal(r.low, S.bootstrap(values, {method = method, seed = 2}).low)
    end
    assert.same(before, braid.random_state():state_dict())
  end)

  it("say why an interval does not exist", function()
    assert.equal("one value has no deviation", S.bootstrap({3}).reason)
    local equal <const> = S.bootstrap({3, 3, 3})
    assert.same({3, 3, "all values are equal"}, {equal.low, equal.high, equal.reason})
    assert.error_matches(function() S.bootstrap({1, 2}, {statistic = function() end}) end,
      "the statistic gave nil, not a number")
  end)
end)

describe("a summary", function()
  it("has no deviation for one value, and is exact far from 0", function()
    assert.same({n = 1, mean = 2.0, least = 2, most = 2}, S.summary({2}))
    assert.equal(1.0, S.summary({1e9 + 1, 1e9 + 2, 1e9 + 3}).deviation)
    assert.equal(0.0, S.summary({0.1, 0.1, 0.1}).deviation)
  end)
end)
