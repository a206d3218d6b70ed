--- Sizes that make no sense give an answer or an error at once, with little memory. The message
-- names the function, the option and its value. And operators take little memory besides their
-- results.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local F <const>, T <const> = braid.F, braid.tensor

local HUGE <const> = 1 << 62

describe("a hostile value", function()
  it("for any argument of any function gives a result or an error at once #slow", function()
    if shell.sanitized then return end -- sanitizers need more address space than the limit
    local paths <const> = ("LUA_PATH=%s LUA_CPATH=%s"):format(
      shell.quote(shell.root .. "/lua/?.lua;" .. shell.root .. "/lua/?/init.lua;;"),
      shell.quote(shell.root .. "/" .. shell.build .. "/lib/?.so;;"))
    local result <const> = shell.run(("ulimit -v 1500000; %s OMP_NUM_THREADS=1 timeout 300 %s %s")
      :format(paths, shell.lua, "spec/support/hostile.lua"))
    assert.equal("", result.err)
    assert.matches("^%d%d%d%d%d calls, %d%d%d%d gradients, 0 problems\n$", result.out)
  end)
end)

describe("a size that makes no sense", function()
  local x <const>, w <const> = braid.ones(1, 3, 4, 4), braid.ones(2, 3, 3, 3)

  local CASES <const> = {
    {"avg_pool2d: kernel must be from 1 to 2147483647, not (2305843009213693952, 1)",
      function() F.avg_pool2d(x, {kernel = {1 << 61, 1}, padding = {1 << 60, 0}}) end},
    {"max_pool2d: kernel must be from 1 to 2147483647, not 2305843009213693952",
      function() F.max_pool2d(x, {kernel = {1 << 61, 1 << 61}, padding = 1 << 60}) end},
    {"max_pool2d: dilation must be from 1 to 2147483647, not " .. HUGE,
      function() F.max_pool2d(x, {kernel = 3, dilation = HUGE}) end},
    {"avg_pool2d: stride must be from 1 to 2147483647, not 9223372036854775807",
      function() F.avg_pool2d(x, {kernel = 2, stride = math.maxinteger, ceil_mode = true}) end},
    {"avg_pool2d: padding must be from 0 to half the kernel 3, not (2, 1)",
      function() F.avg_pool2d(x, 3, {padding = {2, 1}}) end},
    {"local_response_norm: size must be a whole number from 1 to 2147483647, not " .. HUGE,
      function() F.local_response_norm(x, HUGE) end},
    {"conv2d: dilation must be from 1 to 2147483647, not " .. HUGE,
      function() F.conv2d(x, w, nil, {dilation = HUGE}) end},
    {"conv2d: padding must be from 0 to 2147483647, not " .. HUGE,
      function() F.conv2d(x, w, nil, {padding = HUGE}) end},
    {"conv2d: (1, 2, 4294967296, 4294967296) is not a possible shape: a size is negative, or the "
      .. "product is too large", function() F.conv2d(x, w, nil, {padding = (1 << 31) - 1}) end},
    {"conv_transpose2d: stride must be from 1 to 2147483647, not " .. HUGE,
      function() F.conv_transpose2d(x, braid.ones(3, 2, 3, 3), nil, {stride = HUGE}) end},
    {"repeat_: times 9223372036854775807 is too large for (2)",
      function() braid.ones(2):repeat_(math.maxinteger) end},
    {"repeat_: 9 numbers are more than the 8 dimensions of a tensor",
      function() braid.ones(2):repeat_(1, 1, 1, 1, 1, 1, 1, 1, 1) end},
    {"unfold: the shape (576460752303423489, 576460752303423488) is too large", function()
      braid.ones(1):expand((1 << 60) - 1 - (1 << 59)):unfold(1, 1 << 58, 1)
    end, "unfold: the shape"},
    {"split: 4294967296 pieces are more than the 100000 that a call may return",
      function() braid.ones(1):expand(1 << 32):split(1) end},
    {"arange: from -9223372036854775808 to 9223372036854775807 by 1: more values than can be "
      .. "counted", function() braid.arange(math.mininteger, math.maxinteger) end},
    {"arange: from 0 to inf by 1: these must be finite", function() braid.arange(0, 1 / 0) end},
    {"arange: from 0 to nan by 1: these must be finite", function() braid.arange(0, 0 / 0) end},
    {"arange: from 0 to 1e+300 by 1: more values than can be counted",
      function() braid.arange(0, 1e300) end},
    {"arange: from 0 to 1 by 1e-300: more values than can be counted",
      function() braid.arange(0, 1, 1e-300) end},
    {"totable: tables for the shape (1099511627776, 0) do not fit into memory",
      function() braid.zeros(1 << 40, 0):totable() end},
    {"grad: the tensor has shape (2), so {gradient = ...} must be given; only a tensor of one "
      .. "element needs none", function()
      local v <const> = braid.ones(2):requires_grad_()
      braid.grad(v * 2, {v})
    end},
    {"tensor: more than 8 levels of tables", function()
      local t <const> = {}
      t[1] = t
      braid.tensor(t)
    end},
    {"arange: 300 lies outside the range of uint8, 0 to 255",
      function() braid.arange(1, 300, {dtype = "uint8"}) end},
    {"linspace: (" .. HUGE .. ") is not a possible shape: a size is negative, or the product "
      .. "is too large", function() braid.linspace(0, 1, HUGE) end},
    {"one_hot: (2, " .. HUGE .. ") is not a possible shape: a size is negative, or the product "
      .. "is too large", function() T({1, 2}, {dtype = "int64"}):one_hot(HUGE) end},
    {"interpolate: size must be from 1 to 2147483647, not 2147483648",
      function() F.interpolate(x, {size = 1 << 31}) end},
    {"zeros: size 2 must be a whole number from 0, not nil",
      function() braid.zeros(2, nil, 3) end},
    {"zeros: sizes come first, options such as dtype after them",
      function() braid.zeros {dtype = "int64"} end},
    {"bilinear: a (2, 3, 1) and b (3, 2, 1) must have the same shape but for the last dimension",
      function() F.bilinear(braid.ones(2, 3, 1), braid.ones(3, 2, 1), braid.ones(1, 1, 1)) end},
    {"mse: input must be a tensor, not {1}", function() F.mse({1}, {1}) end},
    {"add: y must be a tensor or a number, not table", function() return x + {1} end},
    {"layer_norm: x must be float32 or float64, not int64",
      function() F.layer_norm(T({1, 2}, {dtype = "int64"}), 2) end},
    {"embedding: there is no index 9 in dimension 1 of (3, 2)",
      function() F.embedding(T({9}, {dtype = "int64"}), braid.ones(3, 2)) end},
    {"lp_pool2d: the window spans 9 pixels, more than the 4 of the input (1, 3, 4, 4)",
      function() F.lp_pool2d(x, 2, 9) end},
    {"rand: x must be float32 or float64, not int64",
      function() braid.rand(2, {dtype = "int64"}) end},
    {"tile: times must not be negative, not -1", function() braid.ones(2):tile(-1) end},
  }

  for _, case in ipairs(CASES) do
    it("is refused: " .. case[1], function()
      if case[3] then
        assert.error_matches(case[2], "^" .. case[3])
      else
        assert.has_error(case[2], case[1])
      end
    end)
  end

  it("that memory cannot hold is refused with its number of bytes", function()
    assert.has_error(function() braid.zeros(1 << 50) end,
      "zeros: out of memory: 4503599627370496 bytes cannot be allocated")
  end)
end)

