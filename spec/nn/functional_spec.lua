--- Functions of braid.F that are composed of operators: gradients against finite differences, and
-- messages. golden_functions_spec.lua compares their values with PyTorch's.

local braid <const> = require "braid"
local F <const> = braid.F

-- A float64 tensor that requires a gradient. Its values differ and are near (-1, 1).
local function some(...)
  local shape <const> = {...}
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  local values <const> = {}
  for i = 1, n do values[i] = (i * 37 % 101) / 50.5 - 1 + i / 4096 end
  return braid.tensor(values, {dtype = "float64"}):reshape(shape):requires_grad_()
end

local function gradient(f, ...)
  assert.is_true(braid.gradcheck(f, {...}))
end

describe("a composed function", function()
  it("is found in braid.F, and as a method of tensors", function()
    local x <const> = some(2, 3, 4, 4)
    assert.same(x:mean({3, 4}):totable(), F.global_avg_pool(x):totable())
    assert.same(F.global_avg_pool(x):totable(), x:global_avg_pool():totable())
    assert.error_matches(function() return F.no_function end, "braid.F has no 'no_function'")
  end)

  it("is named in the error if it is looked for in braid instead of braid.F", function()
    assert.error_matches(function() return braid.matmul end,
      "braid has no 'matmul'; it is braid.F.matmul, or x:matmul", 1, true)
    assert.error_matches(function() return braid.zeroz end, "did you mean zeros?", 1, true)
  end)
end)

describe("conv1d", function()
  it("has the values of its definition", function()
    local x <const> = braid.tensor {{{1, 2, 3, 4}}}
    local w <const> = braid.tensor {{{1, 0, -1}}}
    assert.same({{{-2, -2}}}, F.conv1d(x, w):totable())
    assert.same({{{-1, -1}}}, F.conv1d(x, w, braid.tensor {1}, {stride = 2, padding = 1})
      :totable())
    assert.same({1, 1, 4}, F.conv1d(x, w, {padding = "same"}).shape)
  end)

  it("has the gradient that finite differences give", function()
    gradient(function(x, w, b)
      return F.conv1d(x, w, b, {stride = 2, padding = 2, dilation = 2, groups = 2})
    end, some(2, 4, 7), some(6, 2, 3), some(6))
  end)

  it("names the shapes and options that it accepts", function()
    assert.has_error(function() F.conv1d(braid.zeros(2, 3), braid.zeros(1, 3, 1)) end,
      "conv1d: x must have shape (n, c, l) and weight (o, c, k), not (2, 3) and (1, 3, 1)")
    assert.has_error(function() F.conv1d(some(1, 1, 3), some(1, 1, 1), {pad = 1}) end,
      "conv1d: there is no option 'pad'; there is dilation, groups, padding, stride")
  end)
end)

describe("lp_pool2d", function()
  it("gives the norm of each window", function()
    local x <const> = braid.tensor {{{{3, 4}, {0, 0}}}}
    assert.near(5, F.lp_pool2d(x, 2, 2):item(), 1e-6)
    assert.near(7, x:lp_pool2d(1, 2):item(), 1e-6)
  end)

  it("has the gradient that finite differences give", function()
    gradient(function(x) return F.lp_pool2d(x, 2, {2, 3}, {stride = 1, ceil_mode = true}) end,
      some(1, 2, 4, 5))
  end)
end)

-- A name, a function, and the shapes of its inputs.
local GRADIENTS <const> = {
  {"layer_norm", function(x, w, b) return F.layer_norm(x, {3, 4}, w, b) end,
    {2, 2, 3, 4}, {3, 4}, {3, 4}},
  {"group_norm", function(x, w, b) return F.group_norm(x, 2, w, b) end,
    {2, 4, 2, 3}, {4}, {4}},
  {"instance_norm", function(x, w) return F.instance_norm(x, w, {eps = 0.1}) end,
    {2, 3, 2, 3}, {3}},
  {"local_response_norm", function(x)
    return F.local_response_norm(x, 4, {alpha = 0.5, k = 2})
  end, {2, 5, 2, 3}},
  {"normalize", function(x) return F.normalize(x, {dim = 1}) end, {4, 3}},
  {"normalize, p = 1", function(x) return F.normalize(x, {p = 1, dim = -1}) end, {2, 5}},
  {"normalize, p = 3", function(x) return F.normalize(x, {p = 3}) end, {2, 5}},
  {"normalize, p infinite", function(x) return F.normalize(x, {p = math.huge}) end, {2, 5}},
  {"bilinear", F.bilinear, {2, 3, 2}, {2, 3, 4}, {5, 2, 4}, {5}},
  {"glu", F.glu, {3, 4}},
  {"crelu", F.crelu, {2, 3, 2}},
  {"prelu", F.prelu, {2, 3, 2}, {3}},
  {"prelu of one weight", F.prelu, {5}, {1}},
  {"pixel_shuffle", function(x) return F.pixel_shuffle(x, 2) end, {2, 8, 2, 3}},
  {"affine_grid", function(theta) return F.affine_grid(theta, {2, 1, 3, 2}) end, {2, 2, 3}},
  {"interpolate, nearest", function(x) return F.interpolate(x, {size = {5, 2}}) end,
    {2, 2, 3, 3}},
  {"interpolate, bilinear", function(x)
    return F.interpolate(x, {scale_factor = {1.7, 0.6}, mode = "bilinear"})
  end, {2, 2, 3, 4}},
  {"interpolate, corners aligned", function(x)
    return F.interpolate(x, {size = 5, mode = "bilinear", align_corners = true})
  end, {1, 2, 3, 4}},
  {"embedding", function(w)
    return F.embedding(braid.tensor({{1, 3}, {3, 2}}, {dtype = "int64"}), w)
  end, {3, 4}},
}

