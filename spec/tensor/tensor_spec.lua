--- Tensors for their users: making tensors, reading and writing parts of them, views, changes in
-- place, conversion and printing.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local INTEGERS <const> = {dtype = "int64"}

describe("making a tensor", function()
  it("takes numbers, nested tables and booleans", function()
    local x <const> = braid.tensor {{1, 2, 3}, {4, 5, 6}}
    assert.same({2, 3}, x.shape)
    assert.equal("float32", x.dtype)
    assert.same({{1, 2, 3}, {4, 5, 6}}, x:totable())
    assert.same({}, braid.tensor(7).shape)
    assert.equal("bool", braid.tensor({true, false}).dtype)
    assert.same({1, 0}, braid.tensor({true, false}, INTEGERS):totable())
    assert.same({0}, braid.tensor({}).shape)
    assert.same({1, 0}, braid.tensor({{}}).shape)
  end)

  it("keeps integers exact and rounds to float32 as C does", function()
    assert.equal(math.maxinteger, braid.tensor(math.maxinteger, INTEGERS):item())
    assert.equal(string.unpack("f", string.pack("f", 0.1)), braid.tensor(0.1):item())
    assert.equal(0.1, braid.tensor(0.1, {dtype = "float64"}):item())
  end)

  it("takes sizes as numbers or as a table, and options last", function()
    for _, name in ipairs {"zeros", "ones", "empty", "rand", "randn"} do
      assert.same({2, 3}, braid[name](2, 3).shape)
      assert.same({2, 3}, braid[name]({2, 3}).shape)
      assert.equal("float64", braid[name](2, 3, {dtype = "float64"}).dtype)
      assert.equal("float64", braid[name]({2}, {dtype = "float64"}).dtype)
      assert.is_true(braid[name](2, {requires_grad = true}).requires_grad)
      assert.same({}, braid[name]().shape)
      assert.same({0}, braid[name](0).shape)
    end
    assert.same({{0, 0}, {0, 0}}, braid.zeros(2, 2):totable())
    assert.same({1, 1}, braid.ones(2, INTEGERS):totable())
  end)

  it("by ones_like or zeros_like takes shape, type and memory format of another tensor", function()
    local x <const> = braid.zeros(2, 3, 4, 5, {dtype = "float64"}):channels_last()
    local y <const> = braid.ones_like(x)
    assert.same({2, 3, 4, 5}, y.shape)
    assert.equal("float64", y.dtype)
    assert.equal("channels_last", y:memory_format())
    assert.equal("int64", braid.zeros_like(x, INTEGERS).dtype)
  end)

  it("by full, eye, arange and linspace counts as Lua does, with both ends", function()
    assert.same({7, 7, 7}, braid.full(3, 7):totable())
    assert.same({{7, 7}}, braid.full({1, 2}, 7):totable())
    assert.same({{1, 0}, {0, 1}}, braid.eye(2):totable())
    assert.same({1, 2, 3}, braid.arange(3):totable())
    assert.equal("int64", braid.arange(3).dtype)
    assert.same({2, 4, 6}, braid.arange(2, 7, 2):totable())
    assert.same({5, 3, 1}, braid.arange(5, 1, -2):totable())
    assert.same({1, 1.25, 1.5, 1.75, 2}, braid.arange(1, 2, 0.25):totable())
    assert.same({0}, braid.arange(1, 0).shape)
    assert.same({0, 0.25, 0.5, 0.75, 1}, braid.linspace(0, 1, 5):totable())
    assert.same({3}, braid.linspace(3, 9, 1):totable())
  end)
end)

