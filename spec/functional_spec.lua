--- Functions composed of operators: gradients against differences, and messages. Their
-- values are compared with PyTorch's in golden_functions_spec.lua.

local braid <const> = require "braid"
local F <const> = braid.F

-- Values spread over (-1, 1) without ties, float64, with a gradient.
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
  it("is found by its name, and as a method", function()
    local x <const> = some(2, 3, 4, 4)
    assert.same(x:mean({3, 4}):totable(), F.global_avg_pool(x):totable())
    assert.same(F.global_avg_pool(x):totable(), x:global_avg_pool():totable())
    assert.is_nil(F.no_such_function)
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

  it("has the gradient that differences give", function()
    gradient(function(x, w, b)
      return F.conv1d(x, w, b, {stride = 2, padding = 2, dilation = 2, groups = 2})
    end, some(2, 4, 7), some(6, 2, 3), some(6))
  end)

  it("names the shapes it wants", function()
    assert.has_error(function() F.conv1d(braid.zeros(2, 3), braid.zeros(1, 3, 1)) end,
      "conv1d: x must have shape (n, c, l) and weight (o, c, k), not (2, 3) and (1, 3, 1)")
    assert.has_error(function() F.conv1d(some(1, 1, 3), some(1, 1, 1), {pad = 1}) end,
      "conv1d: there is no option 'pad'; there is dilation, groups, padding, stride")
  end)
end)

describe("lp_pool2d", function()
  it("is the norm of each window", function()
    local x <const> = braid.tensor {{{{3, 4}, {0, 0}}}}
    assert.near(5, F.lp_pool2d(x, 2, 2):item(), 1e-6)
    assert.near(7, x:lp_pool2d(1, 2):item(), 1e-6)
  end)

  it("has the gradient that differences give", function()
    gradient(function(x) return F.lp_pool2d(x, 2, {2, 3}, {stride = 1, ceil_mode = true}) end,
      some(1, 2, 4, 5))
  end)
end)