describe("the gradient of", function()
  for _, case in ipairs(GRADIENTS) do
    it(case[1] .. " agrees with finite differences", function()
      local inputs <const> = {}
      for i = 3, #case do inputs[i - 2] = some(table.unpack(case[i])) end
      gradient(case[2], table.unpack(inputs))
    end)
  end

  it("embedding is 0 for the row padding_index", function()
    local w <const> = some(3, 2)
    F.embedding(braid.tensor({1, 2, 1, 3}, {dtype = "int64"}), w, {padding_index = 1}):sum()
      :backward()
    assert.same({{0, 0}, {1, 1}, {1, 1}}, w.grad:totable())
  end)

  it("normalize is finite if the norm is 0", function()
    for _, p in ipairs {1, 2, 3, math.huge} do
      local x <const> = braid.zeros(2, 3):requires_grad_()
      F.normalize(x, {p = p}):sum():backward()
      assert.is_true(x.grad:isfinite():all():item())
    end
  end)
end)

describe("dropout2d", function()
  it("drops whole channels and scales the others", function()
    braid.manual_seed(3)
    local y <const> = F.dropout2d(braid.ones(20, 10, 2, 2), 0.2)
    local kept <const> = y:sum({3, 4})
    assert.is_true((kept:eq(0)):logical_or(kept:sub(5):abs():lt(1e-5)):all():item())
    assert.near(0.8, kept:gt(0):to("float32"):mean():item(), 0.1)
  end)

  it("does nothing without training", function()
    local x <const> = some(2, 3, 2, 2)
    assert.equal(x, F.dropout2d(x, {p = 0.9, training = false}))
  end)
end)

-- A function's name, a wrong call, and the message.
local MESSAGES <const> = {
  {"layer_norm", function() F.layer_norm(some(2, 3), 4) end,
    "layer_norm: x of shape (2, 3) does not end in (4)"},
  {"layer_norm", function() F.layer_norm(some(2, 3), 3, some(2)) end,
    "layer_norm: weight must be a tensor of shape (3), not a tensor (2)"},
  {"group_norm", function() F.group_norm(some(2, 3, 4), 2) end,
    "group_norm: groups = 2 must divide the 3 channels"},
  {"instance_norm", function() F.instance_norm(some(2, 3)) end,
    "instance_norm: x must have shape (n, c, ...), not (2, 3)"},
  {"local_response_norm", function() F.local_response_norm(some(2, 3), 0) end,
    "local_response_norm: size must be a whole number from 1 to 2147483647, not 0"},
  {"bilinear", function() F.bilinear(some(1, 2), some(1, 3), some(4, 3, 2)) end,
    "bilinear: weight must have shape (o, 2, 3), not (4, 3, 2)"},
  {"glu", function() F.glu(some(2, 3)) end, "glu: dimension -1 of (2, 3) cannot be halved"},
  {"pixel_shuffle", function() F.pixel_shuffle(some(1, 6, 2, 2), 2) end,
    "pixel_shuffle: x must have shape (n, c * 4, h, w), not (1, 6, 2, 2)"},
  {"prelu", function() F.prelu(some(2, 3), some(2)) end,
    "prelu: weight must hold 1 value or one for each channel of (2, 3), not (2)"},
  {"interpolate", function() F.interpolate(some(1, 1, 2, 2)) end,
    "interpolate: give either size or scale_factor"},
  {"interpolate", function() F.interpolate(some(1, 1, 2, 2), {scale_factor = 0.2}) end,
    "interpolate: scale_factor 0.2 makes 0 of 2 pixels; that must be from 1 to 2147483647"},
  {"affine_grid", function() F.affine_grid(some(2, 2, 3), {1, 1, 2, 2}) end,
    "affine_grid: size must be {2, c, h, w}, not {1, 1, 2, 2}"},
  {"grid_sample", function() F.grid_sample(some(1, 1, 2, 2), some(2, 1, 1, 2)) end,
    "grid_sample: grid must be float64 of shape (1, h, w, 2), not float64 (2, 1, 1, 2)"},
  {"grid_sample",
    function() F.grid_sample(some(1, 1, 2, 2), some(1, 1, 1, 2), {mode = "bicubic"}) end,
    "grid_sample: mode must be \"bilinear\" or \"nearest\", not \"bicubic\""},
  {"conv_transpose2d",
    function() F.conv_transpose2d(some(1, 2, 3, 3), some(2, 1, 2, 2), {output_padding = 1}) end,
    "conv_transpose2d: output_padding must be below the stride or the dilation, not 1"},
  {"adaptive_avg_pool2d", function() F.adaptive_avg_pool2d(some(1, 1, 2, 2), 0) end,
    "adaptive_avg_pool2d: size must be from 1 to 2147483647, not 0"},
}

describe("the message of", function()
  for i, case in ipairs(MESSAGES) do
    it(("%s names the wrong argument (%d)"):format(case[1], i), function()
      assert.has_error(case[2], case[3])
    end)
  end
end)
