--- Tensors as the user meets them: making, reading and writing parts, printing, messages.

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

  it("of the shape and type of another", function()
    local x <const> = braid.zeros(2, 3, 4, 5, {dtype = "float64"}):channels_last()
    local y <const> = braid.ones_like(x)
    assert.same({2, 3, 4, 5}, y.shape)
    assert.equal("float64", y.dtype)
    assert.equal("channels_last", y:memory_format())
    assert.equal("int64", braid.zeros_like(x, INTEGERS).dtype)
  end)

  it("full, eye, arange and linspace count as Lua does, ends included", function()
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

  it("by an index takes the dimension away", function()
    assert.same({5, 6, 7, 8}, x[2]:totable())
    assert.same({9, 10, 11, 12}, x[-1]:totable())
    assert.equal(7, x[2][3]:item())
    assert.equal(7, x[{2, 3}]:item())
    assert.equal(12, x[{-1, -1}]:item())
  end)

  it("by a range keeps it; both ends are in", function()
    assert.same({{1, 2, 3, 4}, {5, 6, 7, 8}}, x[{{1, 2}}]:totable())
    assert.same({{2, 3}, {6, 7}, {10, 11}}, x[{{}, {2, 3}}]:totable())
    assert.same({2, 6, 10}, x[{{}, 2}]:totable())
    assert.same({{7, 8}, {11, 12}}, x[{{-2, -1}, {-2, -1}}]:totable())
    assert.same({0, 4}, x[{{2, 1}}].shape)
    assert.same({3, 4}, x[{}].shape)
  end)

  it("by a range with a step", function()
    assert.same({{1, 3}, {9, 11}}, x[{{1, 3, 2}, {1, 4, 2}}]:totable())
    assert.same({{1, 4}}, x[{{1, 1}, {1, -1, 3}}]:totable())
  end)

  it("by a mask takes what is true, in order", function()
    assert.same({2, 4, 6, 8, 10, 12}, x[(x % 2):eq(0)]:totable())
    assert.same({5, 6, 7, 8}, x[braid.tensor {false, true, false}]:flatten():totable())
    assert.same({0}, x[x:gt(12)].shape)
  end)

  it("by a tensor of indices takes rows, also twice", function()
    assert.same({{9, 10, 11, 12}, {1, 2, 3, 4}, {9, 10, 11, 12}},
      x[braid.tensor({3, 1, -1}, INTEGERS)]:totable())
    assert.same({0, 4}, x[braid.tensor({}, INTEGERS)].shape)
  end)

  it("is a view of the same memory, but for masks and indices", function()
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

  it("by a mask writes where it is true", function()
    local x <const> = braid.tensor {1, -2, 3, -4}
    x[x:lt(0)] = 0
    assert.same({1, 0, 3, 0}, x:totable())
    x[x:eq(0)] = braid.tensor {20, 40}
    assert.same({1, 20, 3, 40}, x:totable())
  end)

  it("takes what the tensor's type holds", function()
    local x <const> = braid.zeros(2, INTEGERS)
    x[1] = 2.0
    x[2] = braid.tensor(-2)
    assert.same({2, -2}, x:totable())
    assert.error_matches(function() x[1] = 2.9 end, "2.9 is no integer")
    assert.error_matches(function() x[2] = braid.tensor(-2.5) end, "-2.5 is no integer")
    assert.same({2, -2}, x:totable())
  end)

  it("of what overlaps behaves as if copied first", function()
    local x <const> = braid.tensor {1, 2, 3, 4}
    x[{{2, 4}}] = x[{{1, 3}}]
    assert.same({1, 1, 2, 3}, x:totable())
    x[{{1, 3}}] = x[{{2, 4}}]
    assert.same({1, 2, 3, 3}, x:totable())
    local m <const> = braid.tensor {{1, 2}, {3, 4}}
    m:add_(m:t())
    assert.same({{2, 5}, {5, 8}}, m:totable())
  end)

  it("goes through any view to the tensor itself", function()
    local x <const> = braid.zeros(2, 3)
    x:t()[3] = 1
    x:reshape(-1)[{{1, 2}}] = 2
    x:transpose(1, 2)[{2, 2}] = 3
    x:unsqueeze(1)[{1, 2, 1}] = 4
    assert.same({{2, 2, 1}, {4, 3, 1}}, x:totable())
  end)

  it("under autograd is recorded, or refused where it cannot be", function()
    local v <const> = braid.tensor({3, 4}):requires_grad_()
    local x <const> = v * 1
    assert.has_error(function() x[x:gt(0)] = 1 end,
      "index: writing by a mask or by indices is not recorded for a gradient; use where() or "
        .. "scatter()")
    assert.error_matches(function() x[1] = 1 end, "^index: a gradient is asked for, but")
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

  it("is made contiguous by a copy, itself if it is so already", function()
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

  it("with the tensor itself as the other argument is right", function()
    local x <const> = braid.tensor {1, 2, 3}
    assert.same({2, 4, 6}, x:add_(x):totable())
    assert.same({4, 16, 36}, x:mul_(x):totable())
    assert.same({0, 0, 0}, x:sub_(x):totable())
  end)
end)

describe("conversion", function()
  it("to another type makes a tensor, to the same gives it back", function()
    local x <const> = braid.tensor {1.7, -1.7, 300}
    assert.is_true(rawequal(x, x:to("float32")))
    assert.same({1, -1, 300}, x:to("int64"):totable())
    assert.same({true, true, true}, x:to("bool"):totable())
    assert.same({1, 0}, braid.tensor({true, false}):to("uint8"):totable())
  end)

  it("to Lua gives integers, floats and booleans", function()
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

  it("tells sizes", function()
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

  it("goes over to powers of ten for numbers far apart", function()
    prints("tensor {3} float32\n[1.0000e-06, 1.0000e+00, 1.0000e+03]",
      braid.tensor {1e-6, 1, 1000})
    prints("tensor {2} float32\n[1.0000e+09, 1.0000e+00]", braid.tensor {1e9, 1})
  end)

  it("shows what is no number", function()
    prints("tensor {4} float32\n[   nan,    inf,   -inf, 1.5000]",
      braid.tensor {0 / 0, 1 / 0, -1 / 0, 1.5})
  end)

  it("shows tensors without dimensions and without elements", function()
    prints("tensor {} float32\n3.5000", braid.tensor(3.5))
    prints("tensor {2, 0} float32\n[]", braid.zeros(2, 0))
  end)

  it("indents blocks", function()
    prints("tensor {2, 2, 2} int64\n[[[1, 2],\n  [3, 4]],\n [[5, 6],\n  [7, 8]]]",
      braid.arange(8):reshape(2, 2, 2))
  end)

  it("leaves out the middle of what has more than 1,000 elements", function()
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

  it("tells what a gradient goes through", function()
    local x <const> = braid.ones(2):requires_grad_()
    prints("tensor {2} float32  requires_grad\n[1., 1.]", x)
    prints("tensor {2} float32  grad: mul\n[2., 2.]", x * 2)
  end)
end)

describe("an error", function()
  local x <const> = braid.zeros(2, 3)

  it("begins with the file and line of the script, whatever is called inside", function()
    local here
    for _, f in ipairs {
      function() here = debug.getinfo(1, "l").currentline; x:reshape(4) end,
      function() here = debug.getinfo(1, "l").currentline; local _ = x + "a" end,
      function() here = debug.getinfo(1, "l").currentline; local _ = x[9] end,
      function() here = debug.getinfo(1, "l").currentline; x[9] = 1 end,
      function() here = debug.getinfo(1, "l").currentline; x:to("float16") end,
      function() here = debug.getinfo(1, "l").currentline; x:size(5) end,
      function() here = debug.getinfo(1, "l").currentline; braid.zeros(2.5) end,
      function() here = debug.getinfo(1, "l").currentline; braid.zeros(2, {type = 1}) end,
      function()
        here = debug.getinfo(1, "l").currentline + 1
        braid.full(2, 1, {type = 1})
      end,
      function() here = debug.getinfo(1, "l").currentline; braid.tensor {{1, 2}, {3}} end,
      function() here = debug.getinfo(1, "l").currentline; x:backward() end,
      function() here = debug.getinfo(1, "l").currentline; x:backward {keep = true} end,
      function() here = debug.getinfo(1, "l").currentline; braid.randint(3, 1, {2}) end,
      function() here = debug.getinfo(1, "l").currentline; braid.arange(1, 2, 0) end,
      function() here = debug.getinfo(1, "l").currentline; x:item() end,
    } do
      local _ <const>, message <const> = pcall(f)
      assert.equal(("spec/tensor/tensor_spec.lua:%d: "):format(here),
        message:match("^[^:]*:%d+: "), message)
    end
  end)

  it("of a script below a directory called braid has its place as well", function()
    local f <const> = load("local x = ...\nx:reshape(4)\nreturn x",
      "@/home/me/braid/examples/a.lua")
    local _ <const>, message <const> = pcall(f, x)
    assert.equal("/home/me/braid/examples/a.lua:2: reshape: (2, 3) has 6 elements and "
      .. "cannot take the shape (4)", message)
  end)

  it("can tell the module that was running", function()
    core.set_context(function() return "net.layer1" end)
    local ok <const>, message <const> = pcall(x.reshape, x, 4)
    core.set_context(function() return nil end)
    assert.is_false(ok)
    assert.matches("net.layer1: reshape: %(2, 3%) has 6 elements", message)
  end)

  local CASES <const> = {
    {"add: shapes (2, 3) and (2) do not broadcast",
      function() return x:add(braid.zeros(2)) end},
    {"add: y must be a tensor or a number, not string", function() return x:add("a") end},
    {"add: y must be a tensor or a number, not nil", function() return x + nil end},
    {"matmul: (2, 3) times (2, 3): the inner sizes 3 and 2 differ",
      function() return x:matmul(x) end},
    {"matmul: a is float32 and b is float64; convert one with to()",
      function() return x:matmul(braid.zeros(3, 2, {dtype = "float64"})) end},
    {"linear: weight expects 2 features, input (2, 3) has 3",
      function() return braid.F.linear(x, braid.zeros(4, 2)) end},
    {"sum: there is no dimension 3 in a tensor of 2 dimensions",
      function() return x:sum(3) end},
    {"sum: dim counts from 1, not 0", function() return x:sum(0) end},
    {"sum: dim must be a dimension or a table of them, not number",
      function() return x:sum(1.5) end},
    {"sum: dimension 1 is named twice", function() return x:sum {1, -2} end},
    {"sum: there is no option 'dims'; there is dim, keepdim",
      function() return x:sum {dims = 1} end},
    {"sum: keepdim must be true or false, not number", function() return x:sum(1, 2) end},
    {"sum: too many arguments (4)", function() return x:sum(1, true, 3) end},
    {"transpose: dim2 is missing", function() return x:transpose(1) end},
    {"permute: (2, 3) has 2 dimensions, the order names 1",
      function() return x:permute(1) end},
    {"permute: dimension 1 is named twice", function() return x:permute(1, 1) end},
    {"reshape: (-1, -1) is no shape: one size may be -1, the others not negative",
      function() return x:reshape(-1, -1) end},
    {"view: the memory of (3, 2) does not allow the shape (6) without a copy; reshape "
      .. "makes one",
      function() return x:t():view(6) end},
    {"expand: (2, 3) cannot be expanded to (3, 3)", function() return x:expand(3, 3) end},
    {"narrow: 2 elements from 2 by 1 reach outside dimension 1 of (2, 3)",
      function() return x:narrow(1, 2, 2) end},
    {"index: there is no index -3 in dimension 1 of (2, 3)",
      function() return x[-3] end},
    {"index: counts from 1, not 0", function() return x[0] end},
    {"index: 3 indices for a tensor (2, 3) of 2 dimensions",
      function() return x[{1, 2, 3}] end},
    {"index: the range {1, 3, 1} does not fit dimension 1 of (2, 3)",
      function() return x[{{1, 3}}] end},
    {"index: the range {1, 2, 0} does not fit dimension 1 of (2, 3)",
      function() return x[{{1, 2, 0}}] end},
    {"index: a range is {first, last} or {first, last, step}, all integers",
      function() return x[{{1}}] end},
    {"index: wants integers, ranges {first, last} and tensors, not string",
      function() return x[{"a"}] end},
    {"index: wants an integer, a table or a tensor, not number",
      function() return x[1.5] end},
    {"index: a tensor without dimensions has no parts",
      function() return braid.tensor(1)[1] end},
    {"index: wants a tensor or a number to write, not string", function() x[1] = "5" end},
    {"index: a value (3) cannot be written into a part (2)",
      function() x[braid.tensor {{true, false, true}, {false, false, false}}] = braid.ones(3) end},
    {"index: cannot write into an expanded tensor (2, 2, 3)",
      function() x:expand(2, 2, 3)[braid.tensor({1}, INTEGERS)] = 1 end},
    {"index: the indices (2) and (3) do not broadcast",
      function() return x[{braid.ones(2, INTEGERS), braid.ones(3, INTEGERS)}] end},
    {"index: 3 indices for a tensor (2, 3) of 2 dimensions",
      function() return x[{1, x:gt(0)}] end},
    {"index: shape (2) does not broadcast to (3)", function() x[1] = braid.ones(2) end},
    {"masked_select: the mask (2) does not broadcast to (2, 3)",
      function() return x:masked_select(braid.tensor {true, false}) end},
    {"index: the mask (3) does not fit the dimensions 1 to 1 of (2, 3)",
      function() return x[braid.tensor {true, false, true}] end},
    {"index: there is no index 3 in dimension 1 of (2, 3)",
      function() return x[braid.tensor({3}, INTEGERS)] end},
    {"index: a tensor of indices must hold integers or be a bool mask, not float32",
      function() return x[braid.tensor {1}] end},
    {"index_select: index must hold integers, not float32",
      function() return x:index_select(1, braid.tensor {1}) end},
    {"a tensor has no field 'foo' that can be set", function() x.foo = 1 end},
    {"item: the tensor (2, 3) has 6 elements, not one", function() return x:item() end},
    {"max: there is nothing to choose from in the shape (0)",
      function() return braid.zeros(0):max() end},
    {"clamp: wants a min, a max or both", function() return x:clamp() end},
    {"cat: tensor 2 has shape (3, 2), which does not go with (2, 3)",
      function() return braid.cat {x, braid.zeros(3, 2)} end},
    {"cat: entry 2 of tensors must be a tensor, not number",
      function() return braid.cat {x, 1} end},
    {"cat: wants at least one tensor", function() return braid.cat {} end},
    {"where: the condition must be bool, not float32",
      function() return braid.where(x, 1, 2) end},
    {"cross_entropy: target 4 at place 2 is none of the classes 1 to 3",
      function() return braid.F.cross_entropy(x, braid.tensor({1, 4}, INTEGERS)) end},
    {"cross_entropy: target must hold class labels (integers from 1), not float32",
      function() return braid.F.cross_entropy(x, braid.tensor {1, 2}) end},
    {"mse: input (2, 3) and target (3) must have the same shape",
      function() return braid.F.mse(x, braid.zeros(3)) end},
    {"mse: reduction must be \"mean\", \"sum\" or \"none\", not \"avg\"",
      function() return braid.F.mse(x, x, {reduction = "avg"}) end},
    {"to: dtype must be float32, float64, int64, int32, uint8 or bool, not float16",
      function() return x:to("float16") end},
    {"zeros: a tensor has at most 8 dimensions, not 9",
      function() return braid.zeros(1, 1, 1, 1, 1, 1, 1, 1, 1) end},
    {"zeros: there is no option 'type'; there is dtype, requires_grad; did you mean dtype?",
      function() return braid.zeros(2, {type = "int64"}) end},
    {"tensor: the table is ragged: level 2 wants 2 entries before entry 3",
      function() return braid.tensor {{1, 2}, {3}} end},
    {"tensor: entry 2 is a string, not a number", function() return braid.tensor {1,
      "a"} end},
    {"tensor: entry 2: 2.5 is no integer, and int64 holds integers alone",
      function() return braid.tensor({1, 2.5}, INTEGERS) end},
    {"arange: step must not be 0", function() return braid.arange(1, 5, 0) end},
    {"masked_fill: the mask must be bool, not float32",
      function() return x:masked_fill(x, 1) end},
    {"masked_select: the mask must be bool, not float32",
      function() return x:masked_select(x) end},
    {"mse: mask (2) does not broadcast to (2, 3)",
      function() return braid.F.mse(x, x, braid.ones(2, {dtype = "bool"})) end},
    {"cross_entropy: x must have shape (n, classes, ...), not (3)",
      function() return braid.F.cross_entropy(x[1], braid.ones(3, INTEGERS)) end},
    {"cross_entropy: target must have shape (2) for x (2, 3), not (3)",
      function() return braid.F.cross_entropy(x, braid.ones(3, INTEGERS)) end},
    {"cross_entropy: weight must have shape (3), not (2)",
      function() return braid.F.cross_entropy(x, braid.ones(2, INTEGERS),
        braid.ones(2)) end},
    {"cross_entropy: label_smoothing must be a number from 0 to 1, not 2",
      function() return braid.F.cross_entropy(x, braid.ones(2, INTEGERS),
        {label_smoothing = 2}) end},
    {"matmul: a and b must have dimensions, not () and (2, 3)",
      function() return braid.ones():matmul(x) end},
    {"matmul: the batches of (2, 1, 1) and (3, 1, 1) do not broadcast",
      function() return braid.ones(2, 1, 1):matmul(braid.ones(3, 1, 1)) end},
    {"linear: bias must have shape (4), not (3)",
      function() return braid.F.linear(x, braid.ones(4, 3), braid.ones(3)) end},
    {"batch_norm: weight must be float32 of shape (3), one for each channel of (2, 3), "
      .. "not float32 (2)",
      function() return x:batch_norm(braid.ones(2), {training = true}) end},
    {"batch_norm: x must have shape (n,c), (n,c,l) or (n,c,h,w), not (3)",
      function() return x[1]:batch_norm {training = true} end},
    {"batch_norm: without training, running_mean and running_var must be given",
      function() return x:batch_norm() end},
    {"max_pool2d: stride must be from 1 to 2147483647, not 0",
      function() return braid.ones(1, 1, 2, 2):max_pool2d(2, 0) end},
    {"max_pool2d: padding must be from 0 to half the kernel 2, not 2",
      function() return braid.ones(1, 1, 2, 2):max_pool2d(2, {padding = 2}) end},
    {"avg_pool2d: the window spans 3 pixels, more than the 2 of the input (1, 1, 2, 2)",
      function() return braid.ones(1, 1, 2, 2):avg_pool2d(3) end},
    {"conv2d: x is float32, weight float64: convert one with to()", function()
      return braid.F.conv2d(braid.ones(1, 1, 2, 2),
        braid.ones(1, 1, 1, 1, {dtype = "float64"}))
    end},
    {"flatten: start_dim 2 lies behind end_dim 1", function() return x:flatten(2, 1) end},
    {"t: x must have at most 2 dimensions, not the shape (1, 1, 1); use transpose",
      function() return braid.ones(1, 1, 1):t() end},
    {"narrow: the step must be at least 1, not 0",
      function() return x:narrow(1, 1, 1, 0) end},
    {"cat: 0-dimensional tensors cannot be joined; stack them",
      function() return braid.cat {braid.ones(), braid.ones()} end},
    {"max_pool2d: kernel must be a number or a pair {h, w}, not table",
      function() return braid.ones(1, 1, 2, 2):max_pool2d {1, 2, 3} end},
    {"sum: options go by name", function() return x:sum(1, {true}) end},
    {"matmul: b must be a tensor, not number", function() return x:matmul(3) end},
    {"set_threads: n must be from 1 to 1024, not 0", function() braid.set_threads(0) end},
    {"full: value must be a number, not string", function() braid.full({2}, "x") end},
    {"randint: sizes must be a table such as {2, 3}, not nil", function() braid.randint(1, 6) end},
    {"randperm: n must be a whole number from 0, not -1", function() braid.randperm(-1) end},
    {"linspace: n must be a whole number from 0, not 2.5",
      function() braid.linspace(0, 1, 2.5) end},
    {"size: there is no dimension x in a tensor of 2", function() x:size("x") end},
    {"rand: x must be float32 or float64, not int64",
      function() return braid.rand(2, INTEGERS) end},
  }

  for _, case in ipairs(CASES) do
    it("says: " .. case[1], function() assert.has_error(case[2], case[1]) end)
  end
end)

describe("the contract of names", function()
  -- What users are promised; a name that goes breaks their scripts.
  local METHODS <const> = [[size dim numel item totable clone to memory_format select narrow
    index_select masked_select take lt le gt ge eq ne logical_and logical_or logical_not abs neg
    sign exp log log1p expm1 sqrt rsqrt square reciprocal sin cos tan tanh sigmoid relu leaky_relu
    prelu elu gelu silu softplus hardswish erf floor ceil round trunc clamp pow minimum maximum
    masked_fill lerp sum mean prod min max argmin argmax var std norm logsumexp all any
    count_nonzero cumsum median topk sort reshape view flatten unflatten permute transpose t squeeze
    unsqueeze expand repeat_ tile split chunk flip roll pad contiguous gather scatter scatter_add
    index_add nonzero one_hot unfold matmul mm bmm mv dot outer addmm solve inverse eigh cholesky
    copy_ fill_ zero_ add_ requires_grad_ backward detach register_hook keep conv2d conv_transpose2d
    conv1d max_pool2d avg_pool2d lp_pool2d adaptive_avg_pool2d adaptive_max_pool2d global_avg_pool
    linear bilinear embedding dropout dropout2d batch_norm layer_norm group_norm instance_norm
    local_response_norm normalize softmax log_softmax glu crelu interpolate pixel_shuffle
    grid_sample affine_grid where where_ index_add_ scatter_ scatter_add_]]
  local FUNCTIONS <const> = [[tensor zeros ones full empty rand randn randint arange linspace eye
    randperm zeros_like ones_like cat stack where einsum manual_seed set_threads get_threads memory
    no_grad scope grad gradcheck Function detect_anomaly load save model]]
  local LOSSES <const> = [[mse l1 smooth_l1 huber wing cross_entropy nll bce bce_with_logits kl_div
    focal cosine hinge]]

  -- Each has a form in place as well, by its name and an underscore.
  local ELEMENTWISE <const> = [[abs neg sign exp log log1p expm1 sqrt rsqrt square reciprocal sin
    cos tan tanh sigmoid relu leaky_relu prelu elu gelu silu softplus hardswish erf floor ceil
    round trunc clamp pow minimum maximum where masked_fill lerp add sub mul div floordiv mod]]
  -- The further arguments of those that want some.
  local half <const> = braid.full({2}, 0.5)
  local MORE <const> = {prelu = {half:narrow(1, 1, 1)}, clamp = {0, 0.5}, lerp = {half, 0.5},
    where = {braid.tensor {true, false}, half}, masked_fill = {braid.tensor {true, false}, 2}}
  for name in ("pow minimum maximum add sub mul div floordiv mod"):gmatch("%S+") do
    MORE[name] = {half}
  end

  for name in ELEMENTWISE:gmatch("%S+") do
    it("holds for " .. name .. "_, which does in place what " .. name .. " does", function()
      local x <const>, y <const> = braid.tensor {0.75, 0.25}, braid.tensor {0.75, 0.25}
      local more <const> = MORE[name] or {}
      local z <const> = x[name .. "_"](x, table.unpack(more))
      assert.is_true(rawequal(z, x))
      assert.same(y[name](y, table.unpack(more)):totable(), x:totable())
    end)
  end

  it("holds for methods, functions and losses", function()
    local missing <const>, t <const> = {}, braid.ones(2)
    for name in METHODS:gmatch("%S+") do
      if not t[name] then missing[#missing + 1] = "t:" .. name end
    end
    for name in FUNCTIONS:gmatch("%S+") do
      if not braid[name] then missing[#missing + 1] = "braid." .. name end
    end
    for name in LOSSES:gmatch("%S+") do
      if not braid.F[name] then missing[#missing + 1] = "F." .. name end
      if not t[name] then missing[#missing + 1] = "t:" .. name end
    end
    assert.same({}, missing)
  end)
end)

describe("a change of memory format", function()
  it("keeps every value where it belongs, whatever the sizes and types", function()
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
