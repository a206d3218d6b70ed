--- The operators that do an optimizer's step in one pass (sgd_step and others), against their
-- formulas in plain Lua.

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

-- Does three steps with the operator and with the formula, each with the state of the step before.
-- layout(t) gives the parameter a memory layout.
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

-- The other steps, one number at a time: f(p, g, s, step) changes the state s and returns p.
-- `state` lists the fields of s in the operator's order (false: left out), and `arg` gives the
-- operator's numbers.
local STEPS <const> = {
  ["adam_step with the largest v"] = {op = "adam_step", state = {"m", "v", "top"},
    arg = function(step) return 0.01, 0.8, 0.5, 1e-6, 0.1, 0, step end,
    f = function(p, g, s, step)
      g = g + 0.1 * p
      s.m, s.v = 0.8 * s.m + 0.2 * g, 0.5 * s.v + 0.5 * g * g
      s.top = math.max(s.top, s.v)
      return p - 0.01 * s.m / (1 - 0.8 ^ step) / (math.sqrt(s.top / (1 - 0.5 ^ step)) + 1e-6)
    end},
  ["rmsprop_step"] = {op = "rmsprop_step", state = {"square", false, false},
    arg = function() return 0.01, 0.9, 1e-6, 0.1, 0 end,
    f = function(p, g, s)
      g = g + 0.1 * p
      s.square = 0.9 * s.square + 0.1 * g * g
      return p - 0.01 * g / (math.sqrt(s.square) + 1e-6)
    end},
  ["rmsprop_step, centered, with momentum"] = {op = "rmsprop_step",
    state = {"square", "mean", "momentum"},
    arg = function() return 0.01, 0.75, 0.01, 0, 0.5 end,
    f = function(p, g, s)
      s.square, s.mean = 0.75 * s.square + 0.25 * g * g, 0.75 * s.mean + 0.25 * g
      s.momentum = 0.5 * s.momentum + g / (math.sqrt(s.square - s.mean * s.mean) + 0.01)
      return p - 0.01 * s.momentum
    end},
  ["adagrad_step"] = {op = "adagrad_step", state = {"sum"},
    arg = function() return 0.1, 1e-6, 0.1 end,
    f = function(p, g, s)
      g = g + 0.1 * p
      s.sum = s.sum + g * g
      return p - 0.1 * g / (math.sqrt(s.sum) + 1e-6)
    end},
  ["adadelta_step"] = {op = "adadelta_step", state = {"square", "moved"},
    arg = function() return 0.5, 0.9, 1e-3, 0.1 end,
    f = function(p, g, s)
      g = g + 0.1 * p
      s.square = 0.9 * s.square + 0.1 * g * g
      local by <const> = math.sqrt((s.moved + 1e-3) / (s.square + 1e-3)) * g
      s.moved = 0.9 * s.moved + 0.1 * by * by
      return p - 0.5 * by
    end},
  ["adamax_step"] = {op = "adamax_step", state = {"m", "top"},
    arg = function(step) return 0.01, 0.8, 0.9, 1e-6, 0.1, step end,
    f = function(p, g, s, step)
      g = g + 0.1 * p
      s.m, s.top = 0.8 * s.m + 0.2 * g, math.max(0.9 * s.top, math.abs(g) + 1e-6)
      return p - 0.01 / (1 - 0.8 ^ step) * s.m / s.top
    end},
}