describe("reading a part", function()
  local x <const> = braid.arange(1, 12):reshape(3, 4)

  it("by an index removes the dimension", function()
    assert.same({5, 6, 7, 8}, x[2]:totable())
    assert.same({9, 10, 11, 12}, x[-1]:totable())
    assert.equal(7, x[2][3]:item())
    assert.equal(7, x[{2, 3}]:item())
    assert.equal(12, x[{-1, -1}]:item())
  end)

  it("by a range keeps the dimension, and includes both ends", function()
    assert.same({{1, 2, 3, 4}, {5, 6, 7, 8}}, x[{{1, 2}}]:totable())
    assert.same({{2, 3}, {6, 7}, {10, 11}}, x[{{}, {2, 3}}]:totable())
    assert.same({2, 6, 10}, x[{{}, 2}]:totable())
    assert.same({{7, 8}, {11, 12}}, x[{{-2, -1}, {-2, -1}}]:totable())
    assert.same({0, 4}, x[{{2, 1}}].shape)
    assert.same({3, 4}, x[{}].shape)
  end)

  it("by a range with a step takes every step-th element", function()
    assert.same({{1, 3}, {9, 11}}, x[{{1, 3, 2}, {1, 4, 2}}]:totable())
    assert.same({{1, 4}}, x[{{1, 1}, {1, -1, 3}}]:totable())
  end)

  it("by a mask takes the elements where the mask is true, in order", function()
    assert.same({2, 4, 6, 8, 10, 12}, x[(x % 2):eq(0)]:totable())
    assert.same({5, 6, 7, 8}, x[braid.tensor {false, true, false}]:flatten():totable())
    assert.same({0}, x[x:gt(12)].shape)
  end)

  it("by a tensor of indices takes rows, and may take a row twice", function()
    assert.same({{9, 10, 11, 12}, {1, 2, 3, 4}, {9, 10, 11, 12}},
      x[braid.tensor({3, 1, -1}, INTEGERS)]:totable())
    assert.same({0, 4}, x[braid.tensor({}, INTEGERS)].shape)
  end)

  it("gives a view of the same memory, except by masks and index tensors", function()
    local y <const> = braid.zeros(3, 4)
    y[2]:fill_(1)
    y[{{}, {1, 2}}]:add_(5)
    assert.same({{5, 5, 0, 0}, {6, 6, 1, 1}, {5, 5, 0, 0}}, y:totable())
    assert.is_true(core.shares_memory(y, y[{1, 1}]))
    assert.is_false(core.shares_memory(y, y[y:gt(0)]))
    assert.is_false(core.shares_memory(y, y[braid.tensor({1}, INTEGERS)]))
  end)
end)

describe("writing a part", function()
  it("takes numbers, booleans and tensors that broadcast", function()
    local x <const> = braid.zeros(2, 3)
    x[1] = 1
    x[{2, -1}] = 9
    x[{{}, 1}] = braid.tensor {5, 6}
    assert.same({{5, 1, 1}, {6, 0, 9}}, x:totable())
    x[{{}, {2, 3}}] = braid.tensor {7, 8}
    assert.same({{5, 7, 8}, {6, 7, 8}}, x:totable())
    x[{{1, 2}, {1, 3, 2}}] = true
    assert.same({{1, 7, 1}, {1, 7, 1}}, x:totable())
    x[{}] = 0
    assert.equal(0, x:abs():sum():item())
  end)

  it("by a mask changes the elements where the mask is true", function()
    local x <const> = braid.tensor {1, -2, 3, -4}
    x[x:lt(0)] = 0
    assert.same({1, 0, 3, 0}, x:totable())
    x[x:eq(0)] = braid.tensor {20, 40}
    assert.same({1, 20, 3, 40}, x:totable())
  end)

  it("refuses a value that the tensor's type cannot hold", function()
    local x <const> = braid.zeros(2, INTEGERS)
    x[1] = 2.0
    x[2] = braid.tensor(-2)
    assert.same({2, -2}, x:totable())
    assert.error_matches(function() x[1] = 2.9 end, "2.9 is not an integer")
    assert.error_matches(function() x[2] = braid.tensor(-2.5) end, "-2.5 is not an integer")
    assert.same({2, -2}, x:totable())
  end)

  it("copies a value first if it overlaps the part", function()
    local x <const> = braid.tensor {1, 2, 3, 4}
    x[{{2, 4}}] = x[{{1, 3}}]
    assert.same({1, 1, 2, 3}, x:totable())
    x[{{1, 3}}] = x[{{2, 4}}]
    assert.same({1, 2, 3, 3}, x:totable())
    local m <const> = braid.tensor {{1, 2}, {3, 4}}
    m:add_(m:t())
    assert.same({{2, 5}, {5, 8}}, m:totable())
  end)

  it("through any view changes the tensor itself", function()
    local x <const> = braid.zeros(2, 3)
    x:t()[3] = 1
    x:reshape(-1)[{{1, 2}}] = 2
    x:transpose(1, 2)[{2, 2}] = 3
    x:unsqueeze(1)[{1, 2, 1}] = 4
    assert.same({{2, 2, 1}, {4, 3, 1}}, x:totable())
  end)

  it("is refused where a gradient would need it but it cannot be recorded", function()
    local v <const> = braid.tensor({3, 4}):requires_grad_()
    local x <const> = v * 1
    assert.has_error(function() x[x:gt(0)] = 1 end,
      "index: writing by a mask or by indices is not recorded for a gradient; use where() or "
        .. "scatter()")
    assert.error_matches(function() x[1] = 1 end,
      "^index: the change would be recorded for a gradient, but")
  end)
end)

