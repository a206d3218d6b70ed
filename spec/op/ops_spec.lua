--- Every operator of the core: one row each, and a loop that checks them all alike.
--
-- A row has
--   cases    lists of arguments (descriptions of tensors, see support/arrays.lua), each
--            with `wants`, the reference; `grad = false` where a gradient has no meaning
--   sized    n -> such a list, for n from 1 to 65: vector code has other ends for each n
--   large    -> tensors that are so large that threads share the work
--   exact    results are not rounded (selection, comparison): tolerances are 0
-- or `elsewhere`, the spec that covers it.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"
local ref <const> = require "spec.support.reference"
local image <const> = require "spec.support.reference_image"

local real <const>, apart <const>, whole <const> = arrays.real, arrays.apart, arrays.whole
local mask <const>, constant <const>, list <const> = arrays.mask, arrays.constant,
  arrays.list

local rows <const> = {}

-- ---- elementwise ----------------------------------------------------------------------

-- Shapes of one input: without dimensions, without elements, with vector tails, images.
local SHAPES <const> = {{}, {0}, {3, 0, 2}, {37}, {2, 3, 4}, {2, 5, 3, 2}}

local SHAPE_PAIRS <const> = {
  {{2, 3, 4}, {2, 3, 4}}, {{2, 3, 4}, {3, 1}}, {{4, 1}, {1, 5}}, {{}, {3}}, {{3}, {}},
    {{}, {}},
  {{2, 0}, {1}}, {{2, 3, 2, 2}, {3, 1, 1}}, {{1, 3, 1, 1}, {2, 3, 2, 2}},
}

local LARGE <const> = 100003

local function large(low, high, sizes)
  return core.ops.uniform(core.new(sizes or {LARGE}, "float32"), low or -2, high or 2)
end

