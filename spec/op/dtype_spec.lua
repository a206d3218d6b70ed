--- Element types: which one a result has, and what integers and NaN do.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local TYPES <const> = {"bool", "uint8", "int32", "int64", "float32", "float64"}
local RANK <const> = {bool = 0, uint8 = 1, int32 = 2, int64 = 3, float32 = 4, float64 = 5}
local KIND <const> = {bool = 0, uint8 = 1, int32 = 1, int64 = 1, float32 = 2, float64 = 2}

local function join(a, b) return RANK[a] >= RANK[b] and a or b end

-- A lower operand (a 0-dim tensor, a number) counts only if its kind is higher.
local function over(a, b) return KIND[b] > KIND[a] and b or a end

local function of(dtype, shape)
  return braid.ones(shape, {dtype = dtype})
end

describe("the type of a result", function()
  it("is the larger of two, for every pair of types", function()
    for _, a in ipairs(TYPES) do
      for _, b in ipairs(TYPES) do
        assert.equal(join(a, b), (of(a, {2}) + of(b, {2})).dtype, a .. " + " .. b)
        assert.equal(join(a, b), (of(a, {}) * of(b, {})).dtype,
          a .. " * " .. b .. ", both 0-dim")
      end
    end
  end)

  it("is that of the tensor with dimensions, unless a 0-dim tensor is of a higher kind", function()
    for _, a in ipairs(TYPES) do
      for _, b in ipairs(TYPES) do
        assert.equal(over(a, b), (of(a, {2}) + of(b, {})).dtype, a .. " + 0-dim " .. b)
        assert.equal(over(a, b), (of(b, {}) + of(a, {2})).dtype,
          "0-dim " .. b .. " + " .. a)
      end
    end
  end)

  it("with a number is that of the tensor, unless the number is of a higher kind", function()
    local with_integer <const> = {bool = "int64", uint8 = "uint8", int32 = "int32",
      int64 = "int64",
      float32 = "float32", float64 = "float64"}
    local with_float <const> = {bool = "float32", uint8 = "float32", int32 = "float32",
      int64 = "float32", float32 = "float32", float64 = "float64"}
    for _, a in ipairs(TYPES) do
      for _, shape in ipairs {{2}, {}} do
        assert.equal(with_integer[a], (of(a, shape) + 2).dtype)
        assert.equal(with_integer[a], (2 * of(a, shape)).dtype)
        assert.equal(with_float[a], (of(a, shape) + 0.5).dtype)
        assert.equal(a, (of(a, shape) + true).dtype)
      end
    end
  end)

  it("of a division is a float", function()
    for _, a in ipairs(TYPES) do
      for _, b in ipairs(TYPES) do
        local float <const> = KIND[join(a, b)] == 2 and join(a, b) or "float32"
        assert.equal(float, (of(a, {2}) / of(b, {2})).dtype)
      end
    end
    assert.same({0.5, 1.5}, (braid.tensor({1, 3}, {dtype = "int64"}) / 2):totable())
  end)

  it("of exp, sqrt, sigmoid, tanh and sin is float32 for integers", function()
    for _, name in ipairs {"exp", "sqrt", "sigmoid", "tanh", "sin"} do
      for _, a in ipairs(TYPES) do
        assert.equal(KIND[a] == 2 and a or "float32", core.ops[name](of(a, {2})).dtype,
          name)
      end
    end
  end)

  it("of relu is that of its input", function()
    for _, a in ipairs {"uint8", "int32", "int64", "float32", "float64"} do
      assert.equal(a, of(a, {2}):relu().dtype)
    end
    assert.same({0, 0, 2}, braid.tensor({-3, 0, 2}, {dtype = "int32"}):relu():totable())
  end)

  it("of clamp is float32 for integers and a fractional limit", function()
    local x <const> = braid.tensor({-3, 0, 2}, {dtype = "int32"})
    assert.equal("int32", x:clamp(-1, 1).dtype)
    assert.same({-0.5, 0, 2}, x:clamp {min = -0.5}:totable())
    assert.has_error(function() x:clamp_ {min = -0.5} end,
      "clamp_: the result is float32 and cannot be written into int32")
  end)

  it("of any and all is uint8 for uint8, else bool", function()
    for _, a in ipairs(TYPES) do
      local wants <const> = a == "uint8" and a or "bool"
      assert.equal(wants, of(a, {2}):any().dtype)
      assert.equal(wants, of(a, {2, 2}):all(1).dtype)
    end
    assert.same({1, 0}, braid.tensor({{2, 0}, {3, 0}}, {dtype = "uint8"}):any(1):totable())
  end)

  it("does not exist for integers in functions that take only floats", function()
    for _, name in ipairs {"leaky_relu", "elu", "gelu", "silu", "softplus", "hardswish"} do
      assert.has_error(function() core.ops[name](of("int64", {2})) end,
        name .. ": x must be float32 or float64, not int64")
    end
    assert.has_error(function() return of("int64", {2}) ^ -2 end,
      "pow: integers have no negative powers; convert x to a float type")
  end)

  it("of a comparison is bool", function()
    assert.equal("bool", of("int32", {2}):lt(1.5).dtype)
    assert.same({true, false}, braid.tensor({1, 2}, {dtype = "int32"}):lt(1.5):totable())
  end)

  it("of a sum or product of integers is int64", function()
    for _, a in ipairs {"bool", "uint8", "int32", "int64"} do
      assert.equal("int64", of(a, {300}):sum().dtype)
      assert.equal(300, of(a, {300}):sum():item())
      assert.equal("int64", of(a, {3}):prod().dtype)
    end
    assert.equal(300 * 255, braid.full({300}, 255, {dtype = "uint8"}):sum():item())
  end)

  it("in place is that of x, and a result that x cannot hold is an error", function()
    local x <const> = braid.tensor({1, 2}, {dtype = "int32"})
    x:add_(braid.tensor({1, 1}, {dtype = "int64"}))
    assert.equal("int32", x.dtype)
    assert.same({2, 3}, x:totable())
    assert.has_error(function() x:add_(0.5) end,
      "add_: the result is float32 and cannot be written into int32")
    assert.has_error(function() x:div_(2) end,
      "div_: the result is float32 and cannot be written into int32")
    assert.has_error(function() of("bool", {2}):add_(1) end,
      "add_: the result is int64 and cannot be written into bool")
    local y <const> = braid.ones(2)
    y:add_(of("float64", {2}))
    assert.equal("float32", y.dtype)
  end)

  it("of cat and stack is the largest type of their inputs", function()
    assert.equal("float32", braid.cat({of("int64", {1}), of("float32", {1})}).dtype)
    assert.equal("int64", braid.stack({of("int64", {}), of("bool", {})}).dtype)
  end)

  it("of a gradient is that of its tensor", function()
    local x <const> = braid.ones(2):requires_grad_()
    local y <const> = (x * of("float64", {2})):sum()
    assert.equal("float64", y.dtype)
    y:backward()
    assert.equal("float32", x.grad.dtype)
  end)
end)