describe("a view", function()
  it("shares memory where the shape allows it", function()
    local x <const> = braid.zeros(2, 6)
    for _, v in ipairs {x:view(3, 4), x:reshape(12), x:t(), x:permute(2, 1),
      x:expand(3, 2, 6),
        x:narrow(2, 2, 3), x:select(1, 2), x:squeeze(), x:unsqueeze(1), x:flatten(),
          x:detach(),
        x:unflatten(2, 2, 3), x:transpose(1, 2)} do
      assert.is_true(core.shares_memory(x, v))
    end
    assert.is_false(core.shares_memory(x, x:t():reshape(12)))
    assert.is_false(core.shares_memory(x, x:clone()))
  end)

  it("becomes contiguous by a copy, unless it is contiguous already", function()
    local x <const> = braid.arange(1, 6):reshape(2, 3)
    assert.is_true(rawequal(x, x:contiguous()))
    local y <const> = x:t():contiguous()
    assert.equal("contiguous", y:memory_format())
    assert.same({{1, 4}, {2, 5}, {3, 6}}, y:totable())
  end)

  it("tells its memory format", function()
    local x <const> = braid.zeros(2, 3, 4, 5)
    assert.equal("contiguous", x:memory_format())
    assert.equal("channels_last", x:channels_last():memory_format())
    assert.equal("strided", x:transpose(1, 4):memory_format())
    assert.equal("channels_last", (x:channels_last():relu() + 1):memory_format())
  end)
end)

describe("a change in place", function()
  it("returns the tensor itself", function()
    local x <const> = braid.ones(3)
    local y <const> = x:add_(1):mul_(3):zero_():fill_(2):copy_(braid.tensor {1, 2, 3})
    assert.is_true(rawequal(x, y))
    assert.same({1, 2, 3}, x:totable())
  end)

  it("of an expanded tensor is refused", function()
    assert.has_error(function() braid.ones(3):expand(2, 3):add_(1) end,
      "add_: cannot write into an expanded tensor (2, 3)")
  end)

  it("keeps the shape", function()
    assert.has_error(function() braid.zeros(2, 3):add_(braid.zeros(2, 2, 3)) end,
      "add_: the result has shape (2, 2, 3) and cannot be written into shape (2, 3)")
    assert.same({{2, 2}, {2, 2}}, braid.ones(2, 2):add_(braid.ones(2)):totable())
  end)

  it("gives the right values where the other argument is the tensor itself", function()
    local x <const> = braid.tensor {1, 2, 3}
    assert.same({2, 4, 6}, x:add_(x):totable())
    assert.same({4, 16, 36}, x:mul_(x):totable())
    assert.same({0, 0, 0}, x:sub_(x):totable())
  end)
end)

