--- nn.Module: parameters, states, clones, paths in errors, summaries, freezing. Also some layers,
-- and optimizers against their formulas in plain Lua.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local nn <const>, optim <const> = braid.nn, braid.optim

local function small_net()
  return nn.Sequential{nn.Conv2d(1, 3, {kernel = 3}), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(),
    nn.Linear(12, 2)}
end

describe("modules", function()
  before_each(function() braid.manual_seed(7) end)

  it("list each parameter once, in the order of names", function()
    local net <const> = small_net()
    local names <const> = {}
    for name in net:named_parameters() do names[#names + 1] = name end
    assert.same({"1.bias", "1.weight", "2.bias", "2.weight", "5.bias", "5.weight"}, names)
    net.again = net[1]
    assert.equal(6, #net:parameters())
  end)

  it("list parameters and buffers separately", function()
    local norm <const> = nn.BatchNorm2d(3)
    assert.equal(2, #norm:parameters())
    assert.equal(3, #norm:buffers())
  end)

  it("find parameters of modules in fields, and in tables in fields", function()
    local net <const> = nn.Identity()
    net.towers = {a = nn.Linear(2, 3), b = {nn.Linear(3, 4)}}
    local names <const> = {}
    for name in net:named_parameters() do names[#names + 1] = name end
    assert.same({"towers.a.bias", "towers.a.weight", "towers.b.1.bias", "towers.b.1.weight"}, names)
  end)

  it("count their parameters", function()
    assert.equal(3 * 9 + 3 + 6 + 24 + 2, small_net():count_parameters())
  end)

  it("print as a tree", function()
    assert.equal(table.concat({
      "Sequential()",
      "  1: Conv2d(1, 3, kernel = 3x3)",
      "  2: BatchNorm2d(3)",
      "  3: ReLU()",
      "  4: Flatten()",
      "  5: Linear(12, 2)",
    }, "\n"), tostring(small_net()))
  end)

  it("give the path of the module in which an error happened", function()
    local net <const> = nn.Sequential{nn.Identity(), nn.Sequential{nn.Conv2d(4, 2, {kernel = 3})}}
    local ok <const>, message <const> = pcall(net, braid.zeros(1, 3, 8, 8))
    assert.is_false(ok)
    assert.matches("Sequential.2.1: conv2d: weight expects 4 channels, input %(1, 3, 8, 8%) has 3",
      message)
  end)

  it("give that path also if a forward ends with `return self.inner(x)`", function()
    local net <const> = nn.Identity()
    net.inner = nn.Linear(3, 3)
    net.forward = function(self, x) return self.inner(x) end
    local _, message <const> = pcall(net, braid.zeros(2, 4))
    assert.matches("Identity.inner: linear: weight expects 3 features, input (2, 4) has 4", message,
      1, true)
  end)

  it("refuse unknown options, and name the known ones", function()
    local ok <const>, message <const> = pcall(nn.Conv2d, 1, 2, {kernel = 3, strid = 2})
    assert.is_false(ok)
    assert.matches("Conv2d: there is no option 'strid'; there is bias, dilation, groups, kernel, "
      .. "padding, stride", message, 1, true)
  end)

  it("go through state_dict and load_state_dict unchanged", function()
    local a <const>, b <const> = small_net(), small_net()
    a(braid.randn(2, 1, 4, 4)) -- changes the running statistics
    local report <const> = b:load_state_dict(a:state_dict())
    assert.same(require("braid.check").sorted_keys(a:state_dict()), report.fitted)
    assert.same({{}, {}, {}}, {report.missing, report.unexpected, report.counters})
    local x <const> = braid.randn(2, 1, 4, 4)
    assert.same(a:eval()(x):totable(), b:eval()(x):totable())
  end)

  it("refuse a state with other names, or report them with strict = false", function()
    local net <const> = nn.Linear(2, 3)
    local two <const> = nn.Sequential{nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 3)}
    local from_zero <const> = {["0.weight"] = braid.ones(3, 2), ["0.bias"] = braid.ones(3),
      ["2.weight"] = braid.ones(3, 3), ["2.bias"] = braid.ones(3)}
    assert.error_matches(function() two:load_state_dict(from_zero) end,
      "all tensors fit with {rename = braid.nn.from_one}", 1, true)
    assert.equal(4, #two:load_state_dict(from_zero, {rename = nn.from_one}).fitted)
    assert.equal("a.1.b.13.c1", nn.from_one("a.0.b.12.c1"))
    assert.error_matches(function() two:load_state_dict{model = from_zero, epoch = 3} end,
      "tables of tensors are in it: model. Pass one of them: state.model", 1, true)
    from_zero["2.bias"] = braid.ones(4)
    local ok <const>, why <const> = pcall(two.load_state_dict, two, from_zero)
    assert.is_false(ok)
    assert.is_nil(why:find("from_one"))
    assert.has_error(function() net:load_state_dict{weight = braid.zeros(3, 2)} end,
      "load_state_dict: missing: bias; unexpected: ")
    local report <const> = net:load_state_dict({weight = braid.zeros(3, 2), extra = braid.zeros(1)},
      {strict = false})
    assert.same({fitted = {"weight"}, missing = {"bias"}, unexpected = {"extra"}, counters = {}},
      report)
    assert.has_error(function()
      net:load_state_dict{weight = braid.zeros(2, 2), bias = braid.zeros(3)}
    end, "load_state_dict: weight has shape (2, 2), the module's is (3, 2)")
  end)

  it("load a state without num_batches_tracked, and report that as `counters`", function()
    for _, make in ipairs{function() return nn.BatchNorm2d(2) end,
      function() return nn.BatchNorm1d(2) end} do
      local norm <const> = make()
      local given <const> = {weight = braid.full({2}, 3), bias = braid.zeros(2),
        running_mean = braid.ones(2), running_var = braid.ones(2)}
      assert.same({fitted = {"bias", "running_mean", "running_var", "weight"}, missing = {},
        unexpected = {}, counters = {"num_batches_tracked"}}, norm:load_state_dict(given))
      assert.same({3, 3}, norm.weight:totable())
      assert.equal(0, norm.num_batches_tracked:item())
      given.running_mean = nil
      assert.error_matches(function() norm:load_state_dict(given) end,
        "load_state_dict: missing: running_mean; unexpected: $")
    end
    local tasks <const> = braid.mtl.tasks{a = braid.mtl.real{1}, b = braid.mtl.real{1}}
    local net <const> = braid.model("models/dcnet.lua", {tasks = tasks, width = 0.1})
    local state <const>, left <const> = net:state_dict(), {}
    for name in pairs(state) do
      if name:find("num_batches_tracked", 1, true) then
        left[#left + 1], state[name] = name, nil
      end
    end
    table.sort(left)
    assert.is_true(#left > 40)
    local report <const> = net:load_state_dict(state)
    assert.same({{}, {}, left}, {report.missing, report.unexpected, report.counters})
  end)

  it("load a state with names changed by `rename`, patterns or a function", function()
    local net <const> = nn.Sequential{nn.Linear(2, 3)}
    local given <const> = {["fc.weight"] = braid.ones(3, 2), ["fc.bias"] = braid.zeros(3)}
    net:load_state_dict(given, {rename = {["^fc%."] = "1."}})
    assert.same({{1, 1}, {1, 1}, {1, 1}}, net[1].weight:totable())
    given.extra = braid.ones(1)
    net:load_state_dict(given, {rename = function(name)
      return name ~= "extra" and name:gsub("fc", "1") or nil
    end})
    assert.has_error(function()
      net:load_state_dict(given, {rename = function() return "1.weight" end})
    end, "load_state_dict: two tensors would be called 1.weight")
  end)

  it("clone into a module with separate tensors; parts that were one stay one", function()
    local net <const> = nn.Sequential{nn.Linear(3, 3), nn.ReLU()}
    net[3] = net[1]
    net.twice = {net[1].weight}
    local copy <const> = net:clone()
    assert.equal(2, #copy:parameters())
    assert.is_true(rawequal(copy[1], copy[3]))
    assert.is_true(rawequal(copy.twice[1], copy[1].weight))
    local x <const> = braid.randn(2, 3)
    assert.same(net(x):totable(), copy(x):totable())
    braid.no_grad(function() copy[1].weight:fill_(0) end)
    assert.not_equal(0, net[1].weight:abs():sum():item())
    assert.is_true(copy[1].weight.requires_grad)
  end)

  it("take their input size from the first input if given an output size only", function()
    local net <const> = nn.Sequential{nn.Conv2d(4, {kernel = 3}), nn.Flatten(), nn.Linear(2)}
    local ok <const>, message <const> = pcall(net.parameters, net)
    assert.is_false(ok)
    assert.matches("parameters: 1: Conv2d(4, kernel = 3x3) does not know its input size yet",
      message, 1, true)
    assert.same({2, 2}, net(braid.zeros(2, 3, 5, 5)).shape)
    assert.same({4, 3, 3, 3}, net[1].weight.shape)
    assert.same({2, 36}, net[3].weight.shape)
    assert.equal(4, #net:parameters())
  end)

  it("find modules of a class", function()
    local net <const> = nn.Sequential{nn.Linear(2, 2), nn.Sequential{nn.Linear(2, 2)}, nn.ReLU()}
    assert.equal(2, #net:find(nn.Linear))
    assert.equal(2, #net:find(nn.Sequential))
    assert.equal(5, #net:find(nn.Module))
  end)

  it("convert to another float type, and shared parts stay shared", function()
    local net <const> = nn.Sequential{nn.Linear(2, 2), nn.BatchNorm1d(2)}
    net.again = net[1]
    net:to("float64")
    assert.equal("float64", net[1].weight.dtype)
    assert.equal("int64", net[2].num_batches_tracked.dtype)
    assert.equal(4, #net:parameters())
    assert.equal("float64", net(braid.randn({3, 2}, {dtype = "float64"})).dtype)
    assert.equal(6 + 4, net:summary{2}.parameters)
  end)

  it("count the batches that they normalise in training", function()
    local norm <const> = nn.BatchNorm2d(2)
    for _ = 1, 3 do norm(braid.randn(4, 2, 3, 3)) end
    norm:eval()
    norm(braid.randn(4, 2, 3, 3))
    assert.equal(3, norm.num_batches_tracked:item())
    local half <const> = braid.zeros(2)
    assert.has_error(function() core.count(half) end,
      "count: a counter must be int64, not float32 (2)")
  end)

  it("become float64 if they do not know their size yet and the first input is float64", function()
    local net <const> = nn.Sequential{nn.Conv2d(4, {kernel = 3}), nn.Flatten(), nn.Linear(2)}
    local y <const> = net(braid.zeros({2, 3, 5, 5}, {dtype = "float64"}))
    assert.same({"float64", "float64"}, {net[1].bias.dtype, y.dtype})
  end)

  it("summarize outputs, parameters and multiply-accumulates, in total and by part", function()
    local net <const> = nn.Sequential{nn.Conv2d(3, 8, {kernel = 3, padding = 1, groups = 1}),
      nn.Flatten(), nn.Linear(8 * 16, 10)}
    local s <const> = net:summary{3, 4, 4}
    assert.equal(8 * 27 + 8 + 1280 + 10, s.parameters)
    assert.equal(16 * 8 * 27 + 1280, s.macs)
    assert.same({"1", "2", "3"}, {s.parts[1].name, s.parts[2].name, s.parts[3].name})
    assert.equal("(1, 8, 4, 4)", s.rows[1].shape)
    assert.matches("3%s+Linear%s+%(1, 10%)%s+1,290%s+1,280", tostring(s))
    assert.is_true(net.training)
  end)

  it("raise the network's own error in net:summary if the input does not fit", function()
    local ok <const>, message <const> = pcall(function() return nn.Linear(3, 2):summary{5} end)
    assert.is_false(ok)
    assert.matches("weight expects 3 features", message, 1, true)
    assert.same({2, 2}, nn.Linear(3, 2)(braid.zeros(2, 3)).shape)
  end)

  it("have no gradient, change no statistics and drop nothing when frozen", function()
    local net <const> = nn.Sequential{nn.BatchNorm1d(3), nn.Dropout(0.9)}
    local before <const> = net[1].running_mean:totable()
    net:freeze()
    local x <const> = braid.randn(8, 3)
    local y <const> = net(x)
    assert.is_false(y.requires_grad)
    assert.same(before, net[1].running_mean:totable())
    assert.is_true((y:ne(0)):all():item())
    net:unfreeze()
    assert.is_true(net(x).requires_grad)
  end)
end)

describe("layers", function()
  it("BatchNorm2d gives each channel mean 0 and deviation 1 in training", function()
    braid.manual_seed(1)
    local y <const> = nn.BatchNorm2d(4)(braid.randn(16, 4, 5, 5) * 3 + 7)
    for c = 1, 4 do
      assert.near(0, y[{ {}, c }]:mean():item(), 1e-5)
      assert.near(1, y[{ {}, c }]:std{unbiased = false}:item(), 1e-4)
    end
  end)

  it("BatchNorm with momentum false averages over all batches", function()
    local norm <const> = nn.BatchNorm1d(1, {momentum = false})
    norm(braid.tensor{{1}, {3}})
    norm(braid.tensor{{5}, {9}})
    assert.near((2 + 7) / 2, norm.running_mean:item(), 1e-6)
  end)

  it("Dropout does nothing in evaluation", function()
    local x <const> = braid.randn(5, 5)
    assert.same(x:totable(), nn.Dropout(0.5):eval()(x):totable())
  end)

  it("of activations give the same as the functions with their names", function()
    local x <const> = braid.tensor{-2, -0.5, 0, 0.5, 2}
    assert.same(x:relu():totable(), nn.ReLU()(x):totable())
    assert.same(x:tanh():abs():totable(), nn.AbsTanh()(x):totable())
    assert.same(x:leaky_relu(0.2):totable(), nn.LeakyReLU(0.2)(x):totable())
    assert.error_matches(function() return nn.NoSuchLayer end, "braid.nn has no 'NoSuchLayer'")
  end)

  it("Linear and Conv2d start with weights within PyTorch's bounds", function()
    local w <const> = nn.Linear(100, 50).weight
    assert.is_true(w:abs():max():item() <= 0.1)
    assert.near(0.1 / math.sqrt(3), w:std():item(), 0.003)
    assert.is_true(nn.Conv2d(4, 8, {kernel = 5}).weight:abs():max():item() <= 0.1)
  end)
end)

-- Steps on f(w) = (w - 3)^2 / 2 in plain Lua.
local function sgd_reference(w, steps, lr, momentum, decay, nesterov)
  local m
  for _ = 1, steps do
    local d <const> = (w - 3) + decay * w
    m = m and momentum * m + d or d
    w = w - lr * (nesterov and d + momentum * m or m)
  end
  return w
end

local function adam_reference(w, steps, lr, b1, b2, eps, decay, decoupled)
  local m, v = 0, 0
  for t = 1, steps do
    local g = w - 3
    if decoupled then w = w - lr * decay * w else g = g + decay * w end
    m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
    w = w - lr * (m / (1 - b1 ^ t)) / (math.sqrt(v / (1 - b2 ^ t)) + eps)
  end
  return w
end

local function run(make, steps)
  local w <const> = braid.tensor({1.5}, {dtype = "float64", requires_grad = true})
  local opt <const> = make({w})
  for _ = 1, steps do
    local _ <close> = braid.scope()
    local loss <const> = ((w - 3) ^ 2):sum() * 0.5
    opt:zero_grad()
    loss:backward()
    opt:step()
  end
  return w:item(), opt
end

describe("optimizers", function()
  for _, o in ipairs{ {momentum = 0, weight_decay = 0}, {momentum = 0.9, weight_decay = 0.01},
                      {momentum = 0.9, weight_decay = 0, nesterov = true} } do
    it(("SGD follows its formula (momentum %s, decay %s, nesterov %s)"):format(o.momentum,
      o.weight_decay, o.nesterov), function()
      local options <const> = {lr = 0.1, momentum = o.momentum, weight_decay = o.weight_decay,
        nesterov = o.nesterov or false}
      assert.near(sgd_reference(1.5, 20, 0.1, o.momentum, o.weight_decay, o.nesterov),
        run(function(p) return optim.SGD(p, options) end, 20), 1e-12)
    end)
  end

  it("Adam and AdamW follow their formulas", function()
    assert.near(adam_reference(1.5, 20, 0.1, 0.9, 0.999, 1e-8, 0.1, false),
      run(function(p) return optim.Adam(p, {lr = 0.1, weight_decay = 0.1}) end, 20), 1e-12)
    assert.near(adam_reference(1.5, 20, 0.1, 0.9, 0.999, 1e-8, 0.1, true),
      run(function(p) return optim.AdamW(p, {lr = 0.1, weight_decay = 0.1}) end, 20), 1e-12)
  end)

  it("keep the state that their first step makes within a scope", function()
    local w <const> = run(function(p) return optim.Adam(p, {lr = 0.1}) end, 3)
    assert.near(adam_reference(1.5, 3, 0.1, 0.9, 0.999, 1e-8, 0, false), w, 1e-12)
  end)

  it("multiply a group's learning rate by its lr_mult and the schedule's factor", function()
    local a <const> = braid.tensor({1.0}, {requires_grad = true})
    local b <const> = braid.tensor({1.0}, {requires_grad = true})
    local opt <const> = optim.SGD({ {params = {a}}, {params = {b}, lr_mult = 10} }, {lr = 0.01})
    opt.factor = 0.5
    (a + b):sum():backward()
    opt:step()
    assert.near(1 - 0.005, a:item(), 1e-7)
    assert.near(1 - 0.05, b:item(), 1e-7)
  end)

  it("do not change parameters without a gradient; zero_grad removes gradients", function()
    local w <const> = braid.tensor({1.0}, {requires_grad = true})
    local opt <const> = optim.SGD({w}, {lr = 1})
    opt:step()
    assert.equal(1, w:item())
    w:sum():backward()
    opt:zero_grad()
    assert.is_nil(w.grad)
  end)

  it("refuse an empty list and an unknown option", function()
    assert.has_error(function() optim.SGD({}, {lr = 1}) end)
    assert.has_error(function() optim.Adam({braid.zeros(1)}, {rate = 1}) end)
  end)

  it("have a schedule, optim.cosine, that goes from 1 through 0.5 to 0", function()
    assert.near(1, optim.cosine(0, 10), 1e-12)
    assert.near(0.5, optim.cosine(5, 10), 1e-12)
    assert.near(0, optim.cosine(10, 10), 1e-12)
  end)
end)

describe("a mistake with modules", function()
  local MISTAKES <const> = {
    {"Linear: there is no option 'bais'; there is bias",
      function() nn.Linear(3, 4, {bais = 1}) end},
    {"Conv2d: kernel must be a whole number from 1, or a list of two, not 0",
      function() nn.Conv2d(3, 8, {kernel = 0}) end},
    {"Sequential: layers must be a list of values, each a module or a function, not a ReLU",
      function() nn.Sequential(nn.ReLU()) end},
    {"to: a module's tensors are float32 or float64, not int64",
      function() nn.Linear(2, 3):to("int64") end},
    {"summary: wants the shape of one input, such as {3, 224, 224}, not a nil",
      function() nn.Linear(2, 3):summary() end},
    {"find: wants a class such as nn.Conv2d, not a string",
      function() nn.Linear(2, 3):find("Linear") end},
    {"conv1d: weight expects 3 channels, input (1, 2, 5) has 2",
      function() braid.F.conv1d(braid.ones(1, 2, 5), braid.ones(1, 3, 3)) end},
    {"lp_pool2d: kernel must be a whole number from 1, or a list of two, not \"x\"",
      function() braid.F.lp_pool2d(braid.ones(1, 1, 4, 4), 2, "x") end},
  }

  for _, case in ipairs(MISTAKES) do
    it("raises: " .. case[1], function() assert.has_error(case[2], case[1]) end)
  end

  it("raises an error with the line of the user's call", function()
    local line <const> = debug.getinfo(1, "l").currentline
    local ok <const>, message <const> = pcall(function() nn.LayerNorm(4)(braid.ones(2, 3)) end)
    assert.is_false(ok)
    assert.matches("nn_spec%.lua:" .. line + 1 .. ": .*layer_norm: x of shape", message)
    local _, text <const> = pcall(function() nn.Linear(0, 2) end)
    assert.matches("nn_spec%.lua:" .. line + 4 .. ": Linear: inputs", text)
  end)
end)

describe("net:summary", function()
  it("leaves each module in its mode, also after an error", function()
    local net <const> = nn.Sequential{nn.Linear(2, 3), nn.Dropout(0.5)}
    net[1]:eval()
    net:summary{2}
    assert.is_false(net[1].training)
    assert.is_true(net[2].training)
    assert.is_false(pcall(net.summary, net, {5}))
    assert.is_true(net.training)
    assert.is_true(net[2].training)
  end)
end)