describe("integers", function()
  local WIDTH <const> = {uint8 = 8, int32 = 32, int64 = 64}
  local VALUES <const> = {0, 1, 2, 3, 7, 100, 127, 128, 200, 255, -1, -2, -7, -128, 65536,
    2147483647, -2147483648, math.maxinteger, math.mininteger}

  -- v as the type holds it.
  local function wrapped(v, dtype)
    if dtype == "int64" then return v end
    v = v & ((1 << WIDTH[dtype]) - 1)
    if dtype == "int32" and v >= 1 << 31 then v = v - (1 << 32) end
    return v
  end

  -- All pairs of values that the type holds, as two tensors and two lists. A second value must pass
  -- `fits`.
  local function pairs_of(dtype, fits)
    local a <const>, b <const> = {}, {}
    for _, x in ipairs(VALUES) do
      for _, y in ipairs(VALUES) do
        if wrapped(x, dtype) == x and wrapped(y, dtype) == y and (not fits or fits(y)) then
          a[#a + 1], b[#b + 1] = x, y
        end
      end
    end
    return braid.tensor(a, {dtype = dtype}), braid.tensor(b, {dtype = dtype}), a, b
  end

  -- Compares operator `name` with f, for all pairs of values whose second passes `fits`.
  local function check(name, f, fits)
    for _, dtype in ipairs {"uint8", "int32", "int64"} do
      local ta <const>, tb <const>, a <const>, b <const> = pairs_of(dtype, fits)
      local out <const> = core.ops[name](ta, tb):totable()
      for i = 1, #a do
        local e <const> = f(a[i], b[i])
        if e ~= nil then
          assert.equal(wrapped(e, dtype), out[i],
            ("%s(%d, %d) of %s"):format(name, a[i], b[i], dtype))
        end
      end
    end
  end

  it("wrap around in + - and *", function()
    check("add", function(x, y) return x + y end)
    check("sub", function(x, y) return x - y end)
    check("mul", function(x, y) return x * y end)
  end)

  local function not_zero(y) return y ~= 0 end

  it("divide towards minus infinity", function()
    check("floordiv", function(x, y) return x // y end, not_zero)
  end)

  it("leave a remainder with the sign of the divisor", function()
    check("mod", function(x, y) return x % y end, not_zero)
  end)

  it("raise an error when they are divided by 0, as in Lua", function()
    for _, dtype in ipairs {"uint8", "int32", "int64"} do
      local x <const> = braid.tensor({{1, 2}, {3, 4}}, {dtype = dtype})
      local row <const> = braid.tensor({1, 0}, {dtype = dtype})
      local column <const> = braid.tensor({{0}, {1}}, {dtype = "uint8"})
      for _, zero in ipairs {0, row, column} do
        assert.error_matches(function() return x // zero end, "floordiv: .* is divided by 0")
        assert.error_matches(function() return x % zero end, "mod: .* is divided by 0")
      end
      assert.same({}, (braid.zeros(0, {dtype = dtype}) // 0):totable())
    end
    assert.equal(math.huge, (braid.tensor {5} // 0):item())
  end)

  it("have powers that wrap around as repeated products do", function()
    check("pow", function(x, y)
      if y > 8 then return nil end
      local p = 1
      for _ = 1, y do p = p * x end
      return p
    end, function(y) return y >= 0 end)
    local x <const> = braid.tensor({2, 1, -1}, {dtype = "int64"})
    local e <const> = braid.tensor({1, 5, -3}, {dtype = "int64"})
    assert.error_matches(function() return x ^ e end, "integers have no negative powers")
  end)

  it("compare exactly, beyond what a double holds", function()
    check("maximum", math.max)
    check("minimum", math.min)
    local x <const> = braid.tensor({math.maxinteger, math.maxinteger - 1},
      {dtype = "int64"})
    assert.same({false, true}, x:lt(math.maxinteger):totable())
    assert.equal(1, x:argmax():item())
    assert.equal(math.maxinteger, x:max():item())
  end)

  it("are written exactly, beyond what a double holds", function()
    local x <const> = braid.zeros(2, {dtype = "int64"})
    x[1] = math.maxinteger
    x[{{2, 2}}] = 9007199254740993
    assert.same({math.maxinteger, 9007199254740993}, x:totable())
  end)

  it("have neg, abs and sign that wrap around at the limits of the type", function()
    local x <const> = braid.tensor({-3, 0, 5, math.mininteger}, {dtype = "int64"})
    assert.same({3, 0, -5, math.mininteger}, (-x):totable())
    assert.same({3, 0, 5, math.mininteger}, x:abs():totable())
    assert.same({-1, 0, 1, -1}, x:sign():totable())
    assert.same({255, 0}, braid.tensor({1, 0}, {dtype = "uint8"}):neg():totable())
  end)

  it("stay integers in clamp with integer limits", function()
    local x <const> = braid.tensor({-3, 0, 5}, {dtype = "int64"})
    assert.same({-1, 0, 2}, x:clamp(-1, 2):totable())
    assert.equal("int64", x:clamp(-1, 2).dtype)
  end)

  it("refuse a fractional alpha in add and sub", function()
    local x <const> = braid.ones(2, {dtype = "int64"})
    assert.same({4, 4}, x:add(x, {alpha = 3}):totable())
    assert.has_error(function() x:add(x, {alpha = 0.5}) end,
      "add: alpha: 0.5 is not an integer, and int64 holds only integers")
    assert.has_error(function() x:sub(x, {alpha = 0.5}) end,
      "sub: alpha: 0.5 is not an integer, and int64 holds only integers")
  end)

  it("and floats have the // and the % of Lua", function()
    for _, x in ipairs {7.5, -7.5, 0.0, 3.0} do
      for _, y in ipairs {2.0, -2.0, 0.7} do
        local tx <const> = braid.tensor({x}, {dtype = "float64"})
        assert.equal(x // y, (tx // y):item())
        assert.equal(x % y, (tx % y):item())
      end
    end
  end)
end)

describe("bool", function()
  local p <const> = braid.tensor({true, true, false, false})
  local q <const> = braid.tensor({true, false, true, false})

  it("adds as or and multiplies as and", function()
    assert.same({true, true, true, false}, (p + q):totable())
    assert.same({true, false, false, false}, (p * q):totable())
  end)

  it("has no difference and no negative", function()
    assert.has_error(function() local _ <const> = p - q end,
      "sub: has no meaning for bool tensors; convert with to(\"int64\")")
    assert.has_error(function() local _ <const> = -p end,
      "neg: has no meaning for bool tensors; convert with to(\"int64\")")
  end)

  it("is true for every value but 0, also for NaN", function()
    assert.same({false, true, true, true}, braid.tensor({0, 0.1, -1,
      0 / 0}):to("bool"):totable())
  end)
end)

describe("NaN", function()
  local nan <const> = 0 / 0
  local x <const> = braid.tensor({1, nan, 3})

  local function is_nan(t)
    local v <const> = t:item()
    return v ~= v
  end

  it("wins in minimum and maximum as either operand", function()
    for _, name in ipairs {"minimum", "maximum"} do
      assert.same({false, true, false}, core.ops[name](x, 2):isnan():totable())
      assert.same({false, true, false}, core.ops[name](2, x):isnan():totable())
    end
  end)

  it("wins in max and min, which return its index", function()
    assert.is_true(is_nan(x:max()))
    assert.is_true(is_nan(x:min()))
    assert.equal(2, x:argmax():item())
    assert.equal(2, x:argmin():item())
    local value <const>, place <const> = x:max(1)
    assert.is_true(is_nan(value))
    assert.equal(2, place:item())
  end)

  it("passes through relu and clamp", function()
    assert.same({false, true, false}, x:relu():isnan():totable())
    assert.same({false, true, false}, x:clamp(0, 2):isnan():totable())
  end)

  it("differs from itself", function()
    assert.same({true, false, true}, x:eq(x):totable())
    assert.same({false, true, false}, x:ne(x):totable())
    assert.same({false, false, false}, x:lt(x):totable())
  end)

  it("that a mask leaves out does not reach a loss or its gradient", function()
    local y <const> = braid.tensor({1, nan, 5}):requires_grad_()
    local mask <const> = braid.tensor({true, false, true})
    local loss <const> = core.ops.mse(y, braid.tensor({0, 0, 2}), mask)
    assert.equal(5, loss:item())
    loss:backward()
    assert.same({1, 0, 3}, y.grad:totable())
  end)
end)

describe("a batch without a label", function()
  it("has a cross-entropy of exactly 0 and zero gradients", function()
    local x <const> = braid.randn(3, 4):requires_grad_()
    local loss <const> = core.ops.cross_entropy(x, braid.full({3}, -100, {dtype = "int64"}))
    assert.equal(0, loss:item())
    loss:backward()
    assert.same({0, 0, 0, 0}, x.grad[1]:totable())
    assert.equal(0, x.grad:abs():sum():item())
  end)

  it("has a masked mean squared error of exactly 0 and zero gradients", function()
    local x <const> = braid.randn(3, 4):requires_grad_()
    local loss <const> = core.ops.mse(x, braid.zeros(3, 4),
      braid.zeros(3, 1, {dtype = "bool"}))
    assert.equal(0, loss:item())
    loss:backward()
    assert.equal(0, x.grad:abs():sum():item())
  end)
end)

describe("batch norm's running statistics", function()
  it("follow the batch, with the variance over n - 1", function()
    local image <const> = require "spec.support.reference_image"
    local arrays <const> = require "spec.support.arrays"
    for _, shape in ipairs {{3, 2, 2, 3}, {5, 3}, {2, 3, 4}} do
      local x <const> = arrays.real(shape)
      local c <const> = shape[2]
      local case <const> = {x, arrays.real {c}, arrays.real({c}, 0.5, 2)}
      local t <const>, a <const> = arrays.arguments(case, "float64"), arrays.arrays(case)
      local o <const> = {training = true, momentum = 0.3}
      core.ops.batch_norm(t[1], nil, nil, t[2], t[3], o)
      local _, mean <const>, var <const> = image.batch_norm(a[1], nil, nil, a[2], a[3], o)
      assert.is_nil(arrays.difference(arrays.array(t[2]), mean, 1e-13))
      assert.is_nil(arrays.difference(arrays.array(t[3]), var, 1e-13))
    end
  end)

  it("stay as they are without training", function()
    local mean <const>, var <const> = braid.zeros(2), braid.ones(2)
    core.ops.batch_norm(braid.randn(4, 2), nil, nil, mean, var)
    assert.same({0, 0}, mean:totable())
    assert.same({1, 1}, var:totable())
  end)

  it("are exact for values far from zero", function()
    local x <const> = braid.randn(64, 3, {dtype = "float64"})
    local far <const> = (x + 1000):to("float32")
    local near <const> = (far:to("float64") - 1000):to("float32")
    local y <const> = core.ops.batch_norm(far, {training = true})
    local z <const> = core.ops.batch_norm(near, {training = true})
    -- y = x * scale + shift in float32 loses 1000 * 2^-24 of the deviation
    assert.is_true((y - z):abs():max():item() < 5e-4)
  end)

  it("need more than one value for each channel in training", function()
    assert.has_error(function() core.ops.batch_norm(braid.zeros(1, 3),
      {training = true}) end,
      "batch_norm: training wants more than one value for each channel, input is (1, 3): a larger "
        .. "batch (drop_last = true), or net:eval()")
  end)
end)
