--- train.fit with stages, turns, early stopping of tasks, and weights and rates by the epoch.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, optim <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.optim, braid.train

local faces <const> = data.faces{n = 80, seed = 1, size = 16}

local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5, reduction = "mean"},
    glasses = mtl.classes{2, weight = 0.2}, smile = mtl.classes{2, weight = 0.4}}
end

local function network(tasks, mixer)
  braid.manual_seed(1)
  return mtl.network{tasks = tasks, mixer = mixer, blocks = nn.backbone({{"one", function(c)
    return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU()}
  end}, {"two", function(c)
    return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU()}
  end}}, {channels = 1})}
end

local function fit(tasks, net, more)
  local o <const> = {net = net, tasks = tasks, train = faces.train, val = faces.val, batch = 16,
    optimizer = {"SGD", lr = 0.05}, seed = 3, progress = false}
  for key, value in pairs(more) do o[key] = value end
  return train.fit(o)
end

local function snapshot(net)
  local copy <const> = {}
  for name, t in pairs(net:state_dict()) do copy[name] = core.bytes(t) end
  return copy
end

-- The first parts of the names of tensors that differ between two snapshots.
local function changed(a, b)
  local set <const>, list <const> = {}, {}
  for name, bytes in pairs(a) do
    if b[name] ~= bytes then set[name:match("^[^.]+%.?[^.]*")] = true end
  end
  for name in pairs(set) do list[#list + 1] = name end
  table.sort(list)
  return list
end

describe("stages", function()
  it("train the shared stream and then the columns of a separation network", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks, mtl.separation{})
    local after <const> = {}
    net(braid.randn(2, 1, 16, 16))
    local history <const> = fit(tasks, net, {stages = {{epochs = 2, train = "shared"},
      {epochs = 1, train = "columns", freeze = "shared", lr = 0.02, optimizer = "SGD"}},
      on = {start = function(f) after[1] = snapshot(f.net) end, epoch = function(f, event)
        after[event.epoch + 1] = snapshot(f.net)
      end}})
    assert.same({1, 1, 2}, {history[1].stage, history[2].stage, history[3].stage})
    assert.same({0.05, 0.05, 0.02}, {history[1].lr, history[2].lr, history[3].lr})
    local first <const>, second <const> = changed(after[1], after[2]), changed(after[3], after[4])
    for _, name in ipairs(first) do assert.matches("^shared", name) end
    for _, name in ipairs(second) do
      local part <const> = name:match("^[%a_]+")
      assert.is_true(part == "columns" or part == "head" or part == "stage_number", name)
    end
    assert.is_true(#first >= 2 and #second >= 4)
  end)

  it("train only the parts that they name, in columns and in other networks", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks, mtl.cross_stitch{})
    net(braid.randn(2, 1, 16, 16))
    local seen <const> = {}
    local before = snapshot(net)
    fit(tasks, net, {stages = {{steps = 2, train = "heads"}, {epochs = 1, train = {"smile"}},
      {epochs = 1, train = "all", freeze = "mixers"}}, on = {epoch = function(f)
        local now <const> = snapshot(f.net)
        seen[#seen + 1] = table.concat(changed(before, now), " ")
        before = now
      end}})
    assert.equal("head.glasses head.landmarks head.smile", seen[1])
    assert.equal("columns.smile head.smile mixer.one mixer.two", seen[2])
    assert.is_nil(seen[3]:find("mixer"))
    assert.matches("columns.glasses .*head.smile", seen[3])
    local Mine <const> = require("braid.class")("Mine", nn.Module)
    function Mine:init()
      self.body = nn.Sequential{nn.Conv2d(1, 4, {kernel = 3}), nn.ReLU(), nn.GlobalAvgPool()}
      self.a, self.b = nn.Linear(4, 2), nn.Linear(4, 2)
    end
    function Mine:forward(x)
      local y <const> = self.body(x)
      return {glasses = self.a(y), smile = self.b(y)}
    end
    local mine <const>, two <const> = Mine(), mtl.tasks{glasses = mtl.classes{2},
      smile = mtl.classes{2}}
    before = snapshot(mine)
    fit(two, mine, {stages = {{epochs = 1, train = {"body.1", "b"}}}})
    assert.same({"b.bias", "b.weight", "body.1"}, changed(before, snapshot(mine)))
    local ok <const>, why <const> = pcall(fit, two, mine, {stages = {{epochs = 1, train = "c"}}})
    assert.is_false(ok)
    assert.matches("train.fit: stages: the network has no part 'c'", why)
  end)

  it("call prepare once, and resume a run that stopped in the middle of a stage", function()
    shell.in_directory(function(folder)
      local function run(dir, stop)
        local tasks <const> = tasks_of()
        local net <const> = network(tasks, mtl.cross_stitch{})
        local prepared = 0
        local history <const> = fit(tasks, net, {dir = dir, every = 2, ema = 0.9,
          stages = {{epochs = 1, schedule = "cosine"}, {epochs = 2, train = "all", lr = 0.02,
            optimizer = "Adam", schedule = "linear", warmup = {steps = 3}, prepare = function(n)
              prepared = prepared + 1
              n:freeze("glasses")
            end, weights = {smile = 0.9}}}, on = {step = function(_, event)
              if event.step == stop then error("stopped here", 0) end
            end}})
        return snapshot(net), history, prepared
      end
      local wanted <const>, history <const>, times <const> = run(folder .. "/a")
      assert.equal(1, times)
      assert.same({1, 2, 2}, {history[1].stage, history[2].stage, history[3].stage})
      for _, stop in ipairs{3, 5, 7, 9, 12} do
        local dir <const> = folder .. "/" .. stop
        assert.is_false(pcall(run, dir, stop))
        local got <const> = run(dir)
        assert.same({}, changed(wanted, got))
        assert.equal(shell.read(folder .. "/a/metrics.jsonl"), shell.read(dir .. "/metrics.jsonl"))
      end
    end)
  end)
end)

describe("mixers that come in a later stage", function()
  -- Two stages. The second adds the mixer `later`, which begins as the identity.
  local function stages_of(later, optimizer, seen)
    return {{epochs = 1}, {epochs = 2, optimizer = optimizer, lr = type(optimizer) == "string"
      and 0.02 or nil, prepare = function(net)
        local image <const> = braid.stack({faces.val[1].image}, 1):to("float32")
        local before <const> = net:eval()(image).smile:clone()
        net:mix("*", later)
        seen.same = core.bytes(before) == core.bytes(net(image).smile)
        net:train()
      end}}
  end

  local function run(later, optimizer, dir, more)
    local tasks <const>, seen <const> = tasks_of(), {}
    local net <const> = network(tasks)
    local o <const> = {optimizer = "SGD", lr = 0.05, dir = dir, every = 2, ema = 0.9,
      stages = stages_of(later, optimizer, seen)}
    for key, value in pairs(more or {}) do o[key] = value end
    return net, fit(tasks, net, o), seen
  end

  for name, later in pairs{cross_stitch = mtl.cross_stitch{diag = 1, off = 0},
    ttc = mtl.ttc{start = 0}, collaborative = mtl.collaborative{gamma_init = "zero"}} do
    it("begin as the identity, are trained, and continue after a stop: " .. name, function()
      shell.in_directory(function(folder)
        local first = {}
        local function watch(run_)
          if run_.at.stage == 2 and not first.state then first.state = snapshot(run_.net) end
        end
        local net <const>, history <const>, seen <const> = run(later, "Adam", folder .. "/a",
          {on = {step = watch}, weighting = mtl.weighting.pcgrad{}})
        assert.is_true(seen.same)
        assert.same({1, 2, 2}, {history[1].stage, history[2].stage, history[3].stage})
        local moved = 0
        for path, bytes in pairs(snapshot(net)) do
          if path:find("^mixer") and bytes ~= first.state[path] then moved = moved + 1 end
        end
        assert.is_true(moved > 0)
        for _, stop in ipairs{5, 6, 12} do
          local dir <const> = folder .. "/" .. stop
          local function more(at)
            return {weighting = mtl.weighting.pcgrad{}, on = {step = function(_, event)
              if event.step == at then error("stopped here", 0) end
            end}}
          end
          assert.is_false(pcall(run, later, "Adam", dir, more(stop)))
          local got <const> = run(later, "Adam", dir, more())
          assert.same(snapshot(net), snapshot(got))
          assert.equal(shell.read(folder .. "/a/metrics.jsonl"),
            shell.read(dir .. "/metrics.jsonl"))
        end
      end)
    end)
  end

  it("do not prevent a report if the best network was saved before they were added", function()
    shell.in_directory(function(folder)
      local _, history <const> = run(mtl.progressive{}, "Adam", folder .. "/a", {report = true,
        best = "landmarks.failure", stages = {{epochs = 1}, {epochs = 1,
          prepare = function(net) net:mix("*", mtl.progressive{}) end}}})
      assert.equal(1, history:best().epoch) -- all points fail, before and after
      assert.is_truthy(shell.read(folder .. "/a/report.html"))
    end)
  end)

  it("cause an error if the optimizer was made before they were added", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks)
    net(braid.randn(2, 1, 16, 16))
    local opt <const> = optim.SGD(net:parameters(), {lr = 0.05})
    local ok <const>, why <const> = pcall(fit, tasks, net, {optimizer = opt,
      stages = {{epochs = 1}, {epochs = 1, prepare = function(n) n:mix("*", mtl.ttc{}) end}}})
    assert.is_false(ok)
    assert.matches("no optimizer holds mixer.*because mix made new parameters", why)
    assert.is_truthy(fit(tasks, net, {optimizer = function(n)
      return optim.SGD(n:parameters(), {lr = 0.05})
    end, epochs = 1}))
  end)
end)

