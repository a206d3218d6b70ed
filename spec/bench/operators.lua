--- Measures single operators, without convolutions, against the speed that limits them: that of
-- memory for most, of arithmetic for matrix products. Bytes are those that must move if every
-- tensor is read or written once (tensors saved from forward to backward count as read). The maps
-- are larger than usual caches. A share far above 1 means that this machine has a larger cache.

local braid <const> = require "braid"
local measure <const> = require "spec.bench.measure"

local F <const> = braid.F

-- Random values from -1 to 1.
local function noise(...) return braid.rand(...):mul_(2):sub_(1) end

local function images(n, c, h, w) return noise(n, h, w, c):permute(1, 4, 2, 3) end

local function map(n, c, size) return images(n, c, size, size) end

local function bytes(...)
  local total = 0
  for _, t in ipairs{...} do total = total + 4 * t:numel() end
  return total
end

-- Returns two rows: forward and backward of y = f(x).
local function both(name, x, f, forward_bytes, backward_bytes)
  local y <const> = f(x)
  local dy <const> = y:memory_format() == "channels_last"
    and images(table.unpack(y.shape)) or noise(y.shape)
  return {name = name, bytes = forward_bytes(x, y),
      before = function() x:requires_grad_(false) end, f = function() return f(x) end},
    {name = name .. ", backward", bytes = backward_bytes(x, y), before = function()
      x:requires_grad_()
      return f(x)
    end, f = function(graph) braid.grad(graph, {x}, {gradient = dy}) end}
end

local function in_out(x, y) return bytes(x, y) end
local function two_in_one_out(x, y) return bytes(x, x, y) end

local function pooling(add)
  add(both("max_pool2d 2x2, n8 c64 128x128", map(8, 64, 128),
    function(x) return F.max_pool2d(x, 2) end, in_out, in_out))
  add(both("max_pool2d 3x3/2, n8 c64 64x64", map(8, 64, 64),
    function(x) return F.max_pool2d(x, 3, {stride = 2, padding = 1}) end, in_out, in_out))
  add((both("global average, n64 c512 8x8", map(64, 512, 8),
    function(x) return x:mean({3, 4}) end, in_out, in_out)))
end

local function norms(add)
  local c <const> = 64
  local weight <const>, bias <const> = braid.ones(c), braid.zeros(c)
  local mean <const>, var <const> = braid.zeros(c), braid.ones(c)
  local x <const> = map(64, c, 64)
  local function norm(training)
    return function(t)
      return F.batch_norm(t, weight, bias, mean, var, {training = training})
    end
  end
  add(both("batch_norm, training, n64 c64 64x64", x, norm(true),
    two_in_one_out, function(_, y) return bytes(x, x, y, y, x) end))
  add((both("batch_norm, evaluation, n64 c64 64x64", x, norm(false), in_out, in_out)))
end

local function elementwise(add)
  local x <const>, other <const> = map(64, 64, 64), map(64, 64, 64)
  local channel <const> = braid.randn(64, 1, 1)
  add(both("relu, n64 c64 64x64", x, function(t) return t:relu() end, in_out, two_in_one_out))
  add(both("tanh():abs()", x, function(t) return t:tanh():abs() end, in_out, two_in_one_out))
  add((both("x + y", x, function(t) return t + other end, two_in_one_out, in_out)))
  add((both("x + bias of a channel", x, function(t) return t + channel end, in_out, in_out)))
  add(both("(x + y):relu()", x, function(t) return (t + other):relu() end, two_in_one_out,
    two_in_one_out))
  add((both("sigmoid", x, function(t) return t:sigmoid() end, in_out, in_out)))
  add((both("cat of two along channels", x, function(t) return braid.cat({t, other}, 2) end,
    function(_, y) return bytes(y, y) end, in_out)))
  add((both("sum of all", x, function(t) return t:sum() end, in_out, in_out)))
  add({name = "x:add_(y)", bytes = bytes(other, other, other),
    before = function() return other:clone() end, f = function(t) t:add_(other) end})
end

local function losses(add)
  local target <const> = braid.randint(1, 1000, {512})
  add(both("cross_entropy, 512 x 1000", braid.randn(512, 1000),
    function(x) return F.cross_entropy(x, target) end, in_out, two_in_one_out))
  add((both("softmax, 512 x 1000", braid.randn(512, 1000), function(x) return x:softmax(2) end,
    in_out, in_out)))
end

local function linear(add, n, inputs, outputs)
  local x <const>, w <const> = noise(n, inputs), noise(outputs, inputs) * 0.01
  local dy <const> = braid.randn(n, outputs)
  local name <const> = ("linear %d x %d, batch %d"):format(inputs, outputs, n)
  local flop <const> = 2 * n * inputs * outputs
  add({name = name, flop = flop, f = function() return F.linear(x, w) end})
  for what, t in ipairs{x, w} do
    add({name = name .. (what == 1 and ", input gradient" or ", weight gradient"), flop = flop,
      before = function()
        x:requires_grad_(what == 1)
        w:requires_grad_(what == 2)
        return F.linear(x, w)
      end, f = function(y) braid.grad(y, {t}, {gradient = dy}) end})
  end
end

-- Measures an optimizer over `count` parameters of n values each. Each step moves `streams`
-- values for every parameter value.
local function optimizer(add, name, class, options, count, n, streams)
  local parameters <const> = {}
  for i = 1, count do
    parameters[i] = noise(n):requires_grad_()
    parameters[i].grad = noise(n)
  end
  local opt <const> = braid.optim[class](parameters, options)
  add({name = ("%s, %d x %d values"):format(name, count, n), bytes = 4 * streams * count * n,
    f = function() opt:step() end})
end

local GROUPS <const> = {
  {"pooling", pooling}, {"norm", norms}, {"elementwise", elementwise}, {"losses", losses},
  {"linear", function(add)
    linear(add, 32, 8192, 2048)
    linear(add, 32, 46208, 1024)
    linear(add, 64, 140, 360)
  end},
  {"optimizer", function(add)
    optimizer(add, "Adam", "Adam", {lr = 1e-6}, 1, 10000000, 7)
    optimizer(add, "Adam", "Adam", {lr = 1e-6}, 500, 500, 7)
    optimizer(add, "SGD, momentum", "SGD", {lr = 1e-6, momentum = 0.9}, 1, 10000000, 5)
  end},
}

local M <const> = {}

local function one(case, o, machine)
  local time <const> = measure.time(case.f, o.quick and 0.02 or 0.2, case.before)
  local row <const> = {name = case.name, ms = time.least}
  if case.flop then
    row.gflops = case.flop / time.least * 1e-6
    row.share = row.gflops / machine.peak_gflops[o.threads]
  else
    row.gbs = case.bytes / time.least * 1e-6
    row.share = row.gbs / machine.triad_gbs[o.threads]
  end
  return row
end

--- Appends rows {name =, ms =, gflops = or gbs =, share =} and gives each to `show`.
function M.run(o, machine, rows, show)
  for _, group in ipairs(GROUPS) do
    local _ <close> = braid.scope()
    group[2](function(...)
      for _, case in ipairs{...} do
        if o.wanted("operators " .. group[1], case.name) then
          rows[#rows + 1] = one(case, o, machine)
          show(rows[#rows])
        end
      end
    end)
  end
end

return M