-- The operator's state tensors: zeros like p, nil for those left out.
local function state_tensors(rule, p)
  local list <const> = {n = #rule.state}
  for i, name in ipairs(rule.state) do list[i] = name and braid.zeros_like(p) or nil end
  return list
end

local function run_step(rule, p, g, state, step)
  local args <const> = {p, g}
  for i = 1, state.n do args[2 + i] = state[i] end
  local numbers <const> = {rule.arg(step)}
  for i, v in ipairs(numbers) do args[2 + state.n + i] = v end
  core.ops[rule.op](table.unpack(args, 1, 2 + state.n + #numbers))
end

local function compare_step(rule, float, layout)
  for _, shape in ipairs(SHAPES) do
    local p <const>, tp = made(shape, float, 1)
    tp = layout(tp):clone()
    local state <const>, ts <const> = {}, state_tensors(rule, tp)
    for i = 1, #p do
      state[i] = {}
      for _, name in ipairs(rule.state) do
        if name then state[i][name] = 0 end
      end
    end
    for step = 1, 3 do
      local g <const>, tg <const> = made(shape, float, 2 + step)
      for i = 1, #p do p[i] = rule.f(p[i], g[i], state[i], step) end
      run_step(rule, tp, tg, ts, step)
    end
    assert.is_nil(arrays.difference(arrays.array(tp), p, TOLERANCE[float]))
    for j, name in ipairs(rule.state) do
      if name then
        local expected <const> = {shape = shape}
        for i = 1, #p do expected[i] = state[i][name] end
        assert.is_nil(arrays.difference(arrays.array(ts[j]), expected, TOLERANCE[float]))
      end
    end
  end
end

local STEP_NAMES <const> = {}
for name in pairs(STEPS) do STEP_NAMES[#STEP_NAMES + 1] = name end
table.sort(STEP_NAMES)

for _, name in ipairs(STEP_NAMES) do
  describe(name, function()
    for _, layout_name in ipairs {"plain", "channels_last"} do
      for _, float in ipairs {"float32", "float64"} do
        it(("follows the formula, %s, %s"):format(float, layout_name), function()
          local now <const> = core.isa()
          for _, isa in ipairs {"base", "avx2", "avx512"} do
            if core.isa(isa) then
              local ok <const>, message <const> =
                pcall(compare_step, STEPS[name], float, LAYOUTS[layout_name])
              core.isa(now)
              assert(ok, message)
            end
          end
          core.isa(now)
        end)
      end
    end

    it("gives the same bits on 1, 2 and 3 threads", function()
      local now <const>, results <const> = braid.get_threads(), {}
      for threads = 1, 3 do
        braid.set_threads(threads)
        braid.manual_seed(1)
        local p <const>, g <const> = braid.randn(100003), braid.randn(100003)
        local state <const> = state_tensors(STEPS[name], p)
        run_step(STEPS[name], p, g, state, 1)
        run_step(STEPS[name], p, g, state, 2)
        results[threads] = core.bytes(p) .. core.bytes(state[1])
      end
      braid.set_threads(now)
      assert.is_true(results[1] == results[2] and results[1] == results[3])
    end)
  end)
end

describe("sgd_step and adam_step", function()
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

  it("make a later backward raise an error if it needs the parameter's old value", function()
    local p <const> = braid.ones(3):requires_grad_()
    local y <const> = (p * p):sum()
    core.ops.sgd_step(p, braid.ones(3), nil, 0.1, 0, 0, 0, 0, 1)
    assert.error_matches(function() y:backward() end, "changed in place")
  end)
end)

describe("core.updates, a step over several parameters,", function()
  local function parameters()
    local p <const>, q <const> = braid.ones(3, 5):requires_grad_(), braid.ones(40000)
    p.grad, q.grad = braid.full({3, 5}, 2), braid.full({40000}, 3)
    return p, q
  end

  local function is_full(t, value) return t:detach():eq(value):all():item() end

  it("is one call, with separate numbers for each parameter", function()
    local p <const>, q <const> = parameters()
    local updates <const> = core.updates("sgd_step")
    updates:run()
    updates:add(p, false, 0.5, 0, 0, 0, 0, 1)
    updates:add(q, false, 0.25, 0, 0, 0, 0, 1)
    braid.no_grad(function() updates:run() end)
    assert.is_true(is_full(p, 0))
    assert.is_true(is_full(q, 0.25))
    updates:run() -- does nothing, as each step runs once
    assert.is_true(is_full(q, 0.25))
  end)

  it("keeps the tensors alive until it runs", function()
    local updates <const> = core.updates("sgd_step")
    local kept <const> = {}
    for i = 1, 200 do
      local p <const> = braid.full({i % 7}, i)
      p.grad = p:clone()
      updates:add(p, false, 1, 0, 0, 0, 0, 1)
      kept[i] = p:view(-1)
    end
    collectgarbage()
    updates:run()
    for i = 1, 200 do assert.is_true(is_full(kept[i], 0)) end
  end)

  it("changes no parameter if an argument for one of them is wrong", function()
    for message, spoil in pairs{
      ["sgd_step: a parameter has no gradient"] = function(u, q)
        q.grad = nil
        u:add(q, false, 0.25, 0, 0, 0, 0, 1)
      end,
      ["sgd_step: value 2 is not a tensor"] = function(u, q) u:add(q, 7, 0.25, 0, 0, 0, 0, 1) end,
      ["sgd_step: value 3 is not a number"] = function(u, q)
        u:add(q, false, "x", 0, 0, 0, 0, 1)
      end,
      ["sgd_step: value 8 is not a number"] = function(u, q) u:add(q, false, 1, 0, 0, 0, 0) end,
      ["sgd_step: a parameter float32 (40000) and its state or gradient float32 (7) do not match"] =
        function(u, q) u:add(q, braid.ones(7), 0.25, 0, 0, 0, 0, 1) end,
    } do
      local p <const>, q <const> = parameters()
      local updates <const> = core.updates("sgd_step")
      updates:add(p, false, 0.5, 0, 0, 0, 0, 1)
      assert.has_error(function()
        spoil(updates, q)
        updates:run()
      end, message)
      assert.is_true(is_full(p, 1))
    end
    assert.has_error(function() core.updates("relu") end,
      "updates: 'relu' is not a step of an optimizer")
  end)
end)

describe("core.clear_grads", function()
  it("removes the gradients of a list of parameters", function()
    local p <const>, q <const> = braid.ones(3), braid.ones(2, 2)
    p.grad = braid.ones(3)
    assert.is_true(core.has_grad(p))
    assert.is_false(core.has_grad(q))
    core.clear_grads{p, q}
    assert.is_nil(p.grad)
    assert.has_error(function() core.clear_grads{p, 5} end,
      "clear_grads: value 2 is not a tensor")
  end)
end)