describe("tasks in train.fit", function()
  it("take turns, each with its own batches", function()
    local tasks <const> = mtl.tasks{glasses = mtl.classes{2}, smile = mtl.classes{2}}
    local net <const> = network(tasks)
    net:unstack()
    net(braid.randn(2, 1, 16, 16))
    local before, turns = snapshot(net), {}
    fit(tasks, net, {turns = true, epochs = 1, optimizer = "Adam", lr = 1e-2,
      on = {step = function(f, event)
        local now <const>, name <const> = snapshot(f.net), next(event.losses)
        turns[#turns + 1] = name
        for _, part in ipairs(changed(before, now)) do
          assert.matches("%." .. name .. "$", part)
        end
        before = now
      end}})
    assert.equal(5, #turns)
    assert.is_true(turns[1] ~= turns[2] and turns[1] == turns[3])
  end)

  it("are ended one by one by early stopping, and get their weights back after it", function()
    local tasks <const> = tasks_of()
    local function stopping()
      return mtl.early_stopping{main = "landmarks", window = 2, epsilon = 0}
    end
    local history <const> = fit(tasks, network(tasks), {epochs = 8, lr = nil, stopping = stopping(),
      optimizer = {"Adam", lr = 3e-2}})
    local ended <const> = {}
    for _, event in ipairs(history.events) do
      if event.event == "stopping" then ended[event.task] = event.epoch end
    end
    assert.is_number(ended.smile or ended.glasses)
    assert.is_nil(ended.landmarks)
    local by_hand <const> = mtl.early_stopping(tasks_of(), {main = "landmarks", window = 2,
      epsilon = 0})
    for epoch = 1, 8 do
      for name in pairs(by_hand:step(history[epoch].train.loss, history[epoch].val.loss)) do
        assert.equal(epoch, ended[name])
      end
      for name, at in pairs(ended) do
        assert.equal(epoch <= at, history[epoch].train.loss[name] ~= nil)
      end
    end
    assert.same({0.2, 0.4, 1}, {tasks.glasses.weight, tasks.smile.weight, tasks.landmarks.weight})
    fit(tasks, network(tasks), {epochs = 1, stopping = {main = "smile"}})
  end)

  it("have weights and rates that follow the epoch", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks)
    local weights <const>, rates <const> = {}, {}
    local history <const> = fit(tasks, net, {epochs = 3, log = 1, optimizer = "AdamW", lr = 0.01,
      weights = {smile = function(epoch) return epoch / 10 end, glasses = 0.7},
      rates = {smile = function(epoch) return 1 / epoch end, glasses = 0},
      on = {step = function(f)
        weights[#weights + 1] = f.tasks.smile.weight
        rates[#rates + 1] = f.opt.groups[2].lr_mult
      end}})
    assert.same({0.1, 0.2, 0.3}, {weights[1], weights[6], weights[11]})
    local _, logged <const> = history:curve("weights.smile")
    assert.same(weights, logged)
    assert.equal(0.4, tasks.smile.weight)
    local before <const> = network(tasks_of()):state_dict()
    for name, t in pairs(net:state_dict()) do
      local still <const> = t:eq(before[name]):all():item()
      assert.equal(name:find("%.glasses%.") ~= nil, still, name)
    end
    assert.equal(0, rates[1]) -- glasses, the first by name
    assert.equal(optim.AdamW, getmetatable(optim.AdamW(net:parameters())))
  end)
end)
