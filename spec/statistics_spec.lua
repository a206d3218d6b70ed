--- Statistics of values of every scale and offset, forward and backward, against a reference
-- in plain Lua, which is double, of the same stored values.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local F <const>, ops <const> = braid.F, core.ops
local BOUND <const> = 1e-6
-- As a part of dy, what the rounding of a probability that is kept changes of a gradient.
local ROUNDED <const> = 6e-8

-- ---- the reference -----------------------------------------------------------------------

local ref <const> = {}

local function sum(v, f)
  local total, lost = 0, 0 -- Kahan's
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

-- Each: v -> the result (a number or a list), and from dy the gradient.
function ref.sum(v) return sum(v), function(dy) return map(v, function() return dy end) end end

function ref.mean(v)
  return sum(v) / #v, function(dy) return map(v, function() return dy / #v end) end
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

-- 1 - e^y for each of the logarithms y of probabilities: of the largest, the sum of the others.
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
      -- The second result: what roundings leave of dy, of which little remains where values
      -- are few, and y is kept as it is rounded.
      return map(dy, function(g, i) return (g - a - y[i] * b) * inverse end),
        (#v < 8 and 2e-8 or 1e-14) * inverse * largest(dy)
    end
  end
end
ref.layer_norm, ref.layer_norm0 = normalised(1e-5), normalised(1e-300)

-- ---- what is compared --------------------------------------------------------------------

-- f of rows (r, n): the result of each. `exponents`: values beyond e^88 mean nothing.
local CASES <const> = {
  {"sum", function(x) return x:sum(2) end}, {"mean", function(x) return x:mean(2) end},
  {"var", function(x) return x:var(2) end, squares = true},
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
  -- Rows as channels, in both of batch norm's forms, and next to no eps.
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

-- Rows of values of one scale about an offset that is so many times as large.
local function rows_of(r, n, scale, offset, dtype)
  local t <const> = {}
  for i = 1, r do
    t[i] = {}
    for j = 1, n do t[i][j] = (draw() + offset) * scale end
  end
  return braid.tensor(t, {dtype = dtype})
end

local function list(v) return type(v) == "table" and v or {v} end

-- What lies below the normal numbers has as many digits as are left there.
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
    local want <const>, slope <const> = ref[case[1]](values[r])
    compare(results[r], want, dtype, what)
    local wanted <const>, noise <const> = slope(case.rows and upstream[r] or upstream[r][1])
    compare(slopes[r], wanted, dtype, what .. ", gradient", noise)
  end
end

local SCALES <const> = {1e-35, 1e-22, 1e-10, 1, 1e10, 1e20, 1e38}

describe("statistics", function()
  for i, case in ipairs(CASES) do
      it(("are exact at every scale and offset: %s (%d)"):format(case[1], i), function()
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