-- The row of a function f(x), for inputs between low and high.
local function unary(f, low, high, more)
  local row <const> = {cases = {}, wants = function(x) return ref.map(f, x) end,
    scalar = f}
  for _, shape in ipairs(SHAPES) do
    row.cases[#row.cases + 1] = {real(shape, low, high)}
  end
  row.sized = function(n) return {real({n}, low, high)} end
  row.large = function() return {large(low, high)} end
  for key, value in pairs(more or {}) do row[key] = value end
  return row
end

-- The row of f(x, y), also with a number in place of x or of y.
local function binary(f, low, high, more)
  local row <const> = {cases = {}, wants = function(x, y) return ref.map(f, x, y) end}
  for _, pair in ipairs(SHAPE_PAIRS) do
    row.cases[#row.cases + 1] = {real(pair[1], low, high), real(pair[2], low, high)}
  end
  row.cases[#row.cases + 1] = {real({5}, low, high), 1.5}
  row.cases[#row.cases + 1] = {1.5, real({5}, low, high)}
  row.sized = function(n) return {real({n}, low, high), real({n}, low, high)} end
  row.large = function() return {large(low, high), large(low, high)} end
  for key, value in pairs(more or {}) do row[key] = value end
  return row
end

-- The row with one more case, which may have a reference of its own.
local function also(row, args, wants)
  args.wants = wants
  row.cases[#row.cases + 1] = args
  return row
end

rows.add = also(binary(function(x, y) return x + y end), {real {4}, real {4}, 0.5},
  function(x, y) return ref.map(function(a, b) return a + 0.5 * b end, x, y) end)
rows.sub = also(binary(function(x, y) return x - y end),
  {real {4}, real {2, 1}, {alpha = 3}},
  function(x, y) return ref.map(function(a, b) return a - 3 * b end, x, y) end)
rows.mul = binary(function(x, y) return x * y end)
rows.div = binary(function(x, y) return x / y end, 0.5, 2)
rows.floordiv = binary(function(x, y) return x // y end, 0.5, 9)
rows.mod = binary(function(x, y) return x % y end, -5, 5)
rows.pow = also(binary(function(x, y) return x ^ y end, 0.25, 3), {real {7}, 2},
  function(x) return ref.map(function(a) return a ^ 2 end, x) end)
rows.minimum = binary(ref.smaller, nil, nil, {exact = true})
rows.maximum = binary(ref.larger, nil, nil, {exact = true})

local function comparison(f)
  local row <const> = binary(f, nil, nil, {exact = true})
  return also(row, {whole({40}, 0, 2), whole({40}, 0, 2)})
end

rows.lt = comparison(function(x, y) return x < y end)
rows.le = comparison(function(x, y) return x <= y end)
rows.gt = comparison(function(x, y) return x > y end)
rows.ge = comparison(function(x, y) return x >= y end)
rows.eq = comparison(function(x, y) return x == y end)
rows.ne = comparison(function(x, y) return x ~= y end)

local function truth(f)
  return function(x, y) return f(x ~= 0 and x ~= false, y ~= 0 and y ~= false) end
end

rows.logical_and = comparison(truth(function(x, y) return x and y end))
rows.logical_or = comparison(truth(function(x, y) return x or y end))
rows.logical_xor = comparison(truth(function(x, y) return x ~= y end))
rows.logical_not = also(unary(truth(function(x) return not x end), nil, nil,
  {exact = true}),
  {whole({40}, 0, 1)})

local ODD <const> = {0.5, 0 / 0, 1 / 0, -1 / 0, 0, -3}

rows.isnan = also(unary(function(x) return x ~= x end, nil, nil, {exact = true}),
  {constant({7}, nil, ODD)})
rows.isfinite = also(unary(function(x) return x - x == 0 end, nil, nil, {exact = true}),
  {constant({7}, nil, ODD)})

local function where(m, x, y)
  return ref.map(function(c, a, b) if c then return a end return b end, m, x, y)
end

rows.where = {
  exact = true, wants = where,
  cases = {{mask {2, 3}, real {2, 3}, real {2, 3}}, {mask {3}, real {2, 1}, real {}},
    {mask {2, 1}, real {3}, 1.5}, {mask {0}, real {0}, real {1}},
      {mask {}, real {}, real {}}},
  sized = function(n) return {mask {n}, real {n}, real {n}} end,
  large = function() return {large():gt(0), large(), large()} end,
}
rows.masked_fill = {
  exact = true, wants = function(x, m, value) return where(m, value, x) end,
  cases = {{real {2, 3}, mask {2, 3}, 1.5}, {real {2, 3}, mask {3}, -1},
    {real {0}, mask {1}, 2},
    {real {}, mask {}, 2}},
  sized = function(n) return {real {n}, mask {n}, 0.25} end,
  large = function() return {large(), large():gt(0), 3} end,
}
rows.lerp = {
  wants = function(x, y, w)
    return ref.map(function(a, b, c) return a + c * (b - a) end, x, y, w)
  end,
  cases = {{real {2, 3}, real {2, 3}, 0.25}, {real {2, 3}, real {3}, real {2, 1}},
    {real {}, real {}, real {}}, {real {0}, real {0}, 0.5}},
  sized = function(n) return {real {n}, real {n}, real {n}} end,
  large = function() return {large(), large(), 0.3} end,
}

local function limited(x, o, high)
  local low = o
  if type(o) == "table" then low, high = o.min, o.max end
  return ref.map(function(v)
    if v ~= v then return v end
    return math.min(math.max(v, low or -math.huge), high or math.huge)
  end, x)
end

rows.clamp = {
  exact = true, wants = limited,
  cases = {{real {37}, -1, 0.5}, {real {2, 3, 2, 2}, {min = 0}},
    {real {2, 3}, {max = -0.5}},
    {real {}, 0, 1}, {real {0}, 0, 1}, {real {9}, 0.5, 0.5}},
  sized = function(n) return {real {n}, -1, 1} end,
  large = function() return {large(), -1, 1} end,
}

rows.neg = unary(function(x) return -x end, nil, nil, {exact = true})
rows.abs = unary(math.abs, nil, nil, {exact = true})
rows.sign = unary(ref.sign, nil, nil, {exact = true})
rows.square = unary(function(x) return x * x end)
local function floor(x) return x - x == 0 and math.floor(x) + 0.0 or x end
rows.floor = unary(floor, -4, 4, {exact = true})
rows.ceil = unary(function(x) return -floor(-x) end, -4, 4, {exact = true})
rows.round = also(unary(ref.round, -4, 4, {exact = true}),
  {constant({6}, nil, {-2.5, -1.5, -0.5, 0.5, 1.5, 2.5}), grad = false})
rows.trunc = unary(function(x) return x < 0 and -floor(-x) or floor(x) end, -4, 4,
  {exact = true})

rows.exp = unary(math.exp, -3, 3)
rows.expm1 = unary(ref.expm1)
rows.log = unary(function(x) return math.log(x) end, 0.1, 9)
rows.log1p = unary(ref.log1p, -0.7, 3)
rows.sqrt = unary(math.sqrt, 0.1, 9)
rows.rsqrt = unary(function(x) return 1 / math.sqrt(x) end, 0.1, 9)
rows.reciprocal = unary(function(x) return 1 / x end, 0.25, 9)
rows.sin = unary(math.sin, -9, 9)
rows.cos = unary(math.cos, -9, 9)
rows.tan = unary(math.tan, -1.2, 1.2)
rows.tanh = unary(ref.tanh, -4, 4)
rows.erf = unary(ref.erf, -4, 4)
rows.sigmoid = unary(ref.sigmoid, -6, 6)
rows.relu = unary(function(x) return x < 0 and 0 or x end, nil, nil, {exact = true})
rows.leaky_relu = also(unary(function(x) return x > 0 and x or 0.01 * x end),
  {real {9}, 0.25}, function(x)
    return ref.map(function(v) return v > 0 and v or 0.25 * v end, x)
  end)
rows.prelu = {
  wants = function(x, w)
    local shape <const> = {}
    for d = 1, #x.shape do shape[d] = d == 2 and #w or 1 end
    local wide <const> = table.move(w, 1, #w, 1, {shape = shape})
    return ref.map(function(v, slope) return v > 0 and v or slope * v end, x, wide)
  end,
  cases = {{real {7}, real {1}}, {real {}, real {1}}, {real {2, 3}, real {3}},
    {real {2, 3, 4}, real {3}}, {real {2, 3, 4, 5}, real {3}}, {real {2, 3, 2, 2}, real {1}},
    {real {0, 3}, real {3}}, {real {2, 0, 2, 2}, real {0}}},
  sized = function(n) return {real {2, n, 2, 3}, real {n}} end,
  large = function() return {large(-2, 2, {4, 37, 40, 40}), large(-2, 2, {37})} end,
}
rows.elu = also(unary(function(x) return x > 0 and x or ref.expm1(x) end),
  {real {9}, {alpha = 0.5}}, function(x)
    return ref.map(function(v) return v > 0 and v or 0.5 * ref.expm1(v) end, x)
  end)
rows.gelu = unary(function(x) return x / 2 * (1 + ref.erf(x / math.sqrt(2))) end, -4, 4)
rows.silu = unary(function(x) return x * ref.sigmoid(x) end, -6, 6)
rows.softplus = unary(ref.softplus, -6, 6)
rows.hardswish = unary(function(x)
  return x * math.min(math.max(x + 3, 0), 6) / 6
end, -5, 5)
rows.abs_tanh = unary(function(x) return math.abs(ref.tanh(x)) end)

-- Special values that every function of one number must map rightly.
local SPECIALS <const> = {0, 1 / 0, -1 / 0, 0 / 0, 1e-30, -1e-30, 1e-5, -1e-5, 30, -30,
  200, -200,
  1e30, -1e30}
local UNDEFINED <const> = { -- hardswish(-inf) is -inf * 0; sums of infinities
  hardswish = {[3] = true}, gelu = {[3] = true}, silu = {[3] = true}, sin = true,
    cos = true,
  tan = true,
}

-- ---- copies ---------------------------------------------------------------------------

local function same(x) return x end

local function copying(cases, wants)
  return {exact = true, wants = wants or same, cases = cases,
    sized = function(n)
      local args <const> = table.move(cases[1], 1, #cases[1], 1, {})
      args[1] = real {n}
      return args
    end}
end

rows.clone = copying {{real {2, 3}}, {real {}}, {real {0, 2}}, {real {2, 3, 2, 2}}}
rows.to = copying {{real {2, 3}, "float64"}, {real {}, "float64"}, {real {0}, "float64"}}
also(rows.to, {real({40}, -5, 5), "int64", grad = false}, function(x)
  return ref.map(function(v) return v < 0 and -(-v // 1) or v // 1 end, x)
end)
also(rows.to, {constant({6}, nil, {0, 0.25, -1, 0 / 0}), "bool", grad = false},
  function(x)
  return ref.map(function(v) return v ~= 0 end, x)
end)
also(rows.to, {whole({40}, 0, 255), "uint8"})
also(rows.to, {mask {9}, "float32"})
rows.contiguous_copy = copying {{real {2, 3}}, {real {}}, {real {0, 2}},
  {real {2, 3, 2, 2}}}
rows.channels_last = {exact = true, wants = same,
  cases = {{real {2, 3, 4, 5}}, {real {1, 1, 1, 1}}, {real {2, 0, 3, 3}}},
  sized = function(n) return {real {1, n, 2, 3}} end}
rows.copy = {exact = true, cases = {{real {2, 3}, real {2, 3}}, {real {2, 3}, real {3}},
    {real {2, 3}, 1.5}, {real {}, real {}}, {real {0}, real {1}},
      {real {2, 3}, whole({2, 1}, 0, 9)}},
  wants = function(x, y) return ref.map(function(_, b) return b end, x, y) end,
  sized = function(n) return {real {n}, real {n}} end}
rows.fill = {exact = true, cases = {{real {2, 3}, 1.5}, {real {}, 2}, {real {0}, 2}},
  wants = function(x, v) return ref.map(function() return v end, x) end,
  sized = function(n) return {real {n}, 0.5} end}
rows.cat = {exact = true, wants = function(t, dim) return ref.cat(t, dim or 1) end,
  cases = {{list(real {2, 3}, real {1, 3})}, {list(real {2, 3}, real {2, 0}, real {2, 2}),
    2},
    {list(real {2, 3, 2, 2}, real {2, 1, 2, 2}), 2}, {list(real {2})}},
  sized = function(n) return {list(real {n, 2}, real {3, 2}), 1} end}
rows.stack = {exact = true, wants = function(t, dim) return ref.stack(t, dim or 1) end,
  cases = {{list(real {2, 3}, real {2, 3})}, {list(real {2, 3}, real {2, 3}), 3},
    {list(real {}, real {}, real {})}, {list(real {0}, real {0}), 2}},
  sized = function(n) return {list(real {n}, real {n}), 2} end}

-- ---- views ----------------------------------------------------------------------------

-- Each case is a list of arguments, and last the shape of the result.
local function reshaping(cases, as_it_lies)
  local row <const> = {exact = true, cases = {}, view = true, as_it_lies = as_it_lies}
  for i, case in ipairs(cases) do
    local shape <const> = table.remove(case)
    case.wants = function(x) return ref.reshape(x, shape) end
    row.cases[i] = case
  end
  return row
end

rows.reshape = reshaping {{real {2, 6}, 3, 4, {3, 4}},
  {real {2, 6}, {3, -1, 2}, {3, 2, 2}},
  {real {}, 1, 1, {1, 1}}, {real {0, 3}, 3, 0, {3, 0}}, {real {1}, {}, {}}}
rows.view = reshaping({{real {2, 6}, 3, 4, {3, 4}}, {real {2, 6}, {-1}, {12}},
  {real {0, 3}, 0, {0}}}, true)
rows.flatten = reshaping {{real {2, 3, 4}, {24}}, {real {2, 3, 4}, 2, {2, 12}},
  {real {2, 3, 4}, 1, 2, {6, 4}}, {real {}, {1}}, {real {0, 3}, {0}}}
rows.unflatten = reshaping {{real {2, 6}, 2, 2, 3, {2, 2, 3}},
  {real {2, 6}, -1, {3, -1}, {2, 3, 2}},
  {real {0, 6}, 2, 2, 3, {0, 2, 3}}}
rows.squeeze = reshaping {{real {1, 3, 1}, {3}}, {real {1, 3, 1}, -1, {1, 3}},
  {real {1, 3, 1}, {dim = {1, 2}}, {3, 1}}, {real {}, {}}, {real {0, 1}, {0}}}
rows.unsqueeze = reshaping {{real {2, 3}, 1, {1, 2, 3}}, {real {2, 3}, -1, {2, 3, 1}},
  {real {}, 1, {1}}, {real {0}, 2, {0, 1}}}
rows.permute = {exact = true, view = true, cases = {
  {real {2, 3, 4}, 3, 1, 2, wants = function(x) return ref.permute(x, {3, 1, 2}) end},
  {real {2, 3, 4}, {-1, 2, 1}, wants = function(x) return ref.permute(x, {3, 2, 1}) end},
  {real {0, 2}, {2, 1}, wants = function(x) return ref.permute(x, {2, 1}) end},
  {real {}, {}, wants = same}}}
rows.transpose = {exact = true, view = true, cases = {
  {real {2, 3, 4}, 1, 3, wants = function(x) return ref.permute(x, {3, 2, 1}) end},
  {real {2, 3, 4}, -1, -2, wants = function(x) return ref.permute(x, {1, 3, 2}) end},
  {real {0, 2}, 1, 2, wants = function(x) return ref.permute(x, {2, 1}) end}}}
rows.t = {exact = true, view = true, cases = {
  {real {2, 3}, wants = function(x) return ref.permute(x, {2, 1}) end},
  {real {3}, wants = same}, {real {}, wants = same},
  {real {0, 2}, wants = function(x) return ref.permute(x, {2, 1}) end}}}

local function expanded(shape)
  return function(x)
    return ref.build(shape, function(index) return ref.at(x, index) end)
  end
end

rows.expand = {exact = true, view = true, cases = {
  {real {2, 1}, 2, 3, wants = expanded {2, 3}}, {real {3}, {2, -1},
    wants = expanded {2, 3}},
  {real {}, 2, 2, wants = expanded {2, 2}}, {real {1}, 0, wants = expanded {0}}}}
rows.narrow = {exact = true, view = true,
  wants = function(x, dim, start, length, step)
    return ref.narrow(x, dim, start, length, step or 1)
  end,
  cases = {{real {4, 5}, 2, 2, 3}, {real {4, 5}, 1, 1, 2, 3}, {real {3}, 1, 2, 0},
    {real {0}, 1, 1, 0},
    {real {2, 4, 3, 3}, 2, 3, 2}}}
rows.select = {exact = true, view = true, wants = ref.select,
  cases = {{real {4, 5}, 2, 3}, {real {4}, 1, 1}, {real {2, 3, 2, 2}, 3, 2},
    {real {2, 0}, 1, 2}}}

-- ---- reductions -----------------------------------------------------------------------

-- The row of a reduction. f gets a list of values and the option after keepdim.
local function reduction(f, more)
  local row <const> = {cases = {}}
  local function add(args)
    args.wants = function(x, dims, keepdim, option)
      if type(dims) == "table" and #dims == 0 then
        dims, keepdim = dims.dim, dims.keepdim
      end
      if option == nil then option = true end
      return ref.reduce(x, dims, keepdim, function(v) return f(v, option) end)
    end
    row.cases[#row.cases + 1] = args
  end
  local make <const> = more.make or real
  for _, args in ipairs {{make {2, 3, 4}}, {make {2, 3, 4}, 2},
    {make {2, 3, 4}, {1, 3}, true},
      {make {2, 3, 4}, {dim = -1, keepdim = true}}, {make {2, 5, 3, 3}, {1, 3, 4}},
      {make {2, 5, 3, 3}, 2}, {make {2, 5, 3, 3}, {3, 4}, true}, {make {3, 0}, 1}} do
    add(args)
  end
  if more.empty ~= false then -- a reduction of nothing has a value
    add {make {3, 0}, 2}
    add {make {0}}
  end
  if more.single ~= false then
    add {make {}}
    add {make {3, 1}, 2}
  end
  for _, args in ipairs(more.cases or {}) do add(args) end
  row.exact, row.large, row.tolerance = more.exact, nil, more.tolerance
  row.sized = function(n)
    local args <const> = {make {more.least or 1, n + (more.least or 1) - 1}}
    args.wants = row.cases[1].wants
    return args
  end
  row.large = function() return {large(0.9, 1.1, {7, 130, 300}), {1, 3}} end
  row.larges = {row.large, function() return {large(0.9, 1.1)} end,
    function() return {large(0.9, 1.1, {8, 6, 60, 60}):channels_last(), {1, 3, 4}} end}
  return row
end

rows.sum = reduction(ref.sum, {cases = {{whole({5, 7}, -9, 9), 1}, {mask {5, 7}, 2}}})
rows.mean = reduction(ref.mean, {})
rows.prod = reduction(ref.prod, {cases = {{constant({2, 3}, nil, {0, 1, 2, 0, 0, 3}), 2},
  {whole({5, 2}, -9, 9), 1}}})
local function spread(f)
  return reduction(f, {empty = false, single = false, least = 2,
    cases = {{real {4, 3}, 1, false, false}, {real {4, 3}, 2, true, true}}})
end

rows.var = spread(ref.var)
rows.std = spread(function(v, unbiased) return math.sqrt(ref.var(v, unbiased)) end)
rows.count_nonzero = reduction(function(v)
  local n = 0
  for _, x in ipairs(v) do if x ~= 0 and x ~= false then n = n + 1 end end
  return n
end, {exact = true, cases = {{whole({5, 7}, 0, 1), 1}, {mask {9}}}})
rows.any = reduction(function(v)
  for _, x in ipairs(v) do if x ~= 0 and x ~= false then return true end end
  return false
end, {exact = true, cases = {{whole({5, 3}, 0, 1), 1}, {mask {9, 2}, 2}}})
rows.all = reduction(function(v)
  for _, x in ipairs(v) do if x == 0 or x == false then return false end end
  return true
end, {exact = true, cases = {{whole({5, 3}, 0, 1), 2}, {mask {9, 2}, 2}}})

-- pick(values) -> place. With a dimension, the operator returns values and places.
local function extreme(pick, places_only)
  local function wants(x, dim, keepdim)
    if type(dim) == "table" then dim, keepdim = dim.dim, dim.keepdim end
    local places <const> = ref.reduce(x, dim, keepdim, pick)
    if places_only then return places end
    local values <const> = ref.reduce(x, dim, keepdim, function(v) return v[pick(v)] end)
    if dim then return values, places end
    return values
  end
  local row <const> = {exact = true, wants = wants}
  row.cases = {{apart {2, 3, 4}}, {apart {2, 3, 4}, 2}, {apart {2, 3, 4}, -1, true},
    {apart {2, 3, 2, 2}, 2}, {apart {}}, {apart {0, 3}, 2},
      {apart {2, 3}, {dim = 1, keepdim = true}},
    {constant({6}, nil, {1, 3, 3, 1, 3, 1}), grad = false},
    {constant({2, 3}, nil, {1, 0 / 0, 3, 0 / 0, 1, 0 / 0}), 2, grad = false},
    {whole({9, 4}, 0, 3), 1}}
  row.sized = function(n) return {apart {2, n}, 2} end
  row.large = function() return {large(-1, 1, {7, 130, 300}), 3} end
  return row
end

rows.max, rows.argmax = extreme(ref.argmax), extreme(ref.argmax, true)
rows.min, rows.argmin = extreme(ref.argmin), extreme(ref.argmin, true)

-- ---- products -------------------------------------------------------------------------

rows.matmul = {
  wants = ref.matmul,
  cases = {{real {3, 4}, real {4, 5}}, {real {4}, real {4}}, {real {4}, real {4, 5}},
    {real {3, 4}, real {4}}, {real {2, 3, 4}, real {4, 5}}, {real {3, 4}, real {2, 4, 5}},
    {real {2, 1, 3, 4}, real {3, 4, 2}}, {real {4}, real {2, 4, 3}},
      {real {2, 3, 4}, real {4}},
    {real {2, 0}, real {0, 3}}, {real {0, 3}, real {3, 2}}, {real {0, 2, 3}, real {3, 2}},
    {real {1, 1}, real {1, 1}}, {real {1, 5}, real {5, 1}}},
  sized = function(n) return {real {3, n}, real {n, 2}} end,
  larges = {
    function() return {large(-1, 1, {130, 200}), large(-1, 1, {200, 170})} end,
    function() return {large(-1, 1, {9, 40, 30}), large(-1, 1, {9, 30, 50})} end,
    function() return {large(-1, 1, {700}), large(-1, 1, {700, 300})} end,
  },
}
rows.linear = {
  wants = function(x, w, b)
    local y <const> = ref.matmul(x, ref.permute(w, {2, 1}))
    return b and ref.map(function(p, q) return p + q end, y, b) or y
  end,
  cases = {{real {3, 4}, real {5, 4}, real {5}}, {real {3, 4}, real {5, 4}},
    {real {4}, real {5, 4}},
    {real {2, 3, 4}, real {2, 4}, real {2}}, {real {0, 4}, real {5, 4}, real {5}},
    {real {2, 0}, real {3, 0}, real {3}}, {real {1, 1}, real {1, 1}, real {1}}},
  sized = function(n) return {real {2, n}, real {3, n}, real {3}} end,
  larges = {function()
    return {large(-1, 1, {64, 300}), large(-1, 1, {250, 300}), large(-1, 1, {250})}
  end},
}

-- The result of an operator with an activation after it, computed from the result without one. The
-- names stand for the different ways to compute it: in registers, over stored sums, from x and from
-- the result.
local ACTIVATIONS <const> = {"relu", "silu", "tanh", "abs_tanh", "leaky_relu", "gelu", "sigmoid"}
local function through(y, o)
  local f <const> = rows[o.activation].scalar
  for i, value in ipairs(y) do y[i] = f(value) end
  return y
end

-- The cases, each with another activation.
local function activated(cases)
  local made <const> = {}
  for i, case in ipairs(cases) do
    local o <const> = {activation = ACTIVATIONS[(i - 1) % #ACTIVATIONS + 1], number = 0.01}
    local last <const> = case[#case]
    local named <const> = not last.shape
    for key, value in pairs(named and last or {}) do o[key] = value end
    made[i] = table.move(case, 1, named and #case - 1 or #case, 1, {})
    table.insert(made[i], o)
  end
  return made
end

rows.linear_activation = {
  wants = function(x, w, b, o)
    if not b.shape then b, o = nil, b end
    return through(rows.linear.wants(x, w, b), o)
  end,
  cases = activated(rows.linear.cases),
  larges = {function()
    return {large(-1, 1, {64, 300}), large(-1, 1, {250, 300}), large(-1, 1, {250}),
      {activation = "silu"}}
  end},
}
table.insert(rows.linear_activation.cases, {real {3, 4}, real {5, 4}, real {5}, real {5},
  differentiable = {}, wants = function(x, w, b, slope)
    return rows.prelu.wants(rows.linear.wants(x, w, b), slope)
  end})

-- ---- images ---------------------------------------------------------------------------

rows.conv2d = { -- conv_spec.lua sweeps kernels, strides and channels
  wants = function(x, w, b, o)
    if b and not b.shape then b, o = nil, b end
    return image.conv2d(x, w, b, o)
  end,
  cases = {{real {2, 3, 5, 6}, real {4, 3, 3, 3}, real {4}, {padding = 1}},
    {real {1, 2, 6, 5}, real {3, 2, 2, 3}, {stride = {2, 1}, padding = {0, 1}}},
    {real {1, 4, 5, 5}, real {6, 2, 3, 3}, real {6},
      {groups = 2, dilation = 2, padding = 2}},
    {real {1, 3, 4, 4}, real {3, 1, 3, 3}, {groups = 3, padding = "same"}},
    {real {2, 2, 3, 3}, real {2, 2, 1, 1}, real {2}},
      {real {0, 2, 3, 3}, real {2, 2, 2, 2}},
    {real {1, 2, 4, 5}, real {2, 2, 4, 2}, {padding = "same"}},
    {real {1, 20, 5, 4}, real {2, 20, 3, 2}, {stride = {2, 3}, padding = 1}},
    {real {1, 2, 1, 3}, real {2, 2, 1, 1}, {stride = {2, 3}, padding = 1}}}, -- phases empty
  sized = function(n)
    return {real {1, n, 3, 3}, real({2, n, 2, 2}, -1, 1), real {2}, {padding = 1}}
  end,
  larges = {
    function()
      return {large(-1, 1, {3, 16, 21, 19}), large(-1, 1, {24, 16, 3, 3}),
        large(-1, 1, {24}),
        {padding = 1}}
    end,
    function()
      return {large(-1, 1, {5, 3, 33, 31}), large(-1, 1, {33, 3, 5, 5}),
        large(-1, 1, {33}),
        {padding = 2, stride = 2}}
    end,
    function()
      return {large(-1, 1, {4, 32, 17, 17}), large(-1, 1, {32, 1, 3, 3}),
        large(-1, 1, {32}),
        {padding = 1, groups = 32}}
    end,
    function() return {large(-1, 1, {8, 48, 14, 14}), large(-1, 1, {40, 48, 1, 1})} end,
  },
}

local function sloped(x, w, b, slope, o)
  local y <const> = rows.conv2d.wants(x, w, b, o)
  local plane <const> = #y // (x.shape[1] * w.shape[1])
  for i, value in ipairs(y) do
    local channel <const> = (i - 1) // plane % w.shape[1] + 1
    y[i] = value > 0 and value or value * slope[channel]
  end
  return y
end

rows.conv2d_activation = { -- with Winograd's algorithm and few pixels: fuse_spec.lua
  wants = function(x, w, b, o)
    if not b.shape then b, o = nil, b end
    return through(rows.conv2d.wants(x, w, b, o), o)
  end,
  cases = activated(rows.conv2d.cases),
  larges = {function()
    local made <const> = rows.conv2d.larges[1]()
    made[4].activation = "silu"
    return made
  end},
}
for _, case in ipairs(rows.conv2d.cases) do -- with a bias; the slope is the argument after it
  local x <const>, w <const>, b <const>, o <const> = table.unpack(case)
  if b and b.shape then
    table.insert(rows.conv2d_activation.cases, {x, w, b, real {w.shape[1]}, o, wants = sloped,
      differentiable = {}})
  end
end

rows.conv_transpose2d = {
  wants = function(x, w, b, o)
    if b and not b.shape then b, o = nil, b end
    return image.conv_transpose2d(x, w, b, o)
  end,
  cases = {{real {2, 3, 4, 5}, real {3, 4, 3, 3}, real {4}, {padding = 1}},
    {real {1, 2, 3, 4}, real {2, 3, 2, 3},
      {stride = {2, 3}, padding = {0, 1}, output_padding = {1, 0}}},
    {real {1, 4, 3, 3}, real {4, 3, 3, 2}, real {6},
      {groups = 2, dilation = 2, stride = 2, output_padding = 1}},
    {real {2, 2, 3, 3}, real {2, 2, 1, 1}, real {2}, {stride = 3, output_padding = 2}},
    {real {1, 5, 3, 2}, real {5, 2, 3, 4}, {stride = 2, padding = {0, 1}}},
    {real {0, 2, 3, 3}, real {2, 2, 2, 2}}},
  sized = function(n)
    return {real {1, 2, 3, 3}, real({2, n, 2, 2}, -1, 1), real {n}, {stride = 2}}
  end,
  larges = {
    function()
      return {large(-1, 1, {3, 16, 21, 19}), large(-1, 1, {16, 24, 3, 3}),
        large(-1, 1, {24}), {padding = 1, stride = 2}}
    end,
    function()
      return {large(-1, 1, {5, 8, 17, 16}), large(-1, 1, {8, 3, 4, 4}), {stride = 2}}
    end,
  },
}

-- conv2d, an activation and max_pool2d. The options of max_pool2d have other names here.
local function convolved_and_pooled(x, w, b, slope, o)
  if slope and not slope.shape then slope, o = nil, slope end
  local y <const> = slope and sloped(x, w, b, slope, o) or rows.conv2d.wants(x, w, b, o)
  if o.activation then through(y, o) end
  local pad <const>, stride <const> = o.padding or 0, o.stride or 1
  local function size(i) return (x.shape[i] + 2 * pad - w.shape[i]) // stride + 1 end
  y.shape = {x.shape[1], w.shape[1], size(3), size(4)}
  return image.max_pool2d(y, o.kernel, {stride = o.pool_stride, padding = o.pool_padding,
    ceil_mode = o.ceil_mode, dilation = o.pool_dilation})
end

rows.conv2d_max_pool2d = { -- in a Sequential: chain_spec.lua
  wants = convolved_and_pooled,
  cases = {{real {2, 3, 5, 6}, real {4, 3, 3, 3}, real {4}, {padding = 1, kernel = 2}},
    {real {1, 2, 7, 8}, real {3, 2, 3, 3}, real {3}, {activation = "relu", kernel = 3,
      pool_stride = 2, pool_padding = 1}},
    {real {1, 2, 7, 8}, real {3, 2, 3, 3}, real {3}, {activation = "abs_tanh", kernel = 2}},
    {real {1, 2, 7, 8}, real {3, 2, 3, 3}, real {3}, {activation = "silu", kernel = 3,
      ceil_mode = true}},
    {real {1, 2, 4, 4}, real {3, 2, 1, 1}, real {3}, {activation = "sigmoid", kernel = 2,
      pool_padding = 1, pool_dilation = 3}}, -- windows that miss the image
    {real {1, 2, 7, 8}, real {3, 2, 3, 3}, real {3}, real {3}, {stride = 2, padding = 1,
      kernel = 2, pool_stride = 2, ceil_mode = true}},
    {real {1, 4, 6, 6}, real {4, 2, 3, 3}, real {4}, {groups = 2, padding = 1, kernel = 2,
      pool_stride = 1, pool_dilation = 2}},
    {real {0, 2, 5, 5}, real {2, 2, 2, 2}, real {2}, {kernel = 2}}},
  larges = {
    function()
      return {large(-1, 1, {3, 3, 61, 50}), large(-1, 1, {20, 3, 3, 3}), large(-1, 1, {20}),
        large(-1, 1, {20}), {padding = 1, kernel = 3, pool_stride = 2, ceil_mode = true}}
    end,
    function()
      return {large(-1, 1, {2, 8, 40, 40}), large(-1, 1, {33, 8, 5, 5}), large(-1, 1, {33}),
        {padding = 2, activation = "tanh", kernel = 2}}
    end,
  },
}

rows.max_pool2d = {
  exact = true, wants = image.max_pool2d,
  cases = {{apart {2, 3, 4, 6}, 2}, {apart {1, 2, 5, 5}, 3, {stride = 2, padding = 1}},
    {apart {1, 2, 6, 7}, {2, 3}, {stride = {2, 1}, padding = {1, 0}}},
    {apart {1, 2, 5, 6}, 2, {ceil_mode = true}},
    {apart {1, 1, 6, 6}, 3, {stride = 4, padding = 1, ceil_mode = true}},
    {apart {1, 2, 7, 7}, 2, {stride = 1, dilation = 2}}, {apart {0, 2, 4, 4}, 2},
    {apart {1, 1, 2, 2}, 2, {dilation = 3, padding = 1}, grad = false},
    {constant({1, 1, 2, 4}, nil, {1, 0 / 0, 2, 3}), 2, grad = false}},
  sized = function(n) return {apart {1, n, 3, 3}, 2, {stride = 1}} end,
  large = function() return {large(-1, 1, {5, 17, 30, 31}), 3,
    {stride = 2, padding = 1}} end,
}
rows.avg_pool2d = {
  wants = image.avg_pool2d,
  cases = {{real {2, 3, 4, 6}, 2}, {real {1, 2, 5, 5}, 3, {stride = 2, padding = 1}},
    {real {1, 2, 5, 5}, 3, {stride = 2, padding = 1, count_include_pad = false}},
    {real {1, 2, 6, 7}, {2, 3}, {stride = {2, 1}, padding = {1, 0}}},
    {real {1, 2, 5, 6}, 2, {ceil_mode = true}},
    {real {1, 1, 6, 6}, 3, {stride = 4, padding = 1, ceil_mode = true}},
    {real {1, 1, 6, 6}, 4, {padding = 2, ceil_mode = true, count_include_pad = false}},
    {real {0, 2, 4, 4}, 2}},
  sized = function(n) return {real {1, n, 3, 3}, 2, {stride = 1}} end,
  large = function() return {large(-1, 1, {5, 17, 30, 31}), 3,
    {stride = 2, padding = 1}} end,
}

for name, make in pairs {adaptive_max_pool2d = apart, adaptive_avg_pool2d = real} do
  rows[name] = {
    exact = name == "adaptive_max_pool2d", wants = image[name],
    cases = {{make {2, 3, 4, 6}, 2}, {make {1, 2, 5, 7}, {3, 2}}, {make {2, 2, 3, 4}, 1},
      {make {1, 2, 3, 2}, {5, 3}}, {make {0, 2, 4, 4}, 2}},
    sized = function(n) return {make {1, n, 3, 3}, 2} end,
    large = function() return {large(-1, 1, {5, 17, 30, 31}), {7, 6}} end,
  }
end

-- x, weight, bias, running_mean, running_var; the last two are made anew for every call.
local function norm(shape, o, without)
  local c <const> = shape[2]
  local args <const> = {real(shape), real({c}, 0.5, 2), real {c}, real {c},
    real({c}, 0.5, 2), o, n = 6}
  for _, i in ipairs(without or {}) do args[i] = nil end
  args.differentiable = {true, true, true, false, false}
  return args
end

rows.batch_norm = {
  wants = function(x, w, b, m, v, o) return (image.batch_norm(x, w, b, m, v, o)) end,
  tolerance = 1e-10, -- a division by a deviation of few values
  cases = {norm({3, 2, 2, 3}, {training = true}), norm({3, 2, 2, 3}, {training = false}),
    norm({4, 3}, {training = true, eps = 0.1}), norm({2, 3, 5}, {training = true}),
    norm({2, 3, 5}, {eps = 0.5}), norm({3, 2, 2, 2}, {training = true}, {2, 3}),
    norm({3, 2, 2, 2}, {training = true}, {4, 5}), norm({0, 2, 3, 3}, {})},
  sized = function(n) return norm({3, n, 2, 1}, {training = true}) end,
  larges = {
    function()
      return {large(-1, 1, {9, 13, 25, 24}), large(0.5, 1, {13}), large(-1, 1, {13}),
        {training = true}}
    end,
    function() return {large(-1, 1, {3000, 40}), {training = true}} end,
  },
}

rows.mix = {
  wants = function(x, alpha, o)
    local t <const> = alpha.shape[1]
    local c <const> = x.shape[2] // t
    return ref.build(x.shape, function(index)
      local i <const>, k <const> = (index[2] - 1) // c + 1, (index[2] - 1) % c + 1
      local own <const> = o and o.toward and ref.at(x, index) or 0
      local total = own
      for j = 1, t do
        local at <const> = table.move(index, 1, #index, 1, {})
        at[2] = (j - 1) * c + k
        local a <const> = #alpha.shape == 3 and {i, j, k} or {i, j}
        total = total + ref.at(alpha, a) * (ref.at(x, at) - own)
      end
      return total
    end)
  end,
  cases = {{real {2, 6, 2, 3}, real {3, 3}}, {real {2, 6, 2, 3}, real {2, 2, 3}},
    {real {3, 6}, real {2, 2}}, {real {2, 8}, real {2, 2, 4}}, {real {2, 3}, real {1, 1, 3}},
    {real {0, 4, 2, 2}, real {2, 2}}, {real {2, 4, 0, 3}, real {2, 2, 2}},
    {real {2, 6, 2, 3}, real {3, 3}, {toward = true}}, {real {3, 6}, real {3, 3, 2},
      {toward = true}}, {real {2, 3}, real {1, 1}, {toward = true}}},
  sized = function(n) return {real {2, 2 * n, 3, 1}, real {2, 2, n}, {toward = n % 2 == 0}} end,
  larges = {
    function() return {large(-1, 1, {9, 15, 25, 24}), large(-1, 1, {3, 3, 5})} end,
    function()
      return {large(-1, 1, {9, 15, 25, 24}), large(-1, 1, {3, 3, 5}), {toward = true}}
    end,
    function() return {large(-1, 1, {30000, 4}), large(-1, 1, {2, 2})} end,
  },
}

rows.standardize = {
  wants = image.standardize, tolerance = 1e-10, -- a division by a deviation of few values
  cases = {{real {3, 5}}, {real {2, 3, 4}, 0.1}, {real {7}}, {real {2, 3, 2, 3}},
    {real {3, 1}}, {real {0, 4}}, {real {3, 0}}},
  sized = function(n) return {real {2, n}} end,
  larges = {function() return {large(-1, 1, {300, 130})} end,
    function() return {large(-1, 1, {3, 70001})} end},
}

rows.resize_bilinear = {
  wants = image.resize_bilinear,
  cases = {{real {2, 3, 4, 5}, {7, 3}, 4 / 7, 5 / 3},
    {real {1, 2, 3, 3}, 5, 0.5, 0.5, true}, {real {1, 2, 4, 3}, {1, 1}, 0, 0, true},
    {real {1, 2, 4, 3}, {1, 1}, 4, 3}, {real {1, 2, 1, 2}, {3, 5}, 1 / 3, 0.4},
    {real {0, 2, 2, 2}, 3, 1, 1}},
  sized = function(n) return {real {1, n, 2, 3}, {3, 2}, 2 / 3, 1.5} end,
  large = function() return {large(-1, 1, {5, 7, 30, 31}), {41, 20}, 30 / 41, 31 / 20} end,
}

rows.resize_nearest = {
  wants = image.resize_nearest,
  cases = {{real {2, 3, 4, 5}, {7, 3}, 4 / 7, 5 / 3}, {real {1, 2, 3, 3}, 5, 0.5, 0.5},
    {real {1, 2, 4, 3}, {1, 1}, 4, 3}, {real {1, 2, 1, 2}, {3, 5}, 1 / 3, 0.4},
    {real {1, 2, 2, 2}, {2, 2}, 7, 0}, {real {0, 2, 2, 2}, 3, 1, 1}},
  sized = function(n) return {real {1, n, 2, 3}, {3, 2}, 2 / 3, 1.5} end,
  large = function() return {large(-1, 1, {5, 7, 30, 31}), {41, 20}, 30 / 41, 31 / 20} end,
}

rows.grid_sample = {
  wants = image.grid_sample,
  cases = {{real {2, 3, 4, 5}, real({2, 3, 2, 2}, -1.5, 1.5)},
    {real {2, 3, 4, 5}, real({2, 3, 2, 2}, -1.5, 1.5), {align_corners = true}},
    {real {1, 2, 3, 3}, real({1, 4, 4, 2}, -3, 3), {padding_mode = "border"}},
    {real {1, 2, 3, 2}, real({1, 4, 4, 2}, -3, 3),
      {padding_mode = "border", align_corners = true}},
    {real {1, 2, 1, 1}, real({1, 2, 2, 2}, -0.75, 0.75)},
    {real {2, 3, 4, 5}, real({2, 3, 2, 2}, -1.5, 1.5), {mode = "nearest"}},
    {real {2, 3, 4, 5}, real({2, 3, 2, 2}, -1.5, 1.5),
      {mode = "nearest", padding_mode = "border", align_corners = true}},
    {real {0, 2, 3, 3}, real({0, 2, 2, 2})},
    {real {1, 1, 2, 2}, constant({1, 1, 3, 2}, nil, {1e38, 0, 0, -1e38, 1 / 0, 0.25}),
      wants = function() return {shape = {1, 1, 1, 3}, 0, 0, 0} end, grad = false}},
  sized = function(n) return {real {1, n, 2, 3}, real({1, 2, 2, 2}, -1, 1)} end,
  large = function()
    return {large(-1, 1, {5, 7, 30, 31}), large(-1.2, 1.2, {5, 23, 24, 2})}
  end,
}

-- ---- softmax and losses ---------------------------------------------------------------

local SOFT <const> = {{real {3, 4}, 2}, {real {3, 4}, 1}, {real {2, 3, 2, 2}, 2},
  {real {5}, -1},
  {real {}, 1}, {real {0, 3}, 2}, {constant({3}, nil, {1000, 1001, -1000}), 1}}

for _, name in ipairs {"softmax", "log_softmax"} do
  rows[name] = {wants = ref[name], cases = SOFT,
    sized = function(n) return {real {2, n}, 2} end,
    larges = {function() return {large(-3, 3, {300, 130}), 2} end,
      function() return {large(-3, 3, {6, 20, 30, 30}), 2} end}}
end

rows.mse = {
  wants = function(x, y, m, o)
    if m and not m.shape then m, o = nil, m end
    return ref.mse(x, y, m, o)
  end,
  cases = {{real {3, 4}, real {3, 4}}, {real {3, 4}, real {3, 4}, mask {3, 4}},
    {real {3, 4}, real {3, 4}, mask {3, 1}, {reduction = "sum"}},
    {real {3, 4}, real {3, 4}, mask {4}, {reduction = "none"}},
    {real {}, real {}, {reduction = "sum"}}, {real {0}, real {0}, {reduction = "none"}},
    {real {2, 2}, real {2, 2}, constant({2, 2}, "bool", {false})}},
  sized = function(n) return {real {n}, real {n}} end,
  large = function() return {large(), large()} end,
}

rows.cross_entropy = {
  wants = function(x, t, w, o)
    if w and not w.shape then w, o = nil, w end
    return ref.cross_entropy(x, t, w, o)
  end,
  cases = {{real {4, 3}, whole({4}, 1, 3)}, {real {6, 3}, whole({6}, 0, 3), {ignore = 0}},
    {real {6, 3}, whole({6}, 0, 3), real({3}, 0.5, 2), {ignore = 0},
      differentiable = {true, false, false}},
    {real {6, 3}, whole({6}, 0, 3), {reduction = "sum", label_smoothing = 0.1, ignore = 0}},
    {real {6, 3}, whole({6}, 0, 3), real({3}, 0.5, 2), {label_smoothing = 0.2, ignore = 0},
      differentiable = {true, false, false}},
    {real {6, 3}, whole({6}, 0, 3), {reduction = "none", ignore = 0}},
    {real {2, 3, 2, 2}, whole({2, 2, 2}, 0, 3), {label_smoothing = 0.3, ignore = 0}},
    {real {3, 4}, constant({3}, "int64", {-100})},
    {real {0, 3}, constant({0}, "int64", {}), {reduction = "sum"}}},
  sized = function(n) return {real {2, n}, whole({2}, 1, n)} end,
  large = function()
    local labels <const> = core.ops.random(core.new({2000}, "int64"), 0, 60)
    return {large(-3, 3, {2000, 60}), labels, {ignore = 0}}
  end,
}

-- ---- selection ------------------------------------------------------------------------

rows.index_select = {
  exact = true,
  wants = function(x, dim, index)
    local parts <const> = {}
    for i, v in ipairs(index) do
      parts[i] = ref.narrow(x, dim, v < 0 and x.shape[dim] + 1 + v or v, 1, 1)
    end
    if #parts == 0 then return ref.narrow(x, dim, 1, 0, 1) end
    return ref.cat(parts, dim)
  end,
  cases = {{real {4, 3}, 1, constant({3}, "int64", {4, 1, 4})},
    {real {2, 3, 2}, 2, constant({4}, "int64", {-1, 1, 2, -3})},
    {real {5}, 1, constant({2}, "int32", {5, 5})},
      {real {3, 2}, 1, constant({0}, "int64", {})},
    {real {0, 3}, 2, constant({2}, "int64", {3, 1})}},
  sized = function(n) return {real {3, n}, 2, constant({n}, "int64", {n, 1})} end,
}
rows.masked_select = {
  exact = true,
  wants = function(x, m)
    local chosen <const> = {}
    ref.build(x.shape, function(index)
      if ref.at(m, index) then chosen[#chosen + 1] = ref.at(x, index) end
    end)
    chosen.shape = {#chosen}
    return chosen
  end,
  cases = {{real {4, 3}, mask {4, 3}}, {real {4, 3}, mask {4, 1}}, {real {5}, mask {}},
    {real {}, mask {}}, {real {0}, mask {0}}},
  sized = function(n) return {real {n}, mask {n}} end,
}

-- ---- rearrangements -------------------------------------------------------------------

-- Makes a reference. shape(x, ...) is the shape of the result. source(d, i, x.shape, ...) is the
-- index along dimension d of x whose value the result has at index i; nil: none(...) is the value.
local function rearranged(shape, source, none)
  return function(x, ...)
    local args <const> = {...}
    local blank <const> = none and none(...)
    return ref.build(shape(x, ...), function(index)
      local place <const> = {}
      for d, i in ipairs(index) do
        place[d] = source(d, i, x.shape, table.unpack(args))
        if not place[d] then return blank end
      end
      return ref.at(x, place)
    end)
  end
end

local function its_shape(x) return x.shape end

rows.flip = {
  exact = true,
  wants = rearranged(its_shape, function(d, i, shape, dims)
    if type(dims) == "table" and #dims == 0 then return i end
    return ref.named(dims, #shape)[d] and shape[d] + 1 - i or i
  end),
  cases = {{real {2, 3}, 1}, {real {2, 3, 4}, {1, -1}}, {real {2, 3, 4, 5}, 4},
    {real {0, 3}, 2}, {real {3}, {}}, {real {}, {}}, {whole({2, 3}, 0, 9), 2}, {mask {7}, 1}},
  sized = function(n) return {real {2, n}, 2} end,
  large = function() return {large(-1, 1, {70, 30, 50}), {1, 3}} end,
}
rows.roll = {
  exact = true,
  wants = rearranged(its_shape, function(d, i, shape, shifts, dims)
    for k, dim in ipairs(dims) do
      if (dim < 0 and #shape + 1 + dim or dim) == d then i = (i - 1 - shifts[k]) % shape[d] + 1 end
    end
    return i
  end),
  cases = {{real {2, 3}, {1}, {1}}, {real {4, 5}, {-7, 2}, {1, 2}}, {real {2, 3, 4, 5}, {2}, {-1}},
    {real {5}, {1, 2}, {1, 1}}, {real {0, 3}, {4}, {1}}, {whole({5}, 0, 9), {3}, {1}}},
  sized = function(n) return {real {2, n}, {1}, {2}} end,
  large = function() return {large(-1, 1, {70, 30, 50}), {9, 7}, {1, 3}} end,
}
rows.repeat_ = {
  exact = true,
  wants = rearranged(function(x, times)
    local shape <const> = {}
    for d, size in ipairs(x.shape) do shape[d] = size * times[d] end
    return shape
  end, function(d, i, shape) return (i - 1) % shape[d] + 1 end),
  cases = {{real {2, 3}, {2, 1}}, {real {2, 3}, {1, 3}}, {real {3}, {0}}, {real {}, {}},
    {real {0, 2}, {2, 2}}, {real {1, 2, 2, 3}, {2, 1, 3, 2}}, {mask {3}, {2}}},
  sized = function(n) return {real {2, n}, {2, 3}} end,
  large = function() return {large(-1, 1, {7, 30, 50}), {3, 1, 4}} end,
}

local PADDED <const> = {
  reflect = function(i, n) return i < 1 and 2 - i or i > n and 2 * n - i or i end,
  replicate = function(i, n) return math.min(math.max(i, 1), n) end,
  circular = function(i, n) return (i - 1) % n + 1 end,
  constant = function(i, n) return i >= 1 and i <= n and i or nil end,
}

rows.pad = {
  exact = true,
  wants = rearranged(function(x, pad)
    local shape <const>, n <const> = {}, #x.shape
    for d, size in ipairs(x.shape) do
      local k <const> = 2 * (n - d) + 1
      shape[d] = size + (pad[k] or 0) + (pad[k + 1] or 0)
    end
    return shape
  end, function(d, i, shape, pad, mode)
    return PADDED[type(mode) == "string" and mode or "constant"](
      i - (pad[2 * (#shape - d) + 1] or 0), shape[d])
  end, function(_, mode, value) return value or type(mode) == "table" and mode.value or 0 end),
  cases = {{real {2, 3}, {1, 2}}, {real {2, 3}, {0, 1, 2, 0}, {value = 1.5}},
    {real {4, 5}, {-1, 2, 1, -2}, "constant", -1}, {real {2, 3, 4, 5}, {1, 1, 2, 2}},
    {real {3}, {-2, -1}}, {real {3}, {-5, 5}}, {real {0, 2}, {1, 1, 1, 1}}, {real {}, {}},
    {real {2, 5}, {4, 2}, "reflect"}, {real {3, 4}, {5, 1, 2, 0}, "replicate"},
    {real {2, 3, 4}, {2, 4, 3, 0}, "circular"}, {whole({3}, 0, 9), {1, 1}, {value = 7}},
    {mask {3}, {1, 1}, {value = 1}}},
  sized = function(n) return {real {2, n}, {1, 2}} end,
  large = function() return {large(-1, 1, {7, 9, 30, 50}), {3, 1, 4, 2}} end,
}
rows.unfold = {
  exact = true, view = true,
  wants = function(x, dim, size, step)
    local n <const>, shape <const> = #x.shape, table.move(x.shape, 1, #x.shape, 1, {})
    if dim < 0 then dim = n + 1 + dim end
    shape[dim] = (shape[dim] - size) // step + 1
    shape[n + 1] = size
    return ref.build(shape, function(index)
      local place <const> = table.move(index, 1, n, 1, {})
      place[dim] = (index[dim] - 1) * step + index[n + 1]
      return ref.at(x, place)
    end)
  end,
  cases = {{real {7}, 1, 3, 1}, {real {7}, 1, 3, 2}, {real {2, 8}, -1, 2, 3},
    {real {5, 3, 2}, 1, 5, 1}, {real {0, 3}, 2, 2, 1}, {real {3}, 1, 0, 1},
    {real {2, 3, 4, 5}, 3, 3, 1}},
}

-- ---- an index for every element -------------------------------------------------------

local function with(index, d, value)
  local copy <const> = table.move(index, 1, #index, 1, {})
  copy[d] = value
  return copy
end

local function int(shape, values) return constant(shape, "int64", values) end

-- f(old, new) at the places of x that the index names, one after the other.
local function scattered(f)
  return function(x, dim, index, src)
    local y <const> = ref.build(x.shape, function(i) return ref.at(x, i) end)
    local n <const> = #x.shape
    if dim < 0 then dim = n + 1 + dim end
    ref.build(index.shape, function(i)
      local v <const>, k = ref.at(index, i), 0
      local place <const> = with(i, dim, v < 0 and x.shape[dim] + 1 + v or v)
      for d, size in ipairs(x.shape) do k = k * size + place[d] - 1 end
      local new = src
      if type(src) == "table" then -- src may be larger than the index
        local at = 0
        for d, size in ipairs(src.shape) do at = at * size + i[d] - 1 end
        new = src[at + 1]
      end
      y[k + 1] = f(y[k + 1], new)
    end)
    return y
  end
end

rows.gather = {
  exact = true,
  wants = function(x, dim, index)
    return ref.build(index.shape, function(i)
      local d <const> = dim < 0 and #x.shape + 1 + dim or dim
      local v <const> = ref.at(index, i)
      return ref.at(x, with(i, d, v < 0 and x.shape[d] + 1 + v or v))
    end)
  end,
  cases = {{real {3, 4}, 2, int({3, 2}, {1, 4, 2, 2, -1, 3})},
    {real {3, 4}, 1, int({2, 3}, {3, 1, 1, 2, 3, 3})},
    {real {2, 3, 2}, -2, int({2, 5, 1}, {1, 3, 3, 2, 1})},
    {real {5}, 1, constant({2}, "int32", {5, 5})}, {real {3}, 1, int({0}, {})},
    {real {0, 3}, 2, int({0, 2}, {})}, {mask {4}, 1, int({2}, {2, 3})},
    {real {2, 3, 4, 5}, 2, int({2, 2, 3, 5}, {3, 1, 2})}},
  sized = function(n) return {real {2, n}, 2, int({2, n}, {n, 1})} end,
}
rows.scatter = {
  exact = true, wants = scattered(function(_, new) return new end),
  cases = {{real {3, 4}, 2, int({3, 2}, {1, 4, 2, 3, -1, 3}), real {3, 2}},
    {real {3, 4}, 1, int({2, 3}, {3, 1, 1, 2, 3, 3}), real {2, 4}},
    {real {2, 3, 2}, -1, int({2, 3, 1}, {1, 2}), 1.5}, {real {3}, 1, int({0}, {}), real {2}},
    {real {3}, 1, int({2}, {1, 3}), real {}}, {real {0, 3}, 2, int({0, 2}, {}), 1},
    {whole({4}, 0, 9), 1, int({2}, {1, 4}), whole({2}, 0, 9)}},
  sized = function(n) return {real {2, n}, 2, int({2, 1}, {n, 1}), real {2, 1}} end,
}
rows.scatter_add = {
  wants = scattered(function(old, new) return old + new end),
  cases = {{real {3, 4}, 2, int({3, 2}, {1, 1, 2, 3, -1, 3}), real {3, 2}},
    {real {3, 4}, 1, int({2, 3}, {3, 1, 1, 2, 1, 3}), real {2, 4}},
    {real {2, 3, 2}, -1, int({2, 3, 2}, {1, 1}), 1.5}, {real {3}, 1, int({0}, {}), real {2}},
    {real {3}, 1, int({2}, {3, 3}), real {}}, {real {0, 3}, 2, int({0, 2}, {}), 1},
    {whole({4}, 0, 9), 1, int({3}, {1, 4, 4}), whole({3}, 0, 9)}},
  sized = function(n) return {real {2, n}, 2, int({2, 2}, {n, 1, 1, 1}), real {2, 2}} end,
}

-- ---- order ----------------------------------------------------------------------------

-- The places of v, sorted by value. NaN is the largest, and equal values keep their order.
local function places(v, falling)
  local at <const> = {}
  for i = 1, #v do at[i] = i end
  local function above(a, b)
    if type(a) == "boolean" then return a and not b end
    return a > b or (a ~= a and b == b)
  end
  table.sort(at, function(i, j)
    if above(v[i], v[j]) then return falling or false end
    if above(v[j], v[i]) then return not falling end
    return i < j
  end)
  return at
end

-- f(values of a lane) -> places. Returns `kept` values of each lane (nil: all) and their places.
local function ordered(x, dim, kept, f)
  if #x.shape == 0 then return x, {shape = {}, 1} end
  if dim < 0 then dim = #x.shape + 1 + dim end
  local shape <const>, lanes <const> = with(x.shape, dim, kept or x.shape[dim]), {}
  local values <const> = ref.build(shape, function(index)
    local key <const>, lane <const> = table.concat(with(index, dim, 0), ","), {}
    for i = 1, x.shape[dim] do lane[i] = ref.at(x, with(index, dim, i)) end
    lanes[key] = lanes[key] or f(lane)
    return lane[lanes[key][index[dim]]]
  end)
  return values, ref.build(shape, function(index)
    return lanes[table.concat(with(index, dim, 0), ",")][index[dim]]
  end)
end

local WITH_NAN <const> = constant({2, 4}, nil, {1, 0 / 0, -0.0, 0, 3, 0 / 0, -1 / 0, 1 / 0})

rows.sort = {
  exact = true,
  wants = function(x, dim, falling)
    if type(dim) == "table" then dim, falling = nil, dim.descending end
    return ordered(x, dim or -1, nil, function(v) return places(v, falling) end)
  end,
  cases = {{apart {7}}, {apart {2, 5}, {descending = true}}, {apart {4, 3, 2}, 1},
    {apart {2, 3, 4, 2}, 2, true}, {apart {}}, {apart {0, 3}}, {apart {3, 0}},
    {whole({40}, 0, 5)}, {whole({40}, 0, 5), 1, true}, {mask {9}}, {whole({9}, 0, 1), 1},
    {WITH_NAN, grad = false}, {WITH_NAN, 2, true, grad = false},
    {constant({3}, "int64", {(1 << 53) + 1, 1 << 53, -1})}},
  sized = function(n) return {apart {2, n}} end,
  large = function() return {large(-1, 1, {70, 300}), 1} end,
}
rows.topk = {
  exact = true,
  wants = function(x, k, dim, largest)
    if type(dim) == "table" then dim, largest = nil, dim.largest end
    return ordered(x, dim or -1, k, function(v) return places(v, largest ~= false) end)
  end,
  cases = {{apart {7}, 3}, {apart {2, 5}, 5}, {apart {4, 3, 2}, 2, 1},
    {apart {2, 3, 4, 2}, 1, 2, false}, {apart {2, 6}, 2, {largest = false}}, {apart {}, 1},
    {apart {3}, 0}, {apart {0, 3}, 2}, {whole({40}, 0, 5), 7}, {WITH_NAN, 3, grad = false}},
  sized = function(n) return {apart {2, n}, (n + 1) // 2} end,
  large = function() return {large(-1, 1, {70, 300}), 5, 1} end,
}

local function lower_median(v)
  for i = #v, 1, -1 do if v[i] ~= v[i] then return i end end
  return places(v)[(#v + 1) // 2]
end

rows.median = {
  exact = true,
  wants = function(x, dim, keepdim)
    if type(dim) == "table" then dim, keepdim = dim.dim, dim.keepdim end
    local where_ <const> = ref.reduce(x, dim, keepdim, lower_median)
    local values <const> = ref.reduce(x, dim, keepdim,
      function(v) return v[lower_median(v)] end)
    if dim then return values, where_ end
    return values
  end,
  cases = {{apart {7}}, {apart {2, 4}}, {apart {2, 4}, 2}, {apart {2, 3, 4}, -2, true},
    {apart {}}, {apart {0, 3}, 2}, {apart {2, 3, 2, 2}, {dim = 2, keepdim = true}},
    {whole({9, 4}, 0, 9), 1}, {WITH_NAN, 2, grad = false}, {WITH_NAN, grad = false},
    {constant({1}, "int64", {math.maxinteger})}},
  sized = function(n) return {apart {2, n}, 2} end,
  large = function() return {large(-1, 1, {70, 300}), 1} end,
}

-- Bounding boxes whose places and sizes differ by 1/8 at least, so that no two overlaps are equal.
local function some_boxes(n)
  local values <const> = {}
  for i = 1, n do
    local x <const>, y <const> = (i * 37 % 101) / 8, (i * 53 % 89) / 8
    table.move({x, y, x + 1 + i % 7, y + 1 + i * 3 % 5}, 1, 4, #values + 1, values)
  end
  return constant({n, 4}, nil, values)
end

local function share(boxes, i, j, minimum)
  local function side(k, first, second)
    return math.max(0, math.min(boxes[4 * i + k], boxes[4 * j + k])
      - math.max(boxes[4 * first + k - 2], boxes[4 * second + k - 2]))
  end
  local function area(k)
    return (boxes[4 * k + 3] - boxes[4 * k + 1]) * (boxes[4 * k + 4] - boxes[4 * k + 2])
  end
  local common <const> = side(3, i, j) * side(4, i, j)
  return common / (minimum and math.min(area(i), area(j)) or area(i) + area(j) - common)
end

rows.nms = {
  exact = true,
  wants = function(boxes, scores, threshold, minimum)
    if type(threshold) == "table" then threshold, minimum = 0.5, threshold.minimum end
    local order <const>, kept <const> = {}, {}
    for i = 1, #scores do order[i] = i - 1 end
    table.sort(order, function(i, j)
      if scores[i + 1] ~= scores[j + 1] then return scores[i + 1] > scores[j + 1] end
      return i < j
    end)
    for _, i in ipairs(order) do
      local stays = true
      for _, k in ipairs(kept) do
        if share(boxes, i, k - 1, minimum) > (threshold or 0.5) then stays = false end
      end
      if stays then kept[#kept + 1] = i + 1 end
    end
    kept.shape = {#kept}
    return kept
  end,
  cases = {{some_boxes(60), apart {60}, grad = false},
    {some_boxes(60), apart {60}, 0.1, grad = false},
    {some_boxes(60), apart {60}, {minimum = true}, grad = false},
    {some_boxes(60), apart {60}, 0.7, true, grad = false},
    {some_boxes(40), whole({40}, 0, 3), 0.3, grad = false},
    {constant({3, 4}, nil, {1, 1, 3, 3}), apart {3}, 0, grad = false},
    {constant({0, 4}, nil, {}), apart {0}, grad = false}},
}
rows.cumsum = {
  wants = function(x, dim)
    if #x.shape == 0 then return x end
    if dim < 0 then dim = #x.shape + 1 + dim end
    return ref.build(x.shape, function(index)
      local s = 0
      for i = 1, index[dim] do
        local v <const> = ref.at(x, with(index, dim, i))
        s = s + (v == true and 1 or v or 0)
      end
      return s
    end)
  end,
  cases = {{real {7}, 1}, {real {2, 5}, -1}, {real {4, 3, 2}, 1}, {real {2, 3, 4, 2}, 3},
    {real {}, 1}, {real {0, 3}, 2}, {real {3, 0}, 2}, {whole({9, 2}, -9, 9), 1}, {mask {9}, 1}},
  sized = function(n) return {real {2, n}, 2} end,
  large = function() return {large(-1, 1, {70, 300}), 1} end,
}

-- ---- the size of lanes ----------------------------------------------------------------

local function norm_of(v, p)
  local s, top, least = 0, 0, math.huge
  for _, x in ipairs(v) do
    local size <const> = math.abs(x)
    s = s + (p == 0 and (size ~= 0 and 1 or 0) or size ^ p)
    top, least = math.max(top, size), math.min(least, size)
  end
  if p == math.huge then return top elseif p == -math.huge then return least end
  return p == 0 and s or s ^ (1 / p)
end

rows.norm = {
  wants = function(x, p, dim, keepdim)
    if type(p) == "table" then p, dim, keepdim = p.p, p.dim, p.keepdim end
    return ref.reduce(x, dim, keepdim, function(v) return norm_of(v, p or 2) end)
  end,
  cases = {{real {7}}, {real {2, 3, 4}, 2, 2}, {real {2, 3, 4}, 1, {1, 3}, true},
    {real {2, 3, 2, 2}, {dim = 2, keepdim = true}}, {real {}}, {real {0, 3}}, {real {0, 3}, 2, 2},
    {real {3, 4}, 3, 2}, {real {3, 4}, 0.5, 2}, {real {3, 4}, 0, 1, grad = false},
    {apart {3, 4}, math.huge, 1}, {apart {3, 5}, -math.huge, 2}, {real {3, 4}, -1, 2},
    {constant({2, 2}, nil, {0, 0, 3, 4}), 2, 2, grad = false}},
  sized = function(n) return {real {2, n}, 2, 2} end,
  large = function() return {large(-1, 1, {70, 300}), 2, 1} end,
}
rows.logsumexp = {
  wants = function(x, dim, keepdim)
    return ref.reduce(x, dim, keepdim, function(v)
      local top, s = -math.huge, 0
      for _, e in ipairs(v) do top = math.max(top, e) end
      if top - top ~= 0 then return top end
      for _, e in ipairs(v) do s = s + math.exp(e - top) end
      return top + math.log(s)
    end)
  end,
  cases = {{real {7}}, {real {2, 3, 4}, 2}, {real {2, 3, 4}, {1, 3}, true}, {real {}},
    {real {2, 3, 2, 2}, 2}, {real {0, 3}, 2}, {real {3, 0}, 2, grad = false},
    {constant({3}, nil, {1000, 1001, -1000}), 1},
    {constant({2, 2}, nil, {-1 / 0, -1 / 0, 1 / 0, 1}), 2, grad = false}},
  sized = function(n) return {real {2, n}, 2} end,
  large = function() return {large(-1, 1, {70, 300}), 1} end,
}

-- ---- small systems --------------------------------------------------------------------

-- The x for which a x = b, matrix by matrix, by elimination with pivots. a's batch broadcasts to
-- b's.
local function solved(a, b)
  local n <const> = a.shape[#a.shape]
  local vector <const> = #b.shape == 1 or
    table.concat(b.shape, ",") == table.concat(a.shape, ",", 1, #a.shape - 1)
  if vector then b = ref.reshape(b, with(b.shape, #b.shape + 1, 1)) end
  local function batch(x) return {shape = table.move(x.shape, 1, #x.shape - 2, 1, {})} end
  local shape <const>, memory <const> = ref.broadcast(batch(a), batch(b)), {}
  local k <const>, rank <const> = b.shape[#b.shape], #shape
  shape[rank + 1], shape[rank + 2] = n, k
  local function solution(index)
    local m <const> = {}
    for i = 1, n do
      m[i] = {}
      for j = 1, n do m[i][j] = ref.at(a, with(with(index, rank + 1, i), rank + 2, j)) end
      for j = 1, k do m[i][n + j] = ref.at(b, with(with(index, rank + 1, i), rank + 2, j)) end
    end
    for p = 1, n do
      local best = p
      for i = p, n do if math.abs(m[i][p]) > math.abs(m[best][p]) then best = i end end
      m[p], m[best] = m[best], m[p]
      for i = 1, n do
        local f <const> = i ~= p and m[i][p] / m[p][p] or 0
        for j = p, n + k do m[i][j] = m[i][j] - f * m[p][j] end
      end
    end
    return m
  end
  local x <const> = ref.build(shape, function(index)
    local key <const> = table.concat(index, ",", 1, rank)
    memory[key] = memory[key] or solution(index)
    local i <const>, j <const> = index[rank + 1], index[rank + 2]
    return memory[key][i][n + j] / memory[key][i][i]
  end)
  if vector then table.remove(x.shape) end
  return x
end

-- Matrices that are far from singular.
local function regular(shape) return constant(shape, nil, {4, 1, -0.5, 0.25, 0, 1.5, -2.5}) end
local function diagonal(n)
  local v <const> = {}
  for i = 1, n * n do v[i] = (i - 1) % (n + 1) == 0 and 3 or i % 3 / (n + 1) end
  return constant({n, n}, nil, v)
end

rows.solve = {
  wants = solved, tolerance = 1e-11, -- the factors may differ by rounding
  cases = {{regular {2, 2}, real {2, 3}}, {regular {3, 3}, real {3}},
    {regular {2, 3, 3}, real {2, 3, 2}}, {regular {2, 3, 3}, real {2, 3}},
    {regular {3, 3}, real {2, 3, 1}}, {regular {2, 1, 2, 2}, real {3, 2, 2}},
    {regular {0, 0}, real {0, 2}}, {regular {0, 2, 2}, real {0, 2, 1}},
    {regular {3, 3}, real {3, 0}}, {diagonal(17), real {17, 2}}},
}
rows.inverse = {
  tolerance = 1e-11,
  wants = function(a)
    local n <const> = #a.shape
    return solved(a, ref.build(a.shape, function(i) return i[n - 1] == i[n] and 1 or 0 end))
  end,
  cases = {{regular {2, 2}}, {regular {2, 3, 3}}, {regular {0, 0}}, {regular {1, 1}},
    {constant({2, 2}, nil, {0, 1, 1, 0})}, {diagonal(17)}},
}
rows.cholesky = { -- its gradient is that of symmetric changes: see solve_spec.lua
  tolerance = 1e-11,
  wants = function(a)
    local l <const>, n <const> = ref.map(function() return 0 end, a), a.shape[#a.shape]
    for r = 0, #a - n * n, math.max(n * n, 1) do
      for i = 1, n do
        for j = 1, i do
          local s = a[r + (i - 1) * n + j]
          for k = 1, j - 1 do s = s - l[r + (i - 1) * n + k] * l[r + (j - 1) * n + k] end
          l[r + (i - 1) * n + j] = i == j and math.sqrt(s) or s / l[r + (j - 1) * n + j]
        end
      end
    end
    return l
  end,
  cases = {{constant({2, 2}, nil, {4, 1, 1, 3}), grad = false},
    {constant({2, 2, 2}, nil, {4, 9, 1, 3, 2, 9, -1, 5}), grad = false},
    {constant({3, 3}, nil, {4, 1, -1, 1, 5, 2, -1, 2, 6}), grad = false},
    {constant({0, 0}, nil, {}), grad = false}, {constant({1, 1}, nil, {9}), grad = false},
    {diagonal(17), grad = false}},
}
rows.eigh = {elsewhere = "spec/op/solve_spec.lua"}
for _, name in ipairs{"nonnegative_program", "simplex_program", "fair_program"} do
  rows[name] = {elsewhere = "spec/op/program_spec.lua"}
end
for _, name in ipairs{"gram", "weighted_rows"} do
  rows[name] = {elsewhere = "spec/op/rows_spec.lua"}
end

-- ---- specified elsewhere --------------------------------------------------------------

for _, name in ipairs {"uniform", "normal", "random", "bernoulli", "dropout"} do
  rows[name] = {elsewhere = "spec/op/random_spec.lua"}
end
for _, name in ipairs {"sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax"} do
  rows[name .. "_step"] = {elsewhere = "spec/optim/update_spec.lua"}
end

-- ---- what is checked of each row ------------------------------------------------------

local EXACT64 <const> = 1e-12 -- a few roundings of 2^-53 each, over short sums
local EXACT32 <const> = 4e-6  -- the same with roundings of 2^-24

local function isas()
  local found <const>, now <const> = {}, core.isa()
  for _, name in ipairs {"base", "avx2", "avx512"} do
    if core.isa(name) then found[#found + 1] = name end
  end
  core.isa(now)
  return found
end

-- Runs f on an instruction set, then sets the one before again.
local function on_isa(name, f)
  local now <const> = core.isa()
  core.isa(name)
  local ok <const>, message <const> = pcall(f)
  core.isa(now)
  if not ok then error(message, 0) end
end

local function on_threads(n, f)
  local now <const> = braid.get_threads()
  braid.set_threads(n)
  local ok <const>, result <const> = pcall(f)
  braid.set_threads(now)
  if not ok then error(result, 0) end
  return result
end

-- A gradient for y that is the same in all types, with values that are not multiples of each other.
local function gradient_of(y)
  local n <const>, values <const> = y:numel(), {}
  for i = 1, math.min(n, 64) do values[i] = (i * 37 % 64 + 1) / 64 end
  local pattern <const> = braid.tensor(values, {dtype = y.dtype})
  if n <= 64 then return pattern:reshape(y.shape) end
  local times <const> = (n + 63) // 64
  return pattern:expand(times, 64):reshape(-1):narrow(1, 1, n):reshape(y.shape)
end

-- The tensors of a case that take a gradient.
local function ask_gradients(args, which)
  local asked <const> = {}
  for i, t in ipairs(arrays.tensors(args)) do
    if arrays.is_float(t) and (not which or which[i]) then
      t:requires_grad_()
      asked[#asked + 1] = t
    end
  end
  return asked
end

-- Results and, for a differentiable row, gradients; as tensors.
local function run(row, args, which)
  local asked <const> = row.differentiable and ask_gradients(args, which) or {}
  local out <const> = table.pack(core.ops[row.name](table.unpack(args, 1, args.n)))
  if #asked > 0 and out[1].requires_grad then
    out[1]:backward {gradient = gradient_of(out[1])}
  end
  local all <const> = table.move(out, 1, out.n, 1, {})
  for _, t in ipairs(asked) do all[#all + 1] = t.grad or braid.zeros_like(t) end
  return all
end

local function compare(actual, expected, tolerance, where_)
  for i, e in ipairs(expected) do
    local text <const> = arrays.difference(arrays.array(actual[i]), arrays.array(e),
      tolerance)
    if text then error(("%s, tensor %d: %s"):format(where_, i, text), 0) end
  end
end

local function against_reference(row, case, float, tolerance, where_)
  local args <const> = arrays.arguments(case, float)
  local out <const> = table.pack(core.ops[row.name](table.unpack(args, 1, args.n)))
  local given <const> = arrays.arrays(case)
  local wants <const> = case.wants or row.wants
  local expected <const> = table.pack(wants(table.unpack(given, 1, given.n)))
  for i = 1, expected.n do
    local text <const> = arrays.difference(arrays.array(out[i]), expected[i], tolerance)
    if text then error(("%s, result %d: %s"):format(where_, i, text), 0) end
  end
end

local function case_name(i) return "case " .. i end

local checks <const> = {}

function checks.values(row)
  for i, case in ipairs(row.cases) do
    against_reference(row, case, "float64", row.exact and 0 or row.tolerance or EXACT64,
      case_name(i))
  end
end

function checks.gradients(row)
  for i, case in ipairs(row.cases) do
    if case.grad ~= false then
      local args <const> = arrays.arguments(case, "float64")
      local asked <const> = ask_gradients(args, case.differentiable)
      if #asked > 0 then
        local ok <const>, message <const> = braid.gradcheck(function()
          return core.ops[row.name](table.unpack(args, 1, args.n))
        end, asked)
        if not ok then error(case_name(i) .. ": " .. message, 0) end
      end
    end
  end
end

function checks.types(row)
  for i, case in ipairs(row.cases) do
    compare(run(row, arrays.arguments(case, "float32"), case.differentiable),
      run(row, arrays.arguments(case, "float64"), case.differentiable), EXACT32,
        case_name(i))
  end
end

function checks.layouts(row)
  for i, case in ipairs(row.cases) do
    local plain <const> = run(row, arrays.arguments(case, "float64"), case.differentiable)
    for _, name in ipairs(arrays.layout_names) do
      local laid <const> = arrays.arguments(case, "float64", arrays.layouts[name])
      compare(run(row, laid, case.differentiable), plain, EXACT64,
        case_name(i) .. " " .. name)
    end
  end
end

function checks.sizes(row)
  for _, isa in ipairs(isas()) do
    on_isa(isa, function()
      for n = 1, 65 do
        local case <const> = row.sized(n)
        local where_ <const> = ("size %d on %s"):format(n, isa)
        against_reference(row, case, "float64", row.exact and 0 or row.tolerance or 1e-11,
          where_)
        against_reference(row, case, "float32", row.exact and 0 or 2e-5, where_)
      end
    end)
  end
end

function checks.isas(row)
  for i, case in ipairs(row.cases) do
    for _, float in ipairs {"float32", "float64"} do
      local function results()
        return run(row, arrays.arguments(case, float), case.differentiable)
      end
      local base
      on_isa("base", function() base = results() end)
      for _, isa in ipairs(isas()) do
        on_isa(isa, function()
          compare(results(), base, float == "float32" and EXACT32 or EXACT64,
            case_name(i) .. " on " .. isa)
        end)
      end
    end
  end
end

function checks.threads(row)
  for i, make in ipairs(row.larges or {row.large}) do
    braid.manual_seed(i)
    local args <const> = make()
    local function bytes()
      local fresh <const> = {}
      for k, v in pairs(args) do
        fresh[k] = braid.is_tensor(v) and v:detach() or v
      end
      local list_ <const> = {}
      for k, t in ipairs(run(row, fresh)) do list_[k] = core.bytes(t) end
      return table.concat(list_)
    end
    local one <const> = on_threads(1, bytes)
    for n = 2, 3 do
      if on_threads(n, bytes) ~= one then
        error(("%d threads give other bits than one (large %d)"):format(n, i), 0)
      end
    end
  end
end

-- The first argument and the result have one shape and type.
local function fits_in_place(args, y)
  local x <const> = args[1]
  return braid.is_tensor(x) and x.dtype == y.dtype and
    table.concat(x.shape, ",") == table.concat(y.shape, ",")
end

function checks.in_place(row)
  for i, case in ipairs(row.cases) do
    local apart_ <const> = arrays.arguments(case, "float64")
    local inside <const> = arrays.arguments(case, "float64")
    local y <const> = core.ops[row.name](table.unpack(apart_, 1, apart_.n))
    if fits_in_place(inside, y) then
      local z <const> = core.ops[row.name .. "_"](table.unpack(inside, 1, inside.n))
      assert.is_true(rawequal(z, inside[1]))
      compare({inside[1]}, {y}, 0, case_name(i))
    end
  end
end

-- The gradients where an operator works in place on the result of another operator.
function checks.in_place_gradients(row)
  for i, case in ipairs(row.cases) do
    local plain <const> = arrays.arguments(case, "float64")
    if braid.is_tensor(plain[1]) and arrays.is_float(plain[1]) then
      local expected <const> = run(row, plain)
      local args <const> = arrays.arguments(case, "float64")
      if fits_in_place(args, expected[1]) then
        local asked <const> = ask_gradients(args)
        args[1] = args[1] * 1
        local y <const> = core.ops[row.name .. "_"](table.unpack(args, 1, args.n))
        if y.requires_grad then y:backward {gradient = gradient_of(y)} end
        local all <const> = {y}
        for _, t in ipairs(asked) do all[#all + 1] = t.grad or braid.zeros_like(t) end
        compare(all, expected, EXACT64, case_name(i))
      end
    end
  end
end

function checks.specials(row)
  local undefined <const> = UNDEFINED[row.name]
  for k, x in ipairs(SPECIALS) do
    if undefined ~= true and not (undefined and undefined[k]) then
      local e <const> = row.scalar(x)
      for _, float in ipairs {"float32", "float64"} do
        local list_ <const> = core.ops[row.name](braid.full({17}, x,
          {dtype = float})):totable()
        for _, v in ipairs(list_) do
          local want <const> = float == "float32" and math.type(e) == "float"
            and string.unpack("f", string.pack("f", e)) or e
          local text <const> = arrays.difference({shape = {}, v}, {shape = {}, want},
            float == "float32" and EXACT32 or EXACT64)
          if text then error(("%s(%g) in %s: %s"):format(row.name, x, float, text), 0) end
        end
      end
    end
  end
end

-- ---- the loop -------------------------------------------------------------------------

describe("operator", function()
  it("rows of the core all have a row in this spec", function()
    local missing <const> = {}
    for _, row in ipairs(core.rows) do
      if not rows[row.name] then missing[#missing + 1] = row.name end
    end
    assert.equal("", table.concat(missing, " "))
  end)

  it("rows of this spec all have a row in the core", function()
    local known <const>, unknown <const> = {}, {}
    for _, row in ipairs(core.rows) do known[row.name] = true end
    for name in pairs(rows) do
      if not known[name] then unknown[#unknown + 1] = name end
    end
    assert.equal("", table.concat(unknown, " "))
  end)

  it("rows of the core all have a line of documentation", function()
    for _, row in ipairs(core.rows) do assert.is_true(#row.doc > 0, row.name) end
  end)

  for _, known in ipairs(core.rows) do
    local row <const> = rows[known.name] or {elsewhere = "nowhere"}
    row.name, row.differentiable = known.name, known.differentiable
    if not row.elsewhere then
      describe(known.name, function()
        it("gives the values of the reference", function() checks.values(row) end)
        it("gives the same for float32 as for float64", function() checks.types(row) end)
        it("gives the same on every instruction set", function() checks.isas(row) end)
        if not row.as_it_lies then
          it("gives the same in any memory layout of its inputs",
            function() checks.layouts(row) end)
        end
        if known.differentiable then
          it("has the gradient that differences give",
            function() checks.gradients(row) end)
        end
        if row.sized then
          it("is right for the sizes 1 to 65 on every instruction set", function()
            checks.sizes(row)
          end)
        end
        if row.large or row.larges then
          it("gives the same bits on 1, 2 and 3 threads",
            function() checks.threads(row) end)
        end
        if known.in_place then
          it("gives the same in place", function() checks.in_place(row) end)
        end
        if known.in_place and known.differentiable then
          it("has the same gradient in place",
            function() checks.in_place_gradients(row) end)
        end
        if row.scalar then
          it("maps zeros, infinities and NaN as the reference does", function()
            checks.specials(row)
          end)
        end
      end)
    end
  end
end)

describe("a mistake that was mended:", function()
  it("a dilated pooling window that misses the image gives -inf and no gradient", function()
    local x <const> = braid.ones(1, 1, 2, 2):requires_grad_()
    local y <const> = x:max_pool2d(2, {dilation = 3, padding = 1})
    assert.equal(-math.huge, y:item())
    y:backward()
    assert.equal(0, x.grad:abs():sum():item())
  end)

  it("an empty tensor can be reshaped in any memory layout", function()
    assert.same({3, 0}, braid.zeros(3, 0):t():reshape(3, 0).shape)
    assert.same({0}, braid.zeros(2, 0, 3):permute(3, 1, 2):reshape(-1, 2):sum(2).shape)
  end)

  it("count_include_pad can be given by name", function()
    local x <const> = braid.ones(1, 1, 2, 2)
    local y <const> = x:avg_pool2d(2, {padding = 1, count_include_pad = false})
    assert.same({{{{1, 1}, {1, 1}}}}, y:totable())
  end)
end)

return rows
