--- tasks:weigh, weightings applied to networks: which parameters are shared and which belong to one
-- task; on the gradients of parameters or of the representation; columns in a list or stacked.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local base <const> = require "braid.mtl.weigh.base"
local mtl <const>, nn <const>, optim <const> = braid.mtl, braid.nn, braid.optim
local w <const> = mtl.weighting

local function labels(...) return braid.tensor({...}, {dtype = "int64"}) end

local batch <const> = {a = labels(1, 2, 3, 1, 2, 3), b = labels(1, 2, 1, 2, 2, 1),
  c = braid.tensor{0.1, -0.3, 0.5, 0.7, -0.9, 0.2}}
local x <const> = braid.randn({6, 2, 12, 12}, {dtype = "float64"})

local function make_tasks()
  return mtl.tasks{a = mtl.classes{3}, b = mtl.classes{2, weight = 0.5}, c = mtl.real{1}}
end

local function conv(channels)
  return nn.Sequential{nn.Conv2d(channels, 3, {kernel = 3}), nn.Tanh()}
end

local function network(tasks, mixer, more)
  braid.manual_seed(3)
  local o <const> = more or {}
  local net <const> = mtl.columns(tasks,
    nn.backbone({{"one", conv}, {"two", conv}, {"three", conv}}, {channels = 2}), o)
  if mixer then net:mix({"one", "two"}, mixer{}) end
  return net:heads(function(task, c)
    return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
  end):to("float64")
end

-- Gradients by name after one step.
local function gradients(tasks, net, weighting)
  core.clear_grads(net:parameters())
  local weighing <const> = tasks:weigh(net, weighting)
  weighing:backward(net(x), batch)
  local out <const> = {}
  for name, p in net:named_parameters() do out[name] = p.grad and p.grad:clone() end
  return out, weighing
end

local function largest(a, b) return (a - b):abs():max():item() end

-- A weighting with given coefficients.
local Given <const> = base.by_gram("given", {c = base.BY_TASK})
function Given:weigh(s) return s:by_task(self.options.c) end

