--- Schedules, groups and states of optimizers, LBFGS, clipping and optim.EMA. The steps themselves
-- are in golden_optim_spec.lua and update_spec.lua.

local braid <const> = require "braid"
local nn <const>, optim <const> = braid.nn, braid.optim

local function parameter(...)
  return braid.tensor({...}, {dtype = "float64", requires_grad = true})
end

-- The factors that a schedule gives: before the first step, then after each step.
local function factors(f, n, metrics)
  local opt <const> = optim.SGD({parameter(1)}, {lr = 1})
  local schedule <const> = optim.schedule(opt, f)
  local list <const> = {opt.factor}
  for i = 1, n do
    assert.equal(schedule:step(metrics and metrics[i]), opt.factor)
    list[i + 1] = opt.factor
  end
  return list
end

-- The factors of PyTorch's schedulers for the same settings, to 12 digits.
local SCHEDULES <const> = {
  step = {optim.step(3, {gamma = 0.5}), {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25}},
  multistep = {optim.multistep({2, 5}), {1, 1, 0.1, 0.1, 0.1, 0.01, 0.01}},
  exponential = {optim.exponential(0.9), {1, 0.9, 0.81, 0.729, 0.6561}},
  cosine = {optim.cosine(5, {last = 0.1}),
    {1, 0.914057647469, 0.689057647469, 0.410942352531, 0.185942352531, 0.1, 0.1}},
  poly = {optim.poly(5, {power = 0.9}),
    {1, 0.818052146051, 0.631445867489, 0.438383290554, 0.234923788618, 0, 0}},
  one_cycle = {optim.one_cycle(10),
    {0.04, 0.52, 1, 0.950484632013, 0.81174565395, 0.611262021936, 0.388741978064,
      0.18825834605, 0.0495193679865, 4e-06, 4e-06}},
  ["one_cycle with anneal = 'linear'"] = {optim.one_cycle(10, {pct_start = 0.4, anneal = "linear",
    div_factor = 10, final_div_factor = 100}),
    {0.1, 0.4, 0.7, 1, 0.8335, 0.667, 0.5005, 0.334, 0.1675, 0.001}},
  warmup = {optim.warmup(4), {1 / 3, 0.5, 2 / 3, 5 / 6, 1, 1, 1}},
  ["warmup, then exponential"] = {optim.warmup(2, {start = 0.5, after = optim.exponential(0.1)}),
    {0.5, 0.75, 1, 0.1, 0.01}},
  plateau = {optim.plateau{factor = 0.5, patience = 1, cooldown = 1, lowest = 0.2},
    {1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.2, 0.2, 0.2},
    {1, 0.9, 0.95, 0.91, 0.92, 0.93, 0.89995, 0.5, 0.6, 0.6, 0.6, 0.6}},
  ["plateau with mode = 'max'"] = {optim.plateau{mode = "max", patience = 0, threshold = 0.1,
    threshold_mode = "abs"}, {1, 1, 0.1, 0.1, 0.01, 0.001, 0.001, 0.0001, 0.00001},
    {1, 1.05, 1.3, 1.35, 1.2, 1.5, 1.5, 1.5}},
}

