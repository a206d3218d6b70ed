--- conv2d over channels, kernels, strides, padding, dilation and groups: forward and the
-- three gradients, in float64 against the reference and in float32 against float64.

local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"
local image <const> = require "spec.support.reference_image"

local KERNELS <const> = {{1, 1}, {3, 3}, {2, 3}, {5, 5}, {1, 5}, {4, 1}, {3, 2}, {2, 2},
  {5, 3}}

-- Every option changes with its own period, so that many combinations occur.
local function options(i, padding)
  return {stride = {i % 3 + 1, (i // 3) % 3 + 1},
    dilation = {i % 2 + 1, (i // 2) % 2 + 1},
    padding = padding or {i % 3, (i + 1) % 3}}
end

-- The size of an image that is at most a few pixels larger than the kernel.
local function image_size(kernel, o, d, i)
  local pad <const> = type(o.padding) == "table" and o.padding[d] or 0
  local span <const> = o.dilation[d] * (kernel[d] - 1) + 1
  return math.max(1, span - 2 * pad + i % 4)
end

local function case(n, c, out, kernel, groups, o, i)
  o.groups = groups
  return {x = {n, c, image_size(kernel, o, 1, i), image_size(kernel, o, 2, i + 1)},
    w = {out, c // groups, kernel[1], kernel[2]}, bias = i % 3 > 0, o = o}
end

local dense <const>, grouped <const>, same <const> = {}, {}, {}
for _, c in ipairs {1, 3, 4, 5, 16, 33, 48, 65} do
  for _, out in ipairs {1, 7, 32, 33, 64} do
    local i <const> = #dense
    dense[i + 1] = case(i % 2 + 1, c, out, KERNELS[i % #KERNELS + 1], 1, options(i), i)
  end
end
for i, g in ipairs {{2, 2, 2}, {3, 3, 3}, {4, 8, 2}, {5, 5, 5}, {16, 16, 16},
    {33, 33, 33}, {48, 48, 48}, {65, 65, 65}, {16, 32, 16}, {3, 9, 3}, {32, 64, 2},
    {48, 36, 3}, {66, 64, 2}, {32, 32, 8},
    {33, 66, 11}, {64, 64, 4}} do
  grouped[2 * i - 1] = case(2, g[1], g[2], KERNELS[i % #KERNELS + 1], g[3], options(i), i)
  grouped[2 * i] = case(1, g[1], g[2], {3, 3}, g[3], options(0, {1, 1}), i)
end
for i, kernel in ipairs(KERNELS) do
  local o <const> = {stride = {1, 1}, dilation = {i % 2 + 1, 1}, padding = "same"}
  same[i] = case(1, 5 - i % 3, 4, kernel, 1, o, i)
  same[i].x[3], same[i].x[4] = i % 5 + 1, 6 - i % 4
end
local wide <const> = { -- several tiles of pixels, the last one not full
  {x = {2, 3, 17, 19}, w = {33, 3, 3, 3}, bias = true, o = {padding = 1}},
  {x = {1, 16, 13, 29}, w = {7, 16, 3, 3}, bias = true, o = {padding = 1, stride = 2}},
  {x = {1, 20, 9, 31}, w = {33, 20, 1, 1}, o = {}},
  {x = {1, 2, 3, 64}, w = {5, 2, 1, 5}, bias = true, o = {padding = {0, 2}}},
  {x = {1, 1, 40, 3}, w = {2, 1, 3, 3}, o = {dilation = {3, 1}, padding = {3, 1}}},
}

local function name(k)
  local function text(v)
    return type(v) == "table" and v[1] .. "x" .. v[2] or tostring(v or 1)
  end
  return ("(%s) * (%s) stride %s padding %s dilation %s groups %d"):format(
    table.concat(k.x, ","), table.concat(k.w, ","), text(k.o.stride),
    k.o.padding and text(k.o.padding) or "0", text(k.o.dilation), k.o.groups or 1)
end

local function describe_inputs(k)
  return {arrays.real(k.x, -1, 1), arrays.real(k.w, -1, 1),
    k.bias and arrays.real({k.w[1]}, -1, 1) or nil,
    n = 3}
end

local function gradient_values(y)
  local dy <const> = {shape = y.shape}
  for i = 1, y:numel() do dy[i] = (i * 37 % 64 - 31.5) / 64 end
  return dy
end

-- y and the gradients towards x, w and the bias.
local function braided(k, float, layout)
  local args <const> = arrays.arguments(describe_inputs(k), float, layout)
  local x <const>, w <const>, b <const> = args[1], args[2], args[3]
  for _, t in ipairs {x, w, b} do t:requires_grad_() end
  local y <const> = core.ops.conv2d(x, w, b, k.o)
  y:backward {gradient = arrays.tensor(gradient_values(y), float)}
  return {y, x.grad, w.grad, b and b.grad}
end

local PARTS <const> = {"y", "dx", "dw", "dbias"}

local function compare(actual, expected, tolerance, where_)
  for i, e in ipairs(expected) do
    local text <const> = arrays.difference(arrays.array(actual[i]),
      e.dtype and arrays.array(e) or e,
      tolerance)
    if text then error(("%s %s: %s"):format(where_, PARTS[i], text), 0) end
  end
end

local function check(k)
  local float64 <const> = braided(k, "float64")
  local a <const> = arrays.arrays(describe_inputs(k))
  local y <const> = image.conv2d(a[1], a[2], a[3], k.o)
  local dx <const>, dw <const>, db <const> = image.conv2d_grad(a[1], a[2],
    gradient_values(float64[1]), k.o)
  compare(float64, {y, dx, dw, k.bias and db or nil}, 1e-12, name(k))
  -- Sums of up to 65 * 25 products below 1, rounded to 2^-24 each.
  local now <const> = core.isa()
  for _, isa in ipairs {"base", "avx2", "avx512"} do
    if core.isa(isa) then
      compare(braided(k, "float32"), float64, 2e-5, name(k) .. " float32 on " .. isa)
      compare(braided(k, "float64"), float64, 1e-12, name(k) .. " float64 on " .. isa)
    end
  end
  core.isa(now)
  for _, layout in ipairs(arrays.layout_names) do
    compare(braided(k, "float64", arrays.layouts[layout]), float64, 1e-12,
      name(k) .. " " .. layout)
  end
end

describe("conv2d", function()
  local saved
  before_each(function() saved = core.isa() end)
  after_each(function() core.isa(saved) end)

  it("is right for many numbers of channels, kernels and strides", function()
    for _, k in ipairs(dense) do check(k) end
  end)

  it("is right for groups, down to one channel each", function()
    for _, k in ipairs(grouped) do check(k) end
  end)

  it("with padding = \"same\" keeps the size; even kernels pad one more at the end", function()
    for _, k in ipairs(same) do check(k) end
  end)

  it("is right for images of several tiles", function()
    for _, k in ipairs(wide) do check(k) end
  end)

  it("names the shape or option that does not fit", function()
    local x <const> = core.new({1, 4, 5, 5}, "float32", 0)
    local function message(wshape, o, b)
      local w <const> = core.new(wshape, "float32", 0)
      local _ <const>, text <const> = pcall(core.ops.conv2d, x, w, b, o)
      return (text:gsub("^.*conv2d: ", "conv2d: "))
    end
    assert.equal("conv2d: weight expects 3 channels, input (1, 4, 5, 5) has 4",
      message {2, 3, 3, 3})
    assert.equal("conv2d: the kernel spans 6 pixels, more than the 5 of the padded input "
      .. "(1, 4, 5, 5)",
      message {2, 4, 6, 1})
    assert.equal("conv2d: groups = 3 must divide the 4 input and the 2 output channels",
      message({2, 4, 3, 3}, {groups = 3}))
    assert.equal("conv2d: stride must be from 1 to 2147483647, not 0",
      message({2, 4, 3, 3}, {stride = 0}))
    assert.equal("conv2d: padding must be from 0 to 2147483647, not -1",
      message({2, 4, 3, 3}, {padding = -1}))
    assert.equal("conv2d: padding must be a number, a pair or \"same\", not \"full\"",
      message({2, 4, 3, 3}, {padding = "full"}))
    assert.equal("conv2d: padding \"same\" needs stride 1",
      message({2, 4, 3, 3}, {padding = "same", stride = 2}))
    assert.equal("conv2d: bias must have shape (2), not (3)",
      message({2, 4, 3, 3}, nil, core.new({3}, "float32", 0)))
    assert.equal("conv2d: weight must have 4 dimensions, not the shape (2, 4)",
      message {2, 4})
  end)
end)