describe("tasks:weigh on hard sharing", function()
  local tasks <const> = make_tasks()
  local net <const> = network(tasks, mtl.share, {stacked = false})
  local plain <const> = {}
  for name in tasks:each() do
    local _, per_task <const> = tasks:loss(net(x), batch)
    core.clear_grads(net:parameters())
    per_task[name]:backward()
    plain[name] = {}
    for key, p in net:named_parameters() do
      plain[name][key] = p.grad and p.grad * tasks[name].weight
    end
  end

  for _, on in ipairs{"parameters", "representation"} do
    it("weighs gradients of shared parameters only: on " .. on, function()
      local c <const> = {a = 2, b = 0.25, c = 3}
      local got <const> = gradients(tasks, net, Given{c = c, on = on})
      local shared, own = 0, 0
      for key, g in pairs(got) do
        local users <const>, wanted = {}, nil
        for name in tasks:each() do
          if plain[name][key] then users[#users + 1] = name end
        end
        for _, name in ipairs(users) do
          local part <const> = plain[name][key] * (#users > 1 and c[name] or 1)
          wanted = wanted and wanted + part or part
        end
        assert.is_true(largest(g, wanted) < 1e-12, key)
        if #users > 1 then shared = shared + 1 else own = own + 1 end
      end
      assert.is_true(shared >= 4 and own >= 6)
    end)
  end

  it("gives the products of the tasks' gradients, and their cosines", function()
    local _, weighing <const> = gradients(tasks, net, w.upgrad{})
    local cosine <const>, names <const> = weighing:cosine()
    assert.same({"a", "b", "c"}, names)
    for i, one in ipairs(tasks.names) do
      for j, other in ipairs(tasks.names) do
        local product, first, second = 0, 0, 0
        for key, g in pairs(plain[one]) do
          local h <const> = plain[other][key]
          if plain.a[key] and plain.b[key] then
            product = product + (g * h):sum():item()
            first, second = first + g:square():sum():item(), second + h:square():sum():item()
          end
        end
        assert.near(product, weighing.gram[i][j], 1e-12)
        assert.near(product / math.sqrt(first * second), cosine[i][j], 1e-12)
      end
    end
    local _, by_losses <const> = gradients(tasks, net, w.equal{})
    assert.is_nil(by_losses:cosine())
  end)

  it("computes other products with on = 'representation'", function()
    local _, one <const> = gradients(tasks, net, w.upgrad{})
    local _, other <const> = gradients(tasks, net, w.upgrad{on = "representation"})
    assert.is_true(math.abs(one.gram[1][2] - other.gram[1][2]) > 1e-9)
    assert.matches("on the gradients of the parameters", tostring(one), 1, true)
    assert.matches("on the gradients of the last values", tostring(other), 1, true)
  end)

  it("with all coefficients 1 gives the gradients of tasks:loss, and adds up steps", function()
    local function plainly() return tasks:loss(net(x), batch):backward() end
    core.clear_grads(net:parameters())
    plainly()
    local once <const> = {}
    for key, p in net:named_parameters() do once[key] = p.grad:clone() end
    for _, method in ipairs{w.equal{}, Given{c = {a = 1, b = 1, c = 1}},
      Given{c = {a = 1, b = 1, c = 1}, on = "representation"}} do
      local weighing <const> = tasks:weigh(net, method)
      core.clear_grads(net:parameters())
      local total, per_task
      for _ = 1, 2 do total, per_task = weighing:backward(net(x), batch) end
      assert.near((per_task.a + per_task.b * 0.5 + per_task.c):item(), total:item(), 1e-6)
      assert.is_false(total.requires_grad)
      for key, p in net:named_parameters() do
        assert.is_true(largest(p.grad, once[key] * 2) < 1e-12, key)
      end
    end
  end)

  it("takes a table of losses by task", function()
    local wanted <const> = gradients(tasks, net, w.nash{})
    core.clear_grads(net:parameters())
    tasks:weigh(net, w.nash{}):backward(tasks:losses(net(x), batch))
    for key, p in net:named_parameters() do assert.equal(0, largest(wanted[key], p.grad), key) end
  end)

  it("gives frozen parameters no gradient", function()
    net:freeze{"trunk"}
    local got <const> = gradients(tasks, net, w.upgrad{})
    for key, p in net:named_parameters() do
      assert.equal(p.requires_grad, got[key] ~= nil, key)
    end
    net:unfreeze{"trunk"}
  end)
end)

describe("tasks:weigh on columns", function()
  local KINDS <const> = {"none", "cross_stitch", "ttc", "collaborative", "nddr", "sluice",
    "separation"}
  local METHODS <const> = {upgrad = w.upgrad{}, nash = w.nash{}, moco = w.moco{}}

  for _, kind in ipairs(KINDS) do
    for _, groups in ipairs{false, {g = {"a", "b"}}} do
      it(("gives the same stacked as in a list: %s%s"):format(kind, groups and ", groups" or ""),
        function()
          local tasks <const> = make_tasks()
          local joined <const> = network(tasks, mtl[kind], {groups = groups or nil})
          assert.is_true(joined:stacked())
          local state <const> = {}
          for key, t in pairs(joined:state_dict()) do state[key] = t:clone() end
          for name, method in pairs(METHODS) do
            local list <const> = network(tasks, mtl[kind], {groups = groups or nil,
              stacked = false})
            list:load_state_dict(state)
            local weighings <const> = {}
            for i, net in ipairs{joined, list} do
              core.clear_grads(net:parameters())
              weighings[i] = tasks:weigh(net, method)
              weighings[i]:backward(net(x), batch)
            end
            for task in tasks:each() do
              local one <const> = weighings[1].coefficients[task]
              local other <const> = weighings[2].coefficients[task]
              assert.is_true(math.abs(one - other) <= 1e-8 * math.abs(one), name .. task)
            end
            -- Compares states after a step, because states have the same names, stacked or not.
            local copy <const> = network(tasks, mtl[kind], {groups = groups or nil})
            copy:load_state_dict(state)
            core.clear_grads(copy:parameters())
            tasks:weigh(copy, method):backward(copy(x), batch)
            optim.SGD(copy:parameters(), {lr = 0.1}):step()
            optim.SGD(list:parameters(), {lr = 0.1}):step()
            local got <const> = copy:state_dict()
            for key, t in pairs(list:state_dict()) do
              assert.is_true(largest(t, got[key]) < 1e-9, ("%s %s"):format(name, key))
            end
          end
        end)
    end

    it("gives the plain sum if all coefficients are 1: " .. kind, function()
      local tasks <const> = make_tasks()
      local net <const> = network(tasks, mtl[kind], {stacked = false})
      local plain <const> = gradients(tasks, net, w.equal{})
      for _, on in ipairs{"parameters", "representation"} do
        local got <const> = gradients(tasks, net, Given{c = {a = 1, b = 1, c = 1}, on = on})
        for key, g in pairs(plain) do assert.is_true(largest(g, got[key]) < 1e-12, key) end
      end
    end)
  end

  it("with on = 'representation' compares maps before the last mixer; refuses stacked columns",
    function()
      local tasks <const> = make_tasks()
      for _, kind in ipairs{"cross_stitch", "ttc", "collaborative", "nddr", "sluice"} do
        local _, weighing <const> = gradients(tasks, network(tasks, mtl[kind], {stacked = false}),
          w.upgrad{on = "representation"})
        for i = 1, 3 do
          for j = 1, 3 do
            assert.is_true(math.abs(weighing:cosine()[i][j]) > 1e-12, kind)
          end
        end
      end
      assert.error_matches(function()
        gradients(tasks, network(tasks, mtl.ttc), w.upgrad{on = "representation"})
      end, "the columns are stacked.*net:unstack%(%)")
    end)
end)

describe("tasks:weigh with a function as its weighting", function()
  local tasks <const> = make_tasks()
  local net <const> = network(tasks, mtl.share)

  it("gives the function losses, the Gram matrix and a state, and takes coefficients", function()
    local seen
    local weighing <const> = tasks:weigh(net, function(losses, gram, state, names)
      state.steps = (state.steps or 0) + 1
      seen = {losses = losses, rows = #gram, first = gram[1][1], names = names,
        steps = state.steps}
      return {a = 1, b = 2, c = 3}
    end)
    for _ = 1, 2 do weighing:backward(net(x), batch) end
    assert.same({"a", "b", "c"}, seen.names)
    assert.same({3, 2}, {seen.rows, seen.steps})
    assert.is_true(seen.first > 0)
    assert.same({a = 1, b = 2, c = 3}, weighing.coefficients)
    assert.equal(2, weighing:state_dict().memory.steps)
    assert.matches("a function of your own", tostring(weighing), 1, true)
  end)

  it("makes one backward pass, unless the function reads the Gram matrix", function()
    local function calls(f)
      local weighing <const>, out <const> = tasks:weigh(net, f), net(x)
      local profile <const> = braid.profile(function() weighing:backward(out, batch) end)
      local count = 0
      for _, row in ipairs(profile) do
        if row.operator:find("conv2d") then count = count + row.calls end
      end
      return count
    end
    local plain <const> = calls(function() return {1, 1, 1} end)
    assert.equal(3 * plain, calls(function(_, gram) return {gram[1][1], 1, 1} end))
  end)

  it("raises an error unless the function returns a finite number for each task", function()
    for _, bad in ipairs{{function() end, "returned nil"}, {function() return {1, 2} end, "'c'"},
      {function() return {1, 0 / 0, 1} end, "'b' must be a finite number, not nan"}} do
      assert.error_matches(function() tasks:weigh(net, bad[1]):backward(net(x), batch) end, bad[2])
    end
  end)
end)

describe("the weight of a task", function()
  it("can be a function of the epoch, and can be changed at any time", function()
    local tasks <const> = mtl.tasks{a = mtl.classes{3, weight = function(e) return 0.1 * e end},
      b = mtl.classes{2}, c = mtl.real{1}}
    local net <const> = network(tasks, mtl.share)
    local function total() return tasks:loss(net(x), batch):item() end
    assert.error_matches(total, "weight of a is a function of the epoch.*tasks:set_epoch")
    tasks:set_epoch(1)
    local each <const> = tasks:losses(net(x), batch)
    local a <const>, b <const>, c <const> = each.a:item(), each.b:item(), each.c:item()
    assert.near(0.1 * a + b + c, total(), 1e-6)
    tasks:set_epoch(4)
    assert.near(0.4 * a + b + c, total(), 1e-6)
    tasks.b.weight = 0.3
    assert.near(0.4 * a + 0.3 * b + c, total(), 1e-6)
    assert.near(total(), tasks:weigh(net, w.upgrad{}):backward(net(x), batch):item(), 1e-6)
    tasks.b.weight = function() return 0 end
    assert.same({"a", "c"}, tasks:present(batch))
    tasks.a.weight = function() return -1 end
    assert.error_matches(total, "weight that the function of 'a' returns for epoch 4 must be")
    tasks.a.weight = "x"
    assert.error_matches(total, "the weight of a must be")
    assert.error_matches(function() tasks:set_epoch(1.5) end, "the epoch must be a whole number")
  end)
end)

describe("a network's file", function()
  it("has the present value of a task's weight that is a function of the epoch", function()
    local tasks <const> = mtl.tasks{a = mtl.classes{3, weight = function(e) return 0.1 * e end}}
    tasks:set_epoch(4)
    local path <const> = os.tmpname() .. ".safetensors"
    braid.save(path, braid.model("models/tcdcn.lua", {tasks = tasks}))
    local _, again <const> = braid.open(path)
    os.remove(path)
    assert.near(0.4, again.a.weight, 1e-12)
    assert.is_function(tasks.a.weight)
  end)
end)

describe("tasks:weigh", function()
  local tasks <const> = make_tasks()
  local net <const> = network(tasks, mtl.share)

  it("names an argument that is wrong", function()
    for _, row in ipairs{
      {function() tasks:weigh(net) end, "wants a weighting such as"},
      {function() tasks:weigh(net, "upgrad") end, "wants a weighting such as"},
      {function() tasks:weigh(net, w.upgrad) end, "makes one: call it, mtl.weighting.upgrad{}"},
      {function() tasks:weigh(w.upgrad{}, net) end, "wants a network, or a list of parameters"},
      {function() return w.upgrd end, "did you mean.*upgrad"},
      {function() tasks:weigh(net, w.fixed{weights = {d = 1}}):backward(net(x), batch) end,
        "names 'd', which is not a task"},
      {function() tasks:weigh(net, w.dwa{}):backward(net(x), batch) end,
        "but no epoch is set: call tasks:set_epoch"},
      {function() tasks:weigh(net, w.equal{}):backward({d = net(x).a:sum()}) end,
        "there is no task 'd'"},
      {function() tasks:weigh(net, w.equal{}):backward({a = net(x).a}) end,
        "must be a tensor of one value"},
      {function() tasks:weigh(net, w.equal{}):update(net(x), batch) end,
        "does not ask for losses after the step"},
      {function()
        local out <const> = braid.no_grad(function() return net(x) end)
        tasks:weigh(net, w.upgrad{}):backward(out, batch)
      end, "no loss depends on a parameter that trains"},
      {function() tasks:weigh(net, w.moco{on = "representation"}) end, "there is no option 'on'"},
    } do
      assert.error_matches(row[1], row[2])
    end
  end)

  it("lowers the loss with every weighting", function()
    for _, name in ipairs(require("braid.folder").names(w)) do
      local own <const> = network(tasks, mtl.share)
      local opt <const> = optim.Adam(own:parameters(), {lr = 0.01})
      local weighing <const> = tasks:weigh(own,
        w[name](name == "fixed" and {weights = {b = 2}} or name == "dwa" and {every = 10} or nil))
      local first, last
      for _ = 1, 60 do
        opt:zero_grad()
        last = weighing:backward(own(x), batch):item()
        first = first or last
        opt:step()
      end
      assert.is_true(last < 0.8 * first, ("%s: from %.3f to %.3f"):format(name, first, last))
    end
  end)
end)

describe("mtl.task_rates", function()
  it("sets a task's learning rate, which can be a function of the epoch", function()
    local tasks <const> = make_tasks()
    local net <const> = network(tasks, mtl.share, {stacked = false})
    local rates <const> = mtl.task_rates(net, {a = 0.5, c = function(e) return 0.1 ^ e end})
    local opt <const> = optim.SGD(rates:groups(), {lr = 1})
    local count = 0
    for _, group in ipairs(opt.groups) do count = count + #group.params end
    assert.equal(#net:parameters(), count)
    local before <const>, now <const> = {}, {}
    for epoch = 1, 2 do
      rates:set(opt, epoch)
      for name, p in net:named_parameters() do
        before[name], p.grad = p:detach():clone(), p:detach() * 0 + 1
      end
      opt:step()
      for name, p in net:named_parameters() do
        now[name] = (before[name] - p:detach()):mean():item()
        local wanted <const> = name:find("%.a%.") and 0.5
          or name:find("%.c%.") and 0.1 ^ epoch or 1
        assert.near(wanted, now[name], 1e-9, name)
      end
    end
  end)

  it("names a task or rate that is wrong", function()
    local net <const> = network(make_tasks(), mtl.share, {stacked = false})
    assert.error_matches(function() mtl.task_rates(net, {d = 1}):groups() end,
      "rates: there is no task 'd'")
    assert.error_matches(function() mtl.task_rates(net, {a = -1}) end, "rates must be a table")
    local rates <const> = mtl.task_rates(net, {a = function() return "x" end})
    assert.error_matches(function() rates:set(optim.SGD(rates:groups()), 1) end,
      "the rate of a must be a number")
  end)
end)