describe("a large size that makes sense", function()
  local x <const> = braid.arange(1, 16):reshape(1, 1, 4, 4):to("float32")

  it("as a kernel, padding, stride or dilation gives the right values", function()
    local most <const> = (1 << 31) - 1
    assert.same({8.5}, F.avg_pool2d(x, {kernel = 8, padding = 4, count_include_pad = false,
      stride = most}):reshape(-1):totable(), 0)
    assert.same({16}, F.max_pool2d(x, {kernel = most, padding = most // 2 - 1, stride = most})
      :reshape(-1):totable())
    assert.same({1}, F.max_pool2d(x, {kernel = 1, stride = most}):reshape(-1):totable())
    assert.same({0, 0, 0, 0, 54, 0, 0, 0, 0}, F.conv2d(x, braid.ones(1, 1, 3, 3), nil,
      {padding = most, stride = most}):reshape(-1):totable())
    assert.equal(136, F.conv2d(x, braid.ones(1, 1, 3, 3), nil,
      {padding = "same", dilation = most}):sum():item())
    assert.equal(9, F.conv_transpose2d(braid.ones(1, 1, 1, 1), braid.ones(1, 1, 3, 3), nil,
      {stride = most}):sum():item())
    assert.same({{{1}}, {{3}}}, braid.arange(1, 4):reshape(2, 2):unfold(2, 1, math.maxinteger)
      :totable())
    assert.same({1}, braid.arange(1, 4)[{{1, 4, math.maxinteger}}]:totable())
  end)

  it("of an expanded tensor is reduced without a copy", function()
    local one <const> = braid.ones(1)
    core.reset_peak()
    local live <const> = braid.memory().live
    assert.equal(3000000000, one:expand(3000000000):sum():item())
    assert.equal(1 << 40, one:expand(1 << 40):count_nonzero():item())
    assert.equal(1, one:expand(1 << 40):mean():item())
    assert.is_true(one:expand(1 << 40):any():item())
    local column <const> = braid.arange(1, 3):reshape(3, 1):expand(3, 1 << 40)
    assert.same({1 << 40, 2 << 40, 3 << 40}, column:sum(2):totable())
    assert.is_true(braid.memory().peak - live < 1e5)
    local rows <const> = braid.arange(1, 3):reshape(3, 1):expand(3, 2)
    assert.same({6, 6}, rows:sum(1):totable())
    assert.same({{6, 6}}, rows:sum(1, true):totable())
  end)

  it("is printed with only its edges", function()
    local from <const> = os.clock()
    assert.equal("tensor {2147483648} float32\n[1., 1., 1., ..., 1., 1., 1.]",
      tostring(braid.ones(1):expand(1 << 31)))
    local many <const> = tostring(braid.ones(1):expand(9, 9, 9, 9, 9, 9, 9, 9))
    assert.equal(256, select(2, many:gsub("1%.", "1.")))
    assert.is_true(os.clock() - from < 0.5)
  end)

  it("beside a size of 0 takes no time", function()
    local from <const> = os.clock()
    local none_at_all <const> = F.adaptive_avg_pool2d(braid.zeros(1, 0, 4, 4), 1 << 28)
    assert.same({1, 0, 1 << 28, 1 << 28}, none_at_all.shape)
    local none <const> = braid.zeros(1, 0, 4, 4):requires_grad_()
    F.max_pool2d(none, 2):sum():backward()
    assert.same({1, 0, 4, 4}, none.grad.shape)
    local weight <const> = braid.ones(2, 3):requires_grad_()
    F.linear(braid.zeros(0, 3), weight):sum():backward()
    assert.same({{0, 0, 0}, {0, 0, 0}}, weight.grad:totable())
    assert.is_true(os.clock() - from < 0.5)
  end)
end)

describe("a series", function()
  it("of arange or linspace is exact, also at both ends", function()
    assert.same({math.maxinteger - 1, math.maxinteger},
      braid.arange(math.maxinteger - 1, math.maxinteger):totable())
    assert.same({math.mininteger, -1, math.maxinteger - 1},
      braid.arange(math.mininteger, math.maxinteger, math.maxinteger):totable())
    assert.same({math.maxinteger, 0},
      braid.arange(math.maxinteger, 0, math.mininteger + 1):totable())
    assert.same({0}, braid.arange(1, 0).shape)
    assert.same({3, 2, 1}, braid.arange(3, 1, -1):totable())
    for _, n in ipairs{2, 3, 7, 10, 1001} do
      local t <const> = braid.linspace(0.1, 0.7, n, {dtype = "float64"})
      assert.equal(0.1, t[1]:item())
      assert.equal(0.7, t[n]:item())
    end
    assert.same({-1.7e308, 0, 1.7e308}, braid.linspace(-1.7e308, 1.7e308, 3, {dtype = "float64"})
      :totable())
  end)
end)

describe("a selection by a mask without dimensions", function()
  it("adds a dimension", function()
    assert.same({1, 2, 3}, braid.ones(2, 3)[T(true)].shape)
    assert.same({0, 2, 3}, braid.ones(2, 3)[T(false)].shape)
    assert.same({2, 1, 3}, braid.ones(2, 3)[{{}, T(true)}].shape)
    local x <const> = braid.ones(2, 3)
    x[T(false)] = 7
    assert.equal(6, x:sum():item())
    x[T(true)] = 7
    assert.equal(42, x:sum():item())
  end)
end)

describe("squeeze", function()
  it("with an empty list of dimensions changes nothing", function()
    assert.same({1, 2, 1}, braid.ones(1, 2, 1):squeeze({}).shape)
    assert.same({2}, braid.ones(1, 2, 1):squeeze().shape)
  end)
end)

-- ---- memory -----------------------------------------------------------------------------

-- Inputs of about 8 MB. Besides them, only little more memory than the result's is allowed.
describe("no memory beyond the result is taken by", function()
  local N <const>, LITTLE <const> = 2000000, 600000
  local BYTES <const> = {float32 = 4, float64 = 8, int64 = 8, int32 = 4, uint8 = 1, bool = 1}

  local function float() return braid.ones(N) end
  local function rows() return braid.ones(2000, 1000) end
  local function images() return braid.ones(2, 8, 350, 350):avg_pool2d(1) end -- channels last
  local function mask() return braid.ones(N, {dtype = "bool"}) end

  local ROWS <const> = {
    flip = {rows, function(x) return x:flip {1, 2} end},
    roll = {rows, function(x) return x:roll({3, 4}, {1, 2}) end},
    ["roll, flat"] = {rows, function(x) return x:roll(3) end},
    repeat_ = {rows, function(x) return x:repeat_(2, 2) end},
    ["repeat_ of columns"] = {rows, function(x) return x:reshape(-1, 2):repeat_(1, 2) end},
    tile = {rows, function(x) return x:tile(2) end},
    pad = {rows, function(x) return x:pad {3, 4} end},
    ["pad, reflecting"] = {rows, function(x) return x:pad({3, 4}, "reflect") end},
    ["flip of bytes"] = {function() return braid.ones(N, {dtype = "uint8"}) end,
      function(x) return x:flip(1) end},
    cat = {float, function(x) return braid.cat {x, x} end},
    stack = {float, function(x) return braid.stack {x, x} end},
    clone = {float, function(x) return x:clone() end},
    contiguous = {rows, function(x) return x:t():contiguous() end},
    to = {float, function(x) return x:to "float64" end},
    add = {float, function(x) return x + x end},
    ["add in place"] = {float, function(x) return x:add_(1) end},
    ["add of a row"] = {rows, function(x) return x + x[1] end},
    lerp = {float, function(x) return x:lerp(x, 0.5) end},
    clamp = {float, function(x) return x:clamp(0, 1) end},
    lt = {float, function(x) return x:lt(1) end},
    exp = {float, function(x) return x:exp() end},
    masked_fill = {float, function(x, m) return x:masked_fill(m, 1) end, mask},
    where = {float, function(x, m) return braid.where(m, x, x) end, mask},
    gelu = {float, function(x) return x:gelu() end},
    index_select = {rows, function(x) return x:index_select(1, braid.arange(1, 1000)) end},
    ["index_select of another order"] = {rows,
      function(x) return x:t():index_select(1, braid.arange(1, 10)) end},
    ["index_select of elements"] = {float, function(x, index) return x:index_select(1, index) end,
      function() return braid.arange(N) end},
    masked_select = {float, function(x, m) return x:masked_select(m) end, mask},
    gather = {rows, function(x, index) return x:gather(2, index) end,
      function() return braid.arange(1000):reshape(1, 1000):expand(2000, 1000):clone() end},
    scatter = {rows, function(x, index) return x:scatter(2, index, 0) end,
      function() return braid.arange(1000):reshape(1, 1000):expand(2000, 1000):clone() end},
    scatter_add = {rows, function(x, index) return x:scatter_add(1, index, x) end,
      function() return braid.arange(2000):reshape(2000, 1):expand(2000, 1000):clone() end},
    narrow = {rows, function(x) return x:narrow(1, 2, 5) end},
    split = {rows, function(x) return (x:split(10)) end},
    sum = {float, function(x) return x:sum() end},
    ["sum of rows"] = {rows, function(x) return x:sum(2) end},
    mean = {float, function(x) return x:mean() end},
    ["sum of an expansion"] = {float, function(x) return x:reshape(-1, 1):expand(-1, 4):sum() end},
    max = {float, function(x) return x:max() end},
    cumsum = {rows, function(x) return x:cumsum(2) end},
    ["cumsum of columns"] = {rows, function(x) return x:cumsum(1) end},
    median = {float, function(x) return x:median() end},
    ["median of rows"] = {rows, function(x) return (x:median(2)) end, indices = true},
    ["sort of rows"] = {rows, function(x) return (x:sort(2)) end, indices = true},
    topk = {float, function(x) return (x:topk(10)) end, indices = true},
    argmax = {rows, function(x) return x:argmax(2) end},
    dropout = {float, function(x) return x:dropout(0.5) end},
    max_pool2d = {images, function(x) return x:max_pool2d(2) end},
    avg_pool2d = {images, function(x) return x:avg_pool2d(3, 1, 1) end},
    adaptive_avg_pool2d = {images, function(x) return x:adaptive_avg_pool2d(7) end},
    ["adaptive_avg_pool2d of one channel"] = {function() return braid.ones(1, 1, 1400, 1400) end,
      function(x) return x:adaptive_avg_pool2d(1) end},
    ["adaptive_max_pool2d of one channel"] = {function() return braid.ones(1, 1, 1400, 1400) end,
      function(x) return x:adaptive_max_pool2d(1) end},
    interpolate = {images, function(x) return x:interpolate {scale_factor = 2} end},
    ["interpolate, bilinear"] = {images,
      function(x) return x:interpolate {size = 500, mode = "bilinear"} end},
    ["grid_sample"] = {images, function(x, grid) return x:grid_sample(grid) end,
      function() return braid.zeros(2, 350, 350, 2) end},
    affine_grid = {function() return braid.ones(2, 2, 3) end,
      function(x) return F.affine_grid(x, {2, 3, 700, 700}) end},
    unfold = {float, function(x) return x:unfold(1, 10, 2) end},
    arange = {function() return braid.ones(1) end, function() return braid.arange(N) end},
    linspace = {function() return braid.ones(1) end, function() return braid.linspace(0, 1, N) end},
    eye = {function() return braid.ones(1) end, function() return braid.eye(1500) end},
    one_hot = {function() return braid.ones(2000, {dtype = "int64"}) end,
      function(x) return x:one_hot(1000) end},
  }

  -- Threads' scratch memory keeps its largest size, and counts while it is in use.
  local function scratch_held()
    local small <const> = braid.ones(1, 1, 2, 2):avg_pool2d(1)
    core.reset_peak()
    local live <const> = braid.memory().live
    small:avg_pool2d(1)
    return braid.memory().peak - live
  end

  local names <const> = {}
  for name in pairs(ROWS) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    it(name, function()
      local row <const>, scratch <const> = ROWS[name], scratch_held()
      local x <const>, other <const> = row[1](), row[3] and row[3]()
      collectgarbage()
      collectgarbage()
      core.reset_peak()
      local live <const>, kept <const> = braid.memory().live, collectgarbage "count"
      local y <const> = row[2](x, other)
      local peak <const> = braid.memory().peak - live - scratch
        + (collectgarbage "count" - kept) * 1024
      local each <const> = BYTES[y.dtype] + (row.indices and BYTES.int64 or 0)
      local own <const> = core.shares_memory(x, y) and 0 or y:numel() * each
      assert.is_true(peak <= own + LITTLE, ("%.1f MB beside a result of %.1f MB"):format(
        (peak - own) / 1e6, own / 1e6))
    end)
  end
end)