describe("schedules", function()
  for name, case in pairs(SCHEDULES) do
    it("give PyTorch's factors: " .. name, function()
      local f <const>, expected <const>, metrics <const> = case[1], case[2], case[3]
      local list <const> = factors(f, #expected - 1, metrics)
      for i, v in ipairs(expected) do
        assert.near(v, list[i], 1e-11, name .. ", step " .. i - 1) -- SCHEDULES has 12 digits
      end
    end)
  end

  it("can be any function of step, epoch and metrics", function()
    local seen <const> = {}
    local opt <const> = optim.SGD({parameter(1)}, {lr = 1})
    local schedule <const> = optim.schedule(opt, function(step, epoch, metrics)
      seen[#seen + 1] = {step, epoch, metrics or "none"}
      return 1 / (1 + epoch)
    end, {epoch_steps = 2})
    schedule:step("a")
    schedule:step("b")
    assert.same({ {0, 0, "none"}, {1, 0, "a"}, {2, 1, "b"} }, seen)
    assert.equal(0.5, opt.factor)
  end)

  it("multiply a group's rate together with its lr_mult", function()
    local a <const>, b <const> = parameter(1), parameter(1)
    local opt <const> = optim.SGD({ {params = {a}}, {params = {b}, lr_mult = 10} }, {lr = 0.01})
    local schedule <const> = optim.schedule(opt, optim.exponential(0.5))
    schedule:step();
    (a + b):sum():backward()
    opt:step()
    assert.near(1 - 0.005, a:item(), 1e-15)
    assert.near(1 - 0.05, b:item(), 1e-15)
  end)

  it("go on from a saved state", function()
    local metrics <const> = {3, 2, 2, 2, 2, 2, 2}
    local function made()
      return optim.schedule(optim.SGD({parameter(1)}, {lr = 1}),
        optim.plateau{patience = 1, factor = 0.5})
    end
    local first <const>, second <const> = made(), made()
    for i = 1, 3 do first:step(metrics[i]) end
    second:load_state_dict(first:state_dict())
    for i = 4, 7 do assert.equal(first:step(metrics[i]), second:step(metrics[i])) end
    assert.equal(0.25, first.optimizer.factor)
    assert.equal(7, second.steps)
  end)

  it("take one field of a table of metrics with the option metric", function()
    local metrics <const> = { {pose = 1}, {pose = 1} }
    assert.same({1, 1, 0.1}, factors(optim.plateau{patience = 0, metric = "pose"}, 2, metrics))
  end)

  it("name the argument or option that is wrong", function()
    local opt <const> = optim.SGD({parameter(1)}, {lr = 1})
    for _, case in ipairs{
      {"optim.schedule: the first argument must be an optimizer",
        function() optim.schedule({}, optim.exponential(0.5)) end},
      {"optim.schedule: the second argument must be a function(step, epoch, metrics)",
        function() optim.schedule(opt, 0.5) end},
      {"optim.schedule: the factor that the function returns must be a number from 0, not nil",
        function() optim.schedule(opt, function() end) end},
      {"optim.step: size must be a whole number from 1, not 0", function() optim.step(0) end},
      {"optim.exponential: gamma must be a number above 0, not -1",
        function() optim.exponential(-1) end},
      {"optim.one_cycle: anneal must be \"cos\" or \"linear\", not \"quadratic\"",
        function() optim.one_cycle(10, {anneal = "quadratic"}) end},
      {"optim.plateau: mode must be \"min\" or \"max\", not \"best\"",
        function() optim.plateau{mode = "best"} end},
      {"optim.poly: there is no option 'exponent'; there is power",
        function() optim.poly(10, {exponent = 2}) end},
    } do
      local ok <const>, message <const> = pcall(case[2])
      assert.is_false(ok)
      assert.matches(case[1], message, 1, true)
    end
    local schedule <const> = optim.schedule(opt, optim.plateau{})
    assert.error_matches(function() schedule:step() end, "plateau: step wants a number, not nil")
  end)
end)

describe("opt:step", function()
  it("can take a function that computes the gradients and returns the loss", function()
    local a <const> = parameter(3)
    local opt <const> = optim.SGD({a}, {lr = 0.5})
    local loss <const> = opt:step(function()
      local value <const> = (a * a):sum()
      value:backward()
      return value
    end)
    assert.equal(9, loss:item())
    assert.equal(0, a:item())
  end)
end)

describe("opt:add_group", function()
  it("adds a group, with the optimizer's options for those that it lacks", function()
    local a <const>, b <const> = parameter(1), parameter(1)
    local opt <const> = optim.SGD({a}, {lr = 0.1, weight_decay = 0.5})
    opt:add_group{params = {b}, lr_mult = 2}
    assert.equal(0.5, opt.groups[2].weight_decay)
    a.grad, b.grad = nil, nil
    (a + b):sum():backward()
    opt:step()
    assert.near(1 - 0.15, a:item(), 1e-15)
    assert.near(1 - 0.3, b:item(), 1e-15)
  end)

  it("refuses a repeated parameter, an unknown option, and a value that is no group", function()
    local a <const> = parameter(1)
    local opt <const> = optim.Adam({a})
    for _, case in ipairs{
      {"Adam: group 2: parameter 1 is the same tensor as parameter 1 of group 1", {params = {a}}},
      {"Adam: group 2: there is no option 'momentum'", {params = {parameter(2)}, momentum = 1}},
      {"Adam: group 2 must be {params = {...}}", {parameter(2)}},
    } do
      local ok <const>, message <const> = pcall(opt.add_group, opt, case[2])
      assert.is_false(ok)
      assert.matches(case[1], message, 1, true)
    end
    assert.equal(1, #opt.groups)
  end)
end)

describe("the state of an optimizer", function()
  local function trained()
    local a <const>, b <const> = parameter(1, 2), parameter(3)
    local opt <const> = optim.Adam({ {params = {a}}, {params = {b}, lr_mult = 3} }, {lr = 0.1})
    opt.factor = 0.5;
    (a:sum() + b):sum():backward()
    opt:step()
    return opt, a, b
  end

  it("is made of numbers and tensors, by the positions of parameters", function()
    local opt <const> = trained()
    local dict <const> = opt:state_dict()
    assert.equal(1, dict.steps)
    assert.equal(0.5, dict.factor)
    assert.same({1}, dict.groups[1].params)
    assert.same({2}, dict.groups[2].params)
    assert.equal(3, dict.groups[2].lr_mult)
    assert.same({2}, dict.state[1].m.shape)
    assert.near(0.1, dict.state[2].m:item(), 1e-15)
    assert.equal(1, dict.state[2].step)
  end)

  it("is copied when it is loaded", function()
    local opt <const> = trained()
    local second <const>, a <const> = trained()
    local dict <const> = opt:state_dict()
    second:load_state_dict(dict)
    dict.state[1].m:fill_(7)
    assert.near(0.1, second.state[a].m[1]:item(), 1e-15)
  end)

  it("of another optimizer or network is refused", function()
    local opt <const>, a <const>, b <const> = trained()
    local dict <const> = opt:state_dict()
    local function refused(other, message)
      local ok <const>, got <const> = pcall(other.load_state_dict, other, dict)
      assert.is_false(ok)
      assert.matches(message, got, 1, true)
    end
    refused(optim.Adam({a, b}), "load_state_dict: it has 2 groups, the optimizer 1")
    refused(optim.Adam{ {params = {a, b}}, {params = {parameter(1)}} },
      "load_state_dict: group 1 has 1 parameters, the optimizer's 2")
    refused(optim.Adam{ {params = {b}}, {params = {a}} },
      "parameter 1: 'm' must be float64 (1), not float64 (2)")
    refused(optim.SGD{ {params = {a}}, {params = {b}} },
      "SGD: load_state_dict: group 1: there is no option 'amsgrad'")
    assert.error_matches(function() opt:load_state_dict{} end,
      "this is not the state of an optimizer")
  end)

  it("can be loaded before the first step, and within a scope", function()
    local opt <const> = trained()
    local a <const>, b <const> = parameter(1, 2), parameter(3)
    local second <const> = optim.Adam({ {params = {a}}, {params = {b}} })
    do
      local _ <close> = braid.scope()
      second:load_state_dict(opt:state_dict())
    end
    assert.near(0.1, second.state[b].m:item(), 1e-15)
    assert.equal(0.1, second.groups[1].lr)
  end)
end)

describe("LBFGS", function()
  it("leaves the parameters as they were if its function fails, and then works again", function()
    for _, search in ipairs{false, "strong_wolfe"} do
      local p <const> = parameter(3)
      local opt <const> = optim.LBFGS({p}, {line_search_fn = search or nil, max_iter = 5})
      local calls, last = 0, math.huge
      local function closure()
        calls = calls + 1
        if calls == last then error("no more") end
        opt:zero_grad()
        local loss <const> = (p - 1):square():sum()
        loss:backward()
        return loss
      end
      opt:step(closure)
      p:detach():fill_(3)
      calls, last = 0, 2
      assert.error_matches(function() opt:step(closure) end, "no more")
      assert.same({1, {3}}, {opt.steps, p:totable()})
      last = math.huge
      opt:step(closure)
      assert.is_true(math.abs(p:totable()[1] - 1) < 1e-3)
    end
  end)

  it("needs a function in opt:step, and one group only", function()
    local opt <const> = optim.LBFGS({parameter(1)})
    assert.error_matches(function() opt:step() end, "LBFGS: step wants a function")
    assert.error_matches(function() opt:add_group{params = {parameter(2)}} end, "one group")
    assert.error_matches(function() optim.LBFGS({parameter(1)}, {line_search_fn = "armijo"}) end,
      "line_search_fn must be \"strong_wolfe\", not \"armijo\"")
  end)

  it("finds the minimum of Rosenbrock's function", function()
    local p <const> = parameter(-1.2, 1)
    local opt <const> = optim.LBFGS({p}, {line_search_fn = "strong_wolfe", max_iter = 100,
      tolerance_change = 1e-14})
    opt:step(function()
      opt:zero_grad()
      local loss <const> = (1 - p[1]) ^ 2 + (p[2] - p[1] ^ 2) ^ 2 * 100
      loss:backward()
      return loss
    end)
    assert.near(1, p[1]:item(), 1e-5)
    assert.near(1, p[2]:item(), 1e-5)
  end)
end)

describe("optim.clip_grad_norm and clip_grad_value:", function()
  local a, b, unused
  before_each(function()
    a, b, unused = parameter(0, 0), parameter(0), parameter(5);
    (a * braid.tensor({3, -4}, {dtype = "float64"}) + b * 6):sum():backward() -- 3, -4 and 12
  end)

  it("clip_grad_norm scales gradients to the norm, and returns the norm before", function()
    assert.near(13, optim.clip_grad_norm({a, unused, b}, 6.5), 1e-12)
    assert.near(1.5, a.grad[1]:item(), 1e-6) -- 1e-6 is added to the divisor
    assert.near(-2, a.grad[2]:item(), 1e-6)
    assert.near(6, b.grad:item(), 1e-6)
  end)

  it("clip_grad_norm leaves smaller gradients as they are", function()
    assert.near(13, optim.clip_grad_norm({a, b}, 14), 1e-12)
    assert.same({3, -4}, a.grad:totable())
    assert.equal(0, optim.clip_grad_norm({unused}, 1))
  end)

  it("clip_grad_norm can use other norms", function()
    assert.near(12, optim.clip_grad_norm({a, b}, 100, {norm_type = math.huge}), 1e-12)
    assert.near(19, optim.clip_grad_norm({a, b}, 100, {norm_type = 1}), 1e-12)
    assert.near((27 + 64 + 1728) ^ (1 / 3),
      optim.clip_grad_norm({a, b}, 100, {norm_type = 3}), 1e-12)
  end)

  it("clip_grad_norm can raise an error for a norm that is not finite", function()
    a.grad:fill_(0 / 0)
    assert.error_matches(function()
      optim.clip_grad_norm({a, b}, 1, {error_if_nonfinite = true})
    end, "clip_grad_norm: the norm of the gradients is nan")
  end)

  it("clip_grad_value clamps each value, and returns the largest before", function()
    assert.equal(12, optim.clip_grad_value({a, unused, b}, 3.5))
    assert.same({3, -3.5}, a.grad:totable())
    assert.same({3.5}, b.grad:totable())
  end)
end)

describe("optim.EMA", function()
  local function net_of(w)
    local net <const> = nn.Linear(1, 1, {bias = false})
    braid.no_grad(function() net.weight:fill_(w) end)
    return net
  end
  local function set(net, w) braid.no_grad(function() net.weight:fill_(w) end) end

  it("follows the parameters by its formula", function()
    local net <const> = net_of(1)
    local ema <const> = optim.EMA(net, {decay = 0.75})
    set(net, 5)
    ema:update()
    assert.near(2, ema.averages[1]:item(), 1e-6)
    set(net, 10)
    ema:update()
    assert.near(4, ema.averages[1]:item(), 1e-6)
    assert.equal(10, net.weight:item())
  end)

  it("with warmup gives the first value little weight", function()
    local net <const> = net_of(1)
    local ema <const> = optim.EMA(net, {decay = 0.99, warmup = true})
    set(net, 12)
    ema:update()
    assert.near(2 / 11 + 12 * 9 / 11, ema.averages[1]:item(), 1e-5)
  end)

  it("swaps averages in and out, and gives the parameters back at the end of `using`", function()
    local net <const> = net_of(1)
    local ema <const> = optim.EMA(net, {decay = 0.5})
    set(net, 3)
    ema:update()
    do
      local _ <close> = ema:using()
      assert.equal(2, net.weight:item())
      assert.error_matches(function() ema:update() end, "swapped in")
    end
    assert.equal(3, net.weight:item())
    ema:swap()
    assert.equal(2, net.weight:item())
    ema:swap()
    assert.equal(3, net.weight:item())
    assert.is_true(net.weight.requires_grad)
  end)

  it("goes on from a saved state", function()
    local net <const> = net_of(1)
    local ema <const> = optim.EMA(net, {decay = 0.5, warmup = true})
    set(net, 3)
    ema:update()
    local second <const> = optim.EMA(net, {warmup = true})
    second:load_state_dict(ema:state_dict())
    ema:update()
    second:update()
    assert.equal(ema.averages[1]:item(), second.averages[1]:item())
    assert.equal(2, second.updates)
    local empty <const> = {updates = 1, decay = 0.5, averages = {}}
    assert.error_matches(function() second:load_state_dict(empty) end,
      "'weight' must be a tensor")
  end)
end)
