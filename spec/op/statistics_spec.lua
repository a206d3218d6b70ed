--- Statistics (sums, variances, norms, softmax, normalisation) of values of every scale and offset,
-- forward and backward, against a reference in plain Lua. And gradients in all of float32's range.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const>, ops <const> = braid.F, core.ops
local BOUND <const> = 1e-6
-- The error of a gradient, relative to dy, because a probability is stored rounded.
local ROUNDED <const> = 6e-8

-- ---- the reference -----------------------------------------------------------------------

local ref <const> = {}

local function sum(v, f)
  local total, lost = 0, 0 -- Kahan's summation
  for i = 1, #v do
    local term <const> = (f and f(v[i], i) or v[i]) - lost
    local next_ <const> = total + term
    lost = next_ - total - term
    total = next_
  end
  return total
end

local function map(v, f)
  local out <const> = {}
  for i = 1, #v do out[i] = f(v[i], i) end
  return out
end

local function largest(v)
  local top = 0
  for i = 1, #v do top = math.max(top, math.abs(v[i])) end
  return top
end

local function spread(v)
  local mean <const> = sum(v) / #v
  return mean, sum(v, function(x) return (x - mean) ^ 2 end)
end

-- How much a float32 sum is off when its terms cancel. It depends on the order of the terms, which
-- depends on the instruction set.
local function cancelled(v) return BOUND / 10 * sum(v, math.abs) end

-- Each function takes values v. It returns the result (a number or a list), a function from dy to
-- the gradient, and for some an extra tolerance.
function ref.sum(v)
  return sum(v), function(dy) return map(v, function() return dy end) end, cancelled(v)
end

function ref.mean(v)
  return sum(v) / #v, function(dy) return map(v, function() return dy / #v end) end,
    cancelled(v) / #v
end

