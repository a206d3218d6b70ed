--- The fused optimizer steps, against the formulas written out.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local arrays <const> = require "spec.support.arrays"

-- Plain SGD as PyTorch defines it, one number at a time.
local function sgd(p, g, m, o)
  g = g + o.weight_decay * p
  if m then
    m = o.first == 1 and g or o.mu * m + (1 - o.dampening) * g
    g = o.nesterov == 1 and g + o.mu * m or m
  end
  return p - o.lr * g, m
end

-- Kingma and Ba 2015, algorithm 1; decoupled decay after Loshchilov and Hutter 2019.
local function adam(p, g, m, v, o)
  if o.decoupled == 1 then
    p = p - o.lr * o.weight_decay * p
  else
    g = g + o.weight_decay * p
  end
  m = o.beta1 * m + (1 - o.beta1) * g
  v = o.beta2 * v + (1 - o.beta2) * g * g
  local mean <const>, square <const> = m / (1 - o.beta1 ^ o.step),
    v / (1 - o.beta2 ^ o.step)
  return p - o.lr * mean / (math.sqrt(square) + o.eps), m, v
end

local SHAPES <const> = {{1}, {7}, {65}, {2, 5, 3, 3}, {0}, {}}
local TOLERANCE <const> = {float32 = 2e-6, float64 = 1e-13}

local function made(shape, float, salt)
  local a <const> = {shape = shape}
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do a[i] = ((i * 37 + salt * 11) % 64 - 31.5) / 32 end
  return a, arrays.tensor(a, float)
end

-- Three steps of both, the state carried on; layout(t) lays the parameter out.
local function compare_sgd(o, with_momentum, float, layout)
  for _, shape in ipairs(SHAPES) do
    local p <const>, tp = made(shape, float, 1)
    local m <const>, tm = made(shape, float, 2)
    tp, tm = layout(tp):clone(), layout(tm):clone()
    for step = 1, 3 do
      local g <const>, tg <const> = made(shape, float, 2 + step)
      o.first = step == 1 and 1 or 0
      for i = 1, #p do p[i], m[i] = sgd(p[i], g[i], with_momentum and m[i] or nil, o) end
      core.ops.sgd_step(tp, tg, with_momentum and tm or nil, o.lr, o.mu, o.dampening,
        o.weight_decay,
        o.nesterov, o.first)
    end
    assert.is_nil(arrays.difference(arrays.array(tp), p, TOLERANCE[float]))
    if with_momentum then
      assert.is_nil(arrays.difference(arrays.array(tm), m, TOLERANCE[float]))
    end
  end
end

local function compare_adam(o, float, layout)
  for _, shape in ipairs(SHAPES) do
    local p <const>, tp = made(shape, float, 1)
    local m <const>, v <const> = {shape = shape}, {shape = shape}
    for i = 1, #p do m[i], v[i] = 0, 0 end
    tp = layout(tp):clone()
    local tm <const>, tv <const> = braid.zeros_like(tp), braid.zeros_like(tp)
    for step = 1, 3 do
      local g <const>, tg <const> = made(shape, float, 2 + step)
      o.step = step
      for i = 1, #p do p[i], m[i], v[i] = adam(p[i], g[i], m[i], v[i], o) end
      core.ops.adam_step(tp, tg, tm, tv, nil, o.lr, o.beta1, o.beta2, o.eps, o.weight_decay,
        o.decoupled, step)
    end
    local actual <const> = {tp, tm, tv}
    for i, expected in ipairs {p, m, v} do
      assert.is_nil(arrays.difference(arrays.array(actual[i]), expected,
        TOLERANCE[float]))
    end
  end
end

local LAYOUTS <const> = {plain = function(t) return t end,
  channels_last = arrays.layouts.channels_last}

for _, layout_name in ipairs {"plain", "channels_last"} do
  local layout <const> = LAYOUTS[layout_name]
  for _, float in ipairs {"float32", "float64"} do
    local suffix <const> = (", %s, %s"):format(float, layout_name)

    describe("sgd_step", function()
      it("without momentum follows the formula" .. suffix, function()
        compare_sgd({lr = 0.1, mu = 0, dampening = 0, weight_decay = 0.01, nesterov = 0},
          false, float, layout)
      end)
      it("with momentum, dampening and decay follows the formula" .. suffix, function()
        compare_sgd({lr = 0.1, mu = 0.9, dampening = 0.3, weight_decay = 0.01,
          nesterov = 0}, true, float,
          layout)
      end)
      it("with Nesterov momentum follows the formula" .. suffix, function()
        compare_sgd({lr = 0.1, mu = 0.9, dampening = 0, weight_decay = 0, nesterov = 1},
          true, float, layout)
      end)
    end)

    describe("adam_step", function()
      it("follows the formula" .. suffix, function()
        compare_adam({lr = 0.01, beta1 = 0.9, beta2 = 0.999, eps = 1e-8,
          weight_decay = 0.1,
          decoupled = 0}, float, layout)
      end)
      it("with decoupled decay follows the formula" .. suffix, function()
        compare_adam({lr = 0.01, beta1 = 0.8, beta2 = 0.99, eps = 1e-6,
          weight_decay = 0.1,
          decoupled = 1}, float, layout)
      end)
    end)
  end
end

describe("optimizer steps", function()
  it("give the same bits on 1, 2 and 3 threads", function()
    local now <const>, results <const> = braid.get_threads(), {}
    for threads = 1, 3 do
      braid.set_threads(threads)
      braid.manual_seed(1)
      local p <const>, g <const> = braid.randn(100003), braid.randn(100003)
      local m <const>, v <const> = braid.zeros(100003), braid.zeros(100003)
      core.ops.sgd_step(p, g, m, 0.1, 0.9, 0, 0.01, 1, 1)
      core.ops.adam_step(p, g, m, v, nil, 0.1, 0.9, 0.99, 1e-8, 0.01, 0, 1)
      results[threads] = core.bytes(p) .. core.bytes(m) .. core.bytes(v)
    end
    braid.set_threads(now)
    assert.is_true(results[1] == results[2] and results[1] == results[3])
  end)

  it("refuse a gradient of another shape or type", function()
    local p <const> = braid.zeros(2, 3)
    local function step(g) core.ops.sgd_step(p, g, nil, 0.1, 0, 0, 0, 0, 1) end
    assert.has_error(function() step(braid.zeros(3, 2)) end,
      "sgd_step: a parameter float32 (2, 3) and its state or gradient float32 (3, 2) do "
      .. "not match")
    assert.has_error(function() step(braid.zeros(2, 3, {dtype = "float64"})) end,
      "sgd_step: a parameter float32 (2, 3) and its state or gradient float64 (2, 3) do "
      .. "not match")
  end)

  it("refuse a parameter with gaps in memory", function()
    local p <const> = braid.zeros(4, 4):narrow(2, 1, 2)
    assert.error_matches(function()
      core.ops.sgd_step(p, braid.zeros(4, 2), nil, 0.1, 0, 0, 0, 0, 1)
    end, "sgd_step: the parameter %(4, 2%) must lie densely in memory")
  end)

  it("are changes in place to a gradient that still needs the old value", function()
    local p <const> = braid.ones(3):requires_grad_()
    local y <const> = (p * p):sum()
    core.ops.sgd_step(p, braid.ones(3), nil, 0.1, 0, 0, 0, 0, 1)
    assert.error_matches(function() y:backward() end, "changed in place")
  end)
end)