describe("conversion", function()
  it("to another type makes a new tensor, to the same type returns the tensor itself", function()
    local x <const> = braid.tensor {1.7, -1.7, 300}
    assert.is_true(rawequal(x, x:to("float32")))
    assert.same({1, -1, 300}, x:to("int64"):totable())
    assert.same({true, true, true}, x:to("bool"):totable())
    assert.same({1, 0}, braid.tensor({true, false}):to("uint8"):totable())
  end)

  it("by item and totable gives Lua's integers, floats and booleans", function()
    assert.equal("integer", math.type(braid.tensor(3, INTEGERS):item()))
    assert.equal("integer", math.type(braid.tensor(3, {dtype = "uint8"}):item()))
    assert.equal("float", math.type(braid.tensor(3):item()))
    assert.equal(true, braid.tensor(true):item())
    assert.equal(5, braid.tensor({{{5}}}):item())
    assert.same({{1, 3}, {2, 4}}, braid.tensor({{1, 2}, {3, 4}}):t():totable())
    assert.equal(2.5, braid.tensor(2.5):totable())
    assert.same({}, braid.zeros(0, 3):totable())
  end)

  it("to bytes and back gives the same values", function()
    for _, dtype in ipairs {"float32", "float64", "int64", "int32", "uint8", "bool"} do
      local x <const> = braid.tensor({{0, 1, 1}, {1, 0, 1}}, {dtype = dtype})
      local y <const> = core.from_bytes("xx" .. core.bytes(x:t()), 3, {3, 2}, dtype)
      assert.same(x:t():totable(), y:totable())
    end
    assert.has_error(function() core.from_bytes("abc", 1, {1}, "float32") end,
      "from_bytes: float32 values of shape (1) do not fit into 3 bytes")
  end)

  it("of sizes: size, dim, numel and # give Lua's numbers", function()
    local x <const> = braid.zeros(4, 5, 6)
    assert.same({4, 5, 6}, x:size())
    assert.equal(5, x:size(2))
    assert.equal(6, x:size(-1))
    assert.same({3, 120, 4}, {x:dim(), x:numel(), #x})
  end)
end)

describe("printing", function()
  local function prints(text, t) assert.equal(text, tostring(t)) end

  it("shows whole numbers with a point, integers without", function()
    prints("tensor {3} float32\n[ 1., -2.,  3.]", braid.tensor {1, -2, 3})
    prints("tensor {2, 2} int64\n[[  1, -20],\n [  3,   4]]",
      braid.tensor({{1, -20}, {3, 4}}, INTEGERS))
    prints("tensor {2} bool\n[ true, false]", braid.tensor {true, false})
  end)

  it("shows four places, in one width", function()
    prints("tensor {3} float32\n[   1.5000,   -2.0000, 1000.0000]",
      braid.tensor {1.5, -2, 1000})
  end)

  it("shows powers of ten for numbers of very different size", function()
    prints("tensor {3} float32\n[1.0000e-06, 1.0000e+00, 1.0000e+03]",
      braid.tensor {1e-6, 1, 1000})
    prints("tensor {2} float32\n[1.0000e+09, 1.0000e+00]", braid.tensor {1e9, 1})
  end)

  it("shows NaN and infinities", function()
    prints("tensor {4} float32\n[   nan,    inf,   -inf, 1.5000]",
      braid.tensor {0 / 0, 1 / 0, -1 / 0, 1.5})
  end)

  it("shows tensors without dimensions and without elements", function()
    prints("tensor {} float32\n3.5000", braid.tensor(3.5))
    prints("tensor {2, 0} float32\n[]", braid.zeros(2, 0))
  end)

  it("indents the matrices of a tensor of three dimensions", function()
    prints("tensor {2, 2, 2} int64\n[[[1, 2],\n  [3, 4]],\n [[5, 6],\n  [7, 8]]]",
      braid.arange(8):reshape(2, 2, 2))
  end)

  it("leaves out the middle of a tensor of more than 1,000 elements", function()
    prints("tensor {1001} int64\n[   1,    2,    3,  ...,  999, 1000, 1001]",
      braid.arange(1001))
    prints([==[
tensor {40, 50} int64
[[   1,    2,    3,  ...,   48,   49,   50],
 [  51,   52,   53,  ...,   98,   99,  100],
 [ 101,  102,  103,  ...,  148,  149,  150],
 ...,
 [1851, 1852, 1853,  ..., 1898, 1899, 1900],
 [1901, 1902, 1903,  ..., 1948, 1949, 1950],
 [1951, 1952, 1953,  ..., 1998, 1999, 2000]]]==], braid.arange(2000):reshape(40, 50))
  end)

  it("shows requires_grad, or the operator that a gradient goes through", function()
    local x <const> = braid.ones(2):requires_grad_()
    prints("tensor {2} float32  requires_grad\n[1., 1.]", x)
    prints("tensor {2} float32  grad: mul\n[2., 2.]", x * 2)
  end)
end)

describe("a change of memory format", function()
  it("keeps every value at its index, for many sizes and types", function()
    for _, shape in ipairs{{3, 5, 7, 9}, {1, 64, 16, 16}, {2, 70, 9, 8}, {4, 2, 1, 2},
        {2, 130, 11, 13}, {0, 3, 4, 4}, {2, 3, 4, 0}, {2, 3, 41, 37}, {1, 4, 40, 30},
        {3, 2, 26, 45}} do
      for _, dtype in ipairs{"float32", "float64", "int64", "int32", "uint8"} do
        local x <const> = braid.randint(0, 200, shape):to(dtype)
        local y <const> = x:channels_last()
        local parts <const> = braid.stack({y, y})
        local copy <const> = braid.zeros(shape, {dtype = dtype})
        copy:copy_(y)
        for _, z in ipairs{y, y:contiguous(), parts[2], copy} do
          for i = 1, x:numel() == 0 and 0 or 3 do
            local at <const> = (i * 7919) % x:numel() + 1
            assert.equal(x:reshape(-1)[at]:item(), z:reshape(-1)[at]:item())
          end
          assert.is_true(z:eq(x):all():item())
        end
      end
    end
  end)
end)