function ref.var(v)
  local mean <const>, m2 <const> = spread(v)
  return m2 / (#v - 1), function(dy)
    return map(v, function(x) return 2 * dy * (x - mean) / (#v - 1) end)
  end
end

function ref.std(v)
  local mean <const>, m2 <const> = spread(v)
  local std <const> = math.sqrt(m2 / (#v - 1))
  return std, function(dy)
    return map(v, function(x) return std == 0 and 0 or dy * ((x - mean) / (#v - 1) / std) end)
  end
end

local function norm(p)
  return function(v)
    local top = 0
    for i = 1, #v do top = math.max(top, math.abs(v[i])) end
    local y <const> = top * sum(v, function(x) return (math.abs(x) / top) ^ p end) ^ (1 / p)
    return y, function(dy)
      return map(v, function(x)
        return x == 0 and 0 or (x > 0 and 1 or -1) * (math.abs(x) / y) ^ (p - 1) * dy
      end)
    end
  end
end
ref.norm1, ref.norm2, ref.norm3 = norm(1), norm(2), norm(3)

local function log_sum(v)
  local top, at = -math.huge, 0
  for i = 1, #v do if v[i] > top then top, at = v[i], i end end
  local others <const> = sum(v, function(x, i) return i == at and 0 or math.exp(x - top) end)
  -- log(1 + x) without the loss of 1 + x
  local one <const> = 1 + others
  return top, one == 1 and others or math.log(one) * others / (one - 1)
end

function ref.logsumexp(v)
  local top <const>, log <const> = log_sum(v)
  return top + log, function(dy)
    return map(v, function(x) return dy * math.exp(x - top - log) end)
  end
end

-- 1 - e^y for each logarithm y of a probability. For the largest y it is the sum of the other
-- probabilities.
local function complements(y)
  local p <const>, at = map(y, math.exp), 1
  for i = 1, #y do if y[i] > y[at] then at = i end end
  local rest <const> = map(p, function(q) return 1 - q end)
  rest[at] = sum(p, function(q, i) return i == at and 0 or q end)
  return p, rest, at
end

function ref.log_softmax(v)
  local top <const>, log <const> = log_sum(v)
  local y <const> = map(v, function(x) return x - top - log end)
  return y, function(dy)
    local p <const>, rest <const> = complements(y)
    local total <const> = sum(dy)
    return map(dy, function(g, i) return g * rest[i] - (total - g) * p[i] end),
      ROUNDED * largest(dy)
  end
end

function ref.softmax(v)
  local top <const>, log <const> = log_sum(v)
  local y <const> = map(v, function(x) return math.exp(x - top - log) end)
  return y, function(dy)
    local _, _, at <const> = complements(map(v, function(x) return x - top - log end))
    local total <const> = sum(dy, function(g, i) return (g - dy[at]) * y[i] end)
    return map(dy, function(g, i) return y[i] * (g - dy[at] - total) end),
      ROUNDED * largest(dy)
  end
end

local function normalised(eps)
  return function(v)
    local mean <const>, m2 <const> = spread(v)
    local var <const> = m2 / #v + eps
    local inverse <const> = var == 0 and 0 or 1 / math.sqrt(var)
    local y <const> = map(v, function(x) return (x - mean) * inverse end)
    return y, function(dy)
      local a <const> = sum(dy) / #v
      local b <const> = sum(dy, function(g, i) return g * y[i] end) / #v
      -- The second result is the rounding error of the gradient. With few values most of dy
      -- cancels, and y is stored rounded.
      return map(dy, function(g, i) return (g - a - y[i] * b) * inverse end),
        (#v < 8 and 2e-8 or 1e-14) * inverse * largest(dy)
    end
  end
end
ref.layer_norm, ref.layer_norm0 = normalised(1e-5), normalised(1e-300)

-- ---- what is compared --------------------------------------------------------------------

-- {name in `ref`, function of x (r, n)}. `rows`: the result has n values for each row, not one.
local CASES <const> = {
  {"sum", function(x) return x:sum(2) end}, {"mean", function(x) return x:mean(2) end},
  {"var", function(x) return x:var(2) end},
  {"std", function(x) return x:std(2) end},
  {"norm1", function(x) return x:norm(1, 2) end},
  {"norm2", function(x) return x:norm(2, 2) end},
  {"norm3", function(x) return x:norm(3, 2) end},
  {"logsumexp", function(x) return x:logsumexp(2) end},
  {"softmax", function(x) return x:softmax(2) end, rows = true},
  {"log_softmax", function(x) return x:log_softmax(2) end, rows = true},
  {"layer_norm", function(x) return F.layer_norm(x, x.shape[2]) end, rows = true},
  {"layer_norm0", function(x) return F.layer_norm(x, x.shape[2], {eps = 1e-300}) end, rows = true},
  {"layer_norm", function(x)
    return F.instance_norm(x:reshape(1, x.shape[1], -1)):reshape(x.shape)
  end, rows = true},
  -- The rows as channels of batch norm, for (n, c) and (n, c, h, w).
  {"layer_norm", function(x)
    return ops.batch_norm(x:t(), nil, nil, nil, nil, true):t()
  end, rows = true},
  {"layer_norm0", function(x)
    return ops.batch_norm(x:t(), nil, nil, nil, nil, true, 0.1, 1e-300):t()
  end, rows = true},
  {"layer_norm", function(x)
    local image <const> = x:t():reshape(x.shape[2], x.shape[1], 1, 1)
    return ops.batch_norm(image, nil, nil, nil, nil, true):reshape(x.shape[2], x.shape[1]):t()
  end, rows = true},
}

local random = 99
local function draw()
  random = random * 6364136223846793005 + 1442695040888963407
  return (random >> 11) * 2.0 ^ -53 * 2 - 1
end

-- r rows of n random values: (a number from -1 to 1, plus the offset) * scale.
local function rows_of(r, n, scale, offset, dtype)
  local t <const> = {}
  for i = 1, r do
    t[i] = {}
    for j = 1, n do t[i][j] = (draw() + offset) * scale end
  end
  return braid.tensor(t, {dtype = dtype})
end

local function list(v) return type(v) == "table" and v or {v} end

-- The smallest positive numbers: results near 0 are rounded to their multiples.
local LEAST <const> = {float32 = 2.0 ^ -149, float64 = 2.0 ^ -1074}
local MOST <const> = {float32 = 3.4e38, float64 = 1.7e308}

local function compare(got, want, dtype, what, noise)
  got, want = list(got), list(want)
  local unit <const> = largest(want)
  if unit > MOST[dtype] then return end
  for i = 1, #want do
    local apart <const> = math.abs(got[i] - want[i])
    assert.is_true(apart <= BOUND * unit + LEAST[dtype] + (noise or 0),
      ("%s: %d is %.9g, not %.9g"):format(what, i, got[i], want[i]))
  end
end

local function examine(case, x, what)
  local dtype <const> = x.dtype
  what = ("%s, %s, %s"):format(case[1], dtype, what)
  x:requires_grad_()
  local y <const> = case[2](x)
  local dy <const> = rows_of(x.shape[1], case.rows and x.shape[2] or 1, 1, 0, dtype)
  if not case.rows then y:backward{gradient = dy:reshape(-1)} else y:backward{gradient = dy} end
  local values <const>, results <const>, slopes <const>, upstream <const> = x:detach():totable(),
    y:detach():totable(), x.grad:totable(), dy:totable()
  for r = 1, #values do
    local want <const>, slope <const>, doubt <const> = ref[case[1]](values[r])
    compare(results[r], want, dtype, what, doubt)
    local wanted <const>, noise <const> = slope(case.rows and upstream[r] or upstream[r][1])
    compare(slopes[r], wanted, dtype, what .. ", gradient", noise)
  end
end

local SCALES <const> = {1e-35, 1e-22, 1e-10, 1, 1e10, 1e20, 1e38}

describe("statistics", function()
  for i, case in ipairs(CASES) do
      it(("are right at every scale and offset: %s (%d)"):format(case[1], i), function()
        for _, n in ipairs{2, 5, 70} do
          for _, scale in ipairs(SCALES) do
            for _, offset in ipairs{0, 1, 1e4, 1e7} do
              if scale * (offset + 1) < 3e38 then
                local x <const> = rows_of(3, n, scale, offset, "float32")
                examine(case, x, ("n %d, scale %g, offset %g"):format(n, scale, offset))
              end
            end
          end
        end
        examine(case, rows_of(2, 20000, 1e-3, 1e4, "float32"), "many")
        examine(case, rows_of(3, 40, 1e-3, 1e7, "float64"), "double")
        examine(case, rows_of(40, 3, 1, 3, "float32"), "many rows")
      end)
  end
end)

describe("a gradient", function()
  it("of a quotient, power or root is right wherever float32 can hold it", function()
    -- f(x) and f'(x), for each x in float32's range for which f'(x) dy is also in the range.
    local FUNCTIONS <const> = {
      {"1 / x", function(x) return 1 / x end, function(x) return -1 / x / x end},
      {"0 / x", function(x) return braid.tensor {0} / x end, function() return 0 end},
      {"x / 1e20", function(x) return x / 1e20 end, function() return 1e-20 end},
      {"1e30 / x", function(x) return braid.tensor {1e30} / x end,
        function(x) return -1e30 / x / x end},
      {"sqrt", function(x) return x:sqrt() end, function(x) return 0.5 / math.sqrt(x) end},
      {"rsqrt", function(x) return x:rsqrt() end, function(x) return -0.5 / x / math.sqrt(x) end},
      {"reciprocal", function(x) return x:reciprocal() end, function(x) return -1 / x / x end},
      {"x^3", function(x) return x ^ 3 end, function(x) return 3 * x * x end},
      {"x^-2", function(x) return x ^ -2 end, function(x) return -2 / x / x / x end},
      {"x^0.75", function(x) return x ^ 0.75 end, function(x) return 0.75 * x ^ -0.25 end},
      {"square", function(x) return x:square() end, function(x) return 2 * x end},
      {"norm", function(x) return x:norm() end, function() return 1 end},
      {"log", function(x) return x:log() end, function(x) return 1 / x end},
    }
    for _, f in ipairs(FUNCTIONS) do
      for e = -37, 38 do
        for _, g in ipairs{-30, -10, 0, 10, 30} do
          local x <const> = braid.tensor {1.7 * 10.0 ^ e}:requires_grad_()
          local dy <const> = braid.tensor {1.3 * 10.0 ^ g}
          local y <const> = f[2](x)
          local want <const> = f[3](x:detach()[1]:item()) * dy[1]:item()
          local size <const> = math.abs(want)
          if y:isfinite():all():item() and (want == 0 or size > 1e-36 and size < 3e38)
            and (y:detach():abs():min():item() > 1e-36 or f[1] == "0 / x") then
            y:reshape(1):backward{gradient = dy}
            local got <const> = x.grad[1]:item()
            assert.is_true(math.abs(got - want) <= 2e-6 * size,
              ("%s at 1.7e%d, dy 1.3e%d: %g, not %g"):format(f[1], e, g, got, want))
          end
        end
      end
    end
  end)

  it("of normalize and local_response_norm is right at every scale of x", function()
    for e = -30, 36, 3 do
      for name, f in pairs {
        normalize = function(x) return F.normalize(x, {eps = 0}) end,
        local_response_norm = function(x) return F.local_response_norm(x, 3) end,
      } do
        local x <const> = braid.tensor {{0.5, -2, 1.5, 3}} * 10.0 ^ e
        local function run(t)
          t = t:clone():requires_grad_()
          local y <const> = f(t)
          y:backward{gradient = braid.tensor({{1, -0.5, 0.25, 2}}, {dtype = t.dtype})}
          return y:detach():to("float64"), t.grad:to("float64")
        end
        local y <const>, dx <const> = run(x)
        local want <const>, slope <const> = run(x:to("float64"))
        for what, pair in pairs {values = {y, want}, gradient = {dx, slope}} do
          local apart <const> = (pair[1] - pair[2]):abs():max():item()
          local unit <const> = pair[2]:abs():max():item()
          assert.is_true(apart <= 2e-6 * unit + 1e-44 or unit > 3e38,
            ("%s of %s at 1e%d: %g of %g"):format(what, name, e, apart, unit))
        end
      end
    end
  end)

  it("is shared by equal values where max, min, norm or median returns no index", function()
    local function slope(f, ...)
      local x <const> = braid.tensor {...}:requires_grad_()
      f(x):backward()
      return x.grad:totable()
    end
    assert.same({0.5, 0.5, 0}, slope(function(x) return x:max() end, 3, 3, 1))
    assert.same({0.5, 0.5, 0}, slope(function(x) return x:min() end, 1, 1, 3))
    assert.same({0.5, 0.5, 0}, slope(function(x) return x:norm(math.huge) end, 2, 2, 1))
    assert.same({0.5, 0.5}, slope(function(x) return F.maximum(x, x:detach()):sum() end, 2, 3))
    assert.same({0, 0.5, 0.5}, slope(function(x) return x:median() end, 1, 2, 2))
    local grid <const> = braid.tensor {{4, 1}, {4, 4}}:requires_grad_()
    grid:max():backward()
    assert.is_true((grid.grad - braid.tensor {{1, 0}, {1, 1}} / 3):abs():max():item() < 1e-7)
    local nan <const> = slope(function(x) return x:max() end, 0 / 0, 1, 0 / 0)
    assert.same({0.5, 0, 0.5}, nan)
    -- With a dimension, the whole gradient goes to the index that is returned.
    assert.same({1, 0, 0}, slope(function(x) return (x:max(1)) end, 3, 3, 1))
  end)
end)
