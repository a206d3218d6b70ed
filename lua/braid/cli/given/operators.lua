--- The speed of operators on this machine: how many operations they compute, or how many bytes they
-- move, in a second.

local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local optim <const> = require "braid.optim"
local tensor <const> = require "braid.tensor"
local timing <const> = require "braid.profile.timing"
local ops <const> = core.ops

local M <const> = {}

local LEAST <const> = 5 -- calls that are timed, at least

-- Maps (n,c,size,size) as a network has them: the channels of a pixel are neighbours in memory.
local function maps(n, c, size) return ops.channels_last(tensor.randn(n, c, size, size)) end

local function bytes(...)
  local sum = 0
  for _, t in ipairs{...} do sum = sum + 4 * t:numel() end
  return sum
end

-- A convolution without a bias.
local function conv(name, n, c, size, outputs, kernel, o)
  return {name = ("conv2d %s, n%d c%d -> %d, %dx%d"):format(name, n, c, outputs, size, size),
    make = function()
      local groups <const> = o and o.groups or 1
      local x <const>, w <const> = maps(n, c, size),
        tensor.randn(outputs, c // groups, kernel, kernel) * 0.01
      local given <const> = {padding = kernel // 2, groups = groups, stride = o and o.stride or 1}
      local y <const> = ops.conv2d(x, w, nil, given)
      return {x = x, w = w, flop = 2 * y:numel() * (c // groups) * kernel * kernel,
        f = function() return ops.conv2d(x, w, nil, given) end}
    end}
end

-- A row for a function f of maps. moved(x, y) returns the bytes that f reads and writes.
local function elementwise(name, f, moved, shape)
  return {name = name, make = function()
    local x <const> = shape and tensor.randn(table.unpack(shape)) or maps(32, 64, 64)
    local y <const> = f(x)
    return {x = x, bytes = moved(x, y), f = function() return f(x) end}
  end}
end

local function in_out(x, y) return bytes(x, y) end

local function product(name, m, k, n)
  return {name = ("%s %d x %d x %d"):format(name, m, k, n), make = function()
    local a <const>, b <const> = tensor.randn(m, k), tensor.randn(k, n)
    return {x = a, w = b, flop = 2 * m * k * n, f = function() return ops.matmul(a, b) end}
  end}
end

local function batch_norm(x)
  local c <const> = x:size(2)
  return ops.batch_norm(x, tensor.ones(c), tensor.zeros(c), tensor.zeros(c), tensor.ones(c),
    {training = true})
end

local function adam()
  local p <const> = tensor.randn(1 << 20):requires_grad_()
  p.grad = tensor.randn(1 << 20)
  local opt <const> = optim.Adam({p}, {lr = 1e-5})
  return {bytes = 7 * bytes(p), f = function() opt:step() end}
end

local ROWS <const> = {
  conv("3x3", 8, 64, 32, 64, 3), conv("1x1", 8, 128, 32, 128, 1),
  conv("3x3/2", 8, 64, 32, 128, 3, {stride = 2}), conv("7x7/2", 8, 3, 64, 64, 7, {stride = 2}),
  conv("3x3, 8 groups", 8, 128, 32, 128, 3, {groups = 8}),
  product("matmul", 512, 512, 512), product("matmul", 64, 2048, 512),
  elementwise("relu, n32 c64 64x64", function(x) return ops.relu(x) end, in_out),
  elementwise("sigmoid, n32 c64 64x64", function(x) return ops.sigmoid(x) end, in_out),
  elementwise("x + y, n32 c64 64x64", function(x) return x + x end, function(x, y)
    return bytes(x, x, y)
  end),
  elementwise("sum, n32 c64 64x64", function(x) return ops.sum(x) end, in_out),
  elementwise("batch_norm, n32 c64 64x64", batch_norm, function(x, y) return bytes(x, x, y) end),
  elementwise("max_pool2d 2x2, n32 c64 64x64", function(x) return ops.max_pool2d(x, 2) end,
    in_out),
  elementwise("softmax, 512 x 1000", function(x) return ops.softmax(x, 2) end, in_out,
    {512, 1000}),
  {name = "Adam step, 2^20 values", make = adam},
}

-- The time of the gradients of x and, if there is one, of w.
local function backward_of(made, seconds)
  local wanted <const> = {made.x, made.w}
  for _, t in ipairs(wanted) do t:requires_grad_() end
  local dy <const> = tensor.ones_like(made.f():detach())
  local t <const> = timing(function(y) grad.grad(y, wanted, {gradient = dy}) end,
    {seconds = seconds, least = LEAST, before = made.f, scope = true})
  for _, each in ipairs(wanted) do each:requires_grad_(false) end
  return t
end

--- The names of the rows.
function M.names()
  local names <const> = {}
  for i, row in ipairs(ROWS) do names[i] = row.name end
  return names
end

--- Calls each(row) for the rows that wanted(name) accepts: {name, ms, backward_ms, gflops or gbs
-- (of the best forward call)}. ms are the least of many calls.
function M.run(wanted, seconds, each)
  for _, row in ipairs(ROWS) do
    if wanted(row.name) then
      local _ <close> = grad.scope()
      local made <const> = row.make()
      local t <const> = timing(made.f, {seconds = seconds, least = LEAST, scope = true})
      local result <const> = {name = row.name, ms = t.least * 1e3, runs = t.runs}
      if made.flop then result.gflops = 1e-9 * made.flop / t.least end
      if made.bytes then result.gbs = 1e-9 * made.bytes / t.least end
      if made.x then result.backward_ms = backward_of(made, seconds).least * 1e3 end
      each(result)
    end
  end
end

return M
