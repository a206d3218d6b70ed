--- The error messages of tensors for wrong calls, and the names that every version must have.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local INTEGERS <const> = {dtype = "int64"}

describe("an error", function()
  local x <const> = braid.zeros(2, 3)

  it("begins with the file and line of the script, not of Braid's code", function()
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
      assert.equal(("spec/tensor/messages_spec.lua:%d: "):format(here),
        message:match("^[^:]*:%d+: "), message)
    end
  end)

  it("begins with file and line also for a script in a directory called braid", function()
    local f <const> = load("local x = ...\nx:reshape(4)\nreturn x",
      "@/home/me/braid/examples/a.lua")
    local _ <const>, message <const> = pcall(f, x)
    assert.equal("/home/me/braid/examples/a.lua:2: reshape: (2, 3) has 6 elements and "
      .. "cannot take the shape (4)", message)
  end)

  it("names the module that was running", function()
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
    {"reshape: (-1, -1) is not a shape: one size may be -1, the others must not be negative",
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
    {"index: 3 indices, but the tensor (2, 3) has 2 dimensions",
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
    {"index: a tensor without dimensions has no parts; item() gives its value",
      function() return braid.tensor(1)[1] end},
    {"index: wants a tensor or a number to write, not string", function() x[1] = "5" end},
    {"index: a value (3) cannot be written into a part (2)",
      function() x[braid.tensor {{true, false, true}, {false, false, false}}] = braid.ones(3) end},
    {"index: cannot write into an expanded tensor (2, 2, 3)",
      function() x:expand(2, 2, 3)[braid.tensor({1}, INTEGERS)] = 1 end},
    {"index: the indices (2) and (3) do not broadcast",
      function() return x[{braid.ones(2, INTEGERS), braid.ones(3, INTEGERS)}] end},
    {"index: 3 indices, but the tensor (2, 3) has 2 dimensions",
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
    {"index_select: index must hold integers, not float32; to(\"int64\") converts",
      function() return x:index_select(1, braid.tensor {1}) end},
    {"a tensor has no field 'foo' that can be set", function() x.foo = 1 end},
    {"item: the tensor (2, 3) has 6 elements, not one", function() return x:item() end},
    {"max: there is nothing to choose from: the shape (0) has a dimension without elements",
      function() return braid.zeros(0):max() end},
    {"clamp: wants a min, a max or both", function() return x:clamp() end},
    {"cat: tensor 2 has shape (3, 2), but the first has (2, 3)",
      function() return braid.cat {x, braid.zeros(3, 2)} end},
    {"cat: entry 2 of tensors must be a tensor, not number",
      function() return braid.cat {x, 1} end},
    {"cat: wants at least one tensor", function() return braid.cat {} end},
    {"where: the condition must be bool, not float32; x:ne(0) makes one",
      function() return braid.where(x, 1, 2) end},
    {"cross_entropy: target 4 at place 2 is not one of the classes 1 to 3",
      function() return braid.F.cross_entropy(x, braid.tensor({1, 4}, INTEGERS)) end},
    {"cross_entropy: target must hold class labels (integers from 1), not float32; "
      .. "to(\"int64\") converts",
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
    {"tensor: entry 2: 2.5 is not an integer, and int64 holds only integers",
      function() return braid.tensor({1, 2.5}, INTEGERS) end},
    {"arange: step must not be 0", function() return braid.arange(1, 5, 0) end},
    {"masked_fill: the mask must be bool, not float32; x:ne(0) makes one",
      function() return x:masked_fill(x, 1) end},
    {"masked_select: the mask must be bool, not float32; x:ne(0) makes one",
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
    {"flatten: start_dim 2 comes after end_dim 1", function() return x:flatten(2, 1) end},
    {"t: x must have at most 2 dimensions, not the shape (1, 1, 1); use transpose",
      function() return braid.ones(1, 1, 1):t() end},
    {"narrow: the step must be at least 1, not 0",
      function() return x:narrow(1, 1, 1, 0) end},
    {"cat: 0-dimensional tensors cannot be joined; stack them",
      function() return braid.cat {braid.ones(), braid.ones()} end},
    {"max_pool2d: kernel must be a number or a pair {h, w}, not table",
      function() return braid.ones(1, 1, 2, 2):max_pool2d {1, 2, 3} end},
    {"sum: options are given by name, {name = value}", function() return x:sum(1, {true}) end},
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
  -- The names promised to users. If one is removed, users' scripts break.
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

  -- Each also has an in-place form: its name with an underscore.
  local ELEMENTWISE <const> = [[abs neg sign exp log log1p expm1 sqrt rsqrt square reciprocal sin
    cos tan tanh sigmoid relu leaky_relu prelu elu gelu silu softplus hardswish erf floor ceil
    round trunc clamp pow minimum maximum where masked_fill lerp add sub mul div floordiv mod]]
  -- Further arguments of operators that need some.
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
