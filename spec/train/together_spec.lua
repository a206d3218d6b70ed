--- Options of train.fit that are given together: each still works.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn
local optim <const>, train <const> = braid.optim, braid.train

local faces <const> = data.faces{n = 60, seed = 1, size = 16}

local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5}, glasses = mtl.classes{2},
    smile = mtl.classes{2, weight = 0.5}}
end

local MIXERS <const> = {none = mtl.none, cross_stitch = mtl.cross_stitch, ttc = mtl.ttc,
  collaborative = mtl.collaborative, nddr = mtl.nddr}

local function network(kind)
  braid.manual_seed(1)
  return mtl.network{tasks = tasks_of(), columns = kind == "shared" and kind or nil,
    mixer = MIXERS[kind] and MIXERS[kind]{}, blocks = nn.backbone({{"one", function(c)
      return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.BatchNorm2d(4), nn.ReLU()}
    end}, {"two", function(c)
      return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU(), nn.MaxPool2d(2)}
    end}}, {channels = 1})}
end

local function fit(net, more)
  local o <const> = {net = net, train = faces.train, val = faces.val, batch = 15,
    epochs = not more.stages and 1 or nil, optimizer = {"Adam", lr = 1e-2}, seed = 3,
    progress = false, log = 1}
  for key, value in pairs(more) do o[key] = value end
  return train.fit(o)
end

local function refused(wrong, kind, more)
  local ok <const>, why <const> = pcall(fit, network(kind), more)
  assert.is_false(ok, wrong)
  assert.is_truthy(tostring(why):find(wrong, 1, true), why)
end

describe("averages with recomputed statistics", function()
  for kind in pairs(MIXERS) do
    it("are the same for stacked columns as for columns in a list: " .. kind, function()
      local x <const>, found <const> = braid.randn(3, 12, 1, 16, 16), {}
      for i, net in ipairs{network(kind), network(kind):unstack()} do
        local ema <const>, at = optim.EMA(net, {decay = 0.5}), 0
        ema:update()
        local _ <close> = ema:using{recompute = function()
          at = at + 1
          return at <= 3 and x[at] or nil
        end}
        found[i] = net:state_dict()
      end
      local count = 0
      for name, t in pairs(found[2]) do
        count = count + (name:find("running_", 1, true) and 1 or 0)
        assert.is_true((found[1][name] - t):abs():max():item() < 1e-5, name)
      end
      assert.is_true(count >= 6)
    end)
  end

  it("work in train.fit", function()
    local history <const> = fit(network("ttc"), {epochs = 2, ema = {decay = 0.5, recompute = 2}})
    assert.equal(2, #history)
  end)
end)

describe("a run that is refused", function()
  local REFUSED <const> = {
    ["another network"] = {"ttc", {weighting = mtl.weighting.famo{}}},
    ["another weighting"] = {"shared", {weighting = mtl.weighting.moco{}}},
    ["another seed"] = {"shared", {weighting = mtl.weighting.famo{}, seed = 4}},
    ["a task that there is not"] = {"shared", {weights = {smle = 1}}},
  }
  for what, wrong in pairs(REFUSED) do
    it("does not change any file: " .. what, function()
      shell.in_directory(function(folder)
        local dir <const>, before <const> = folder .. "/run", {}
        fit(network("shared"), {dir = dir, epochs = 2, weighting = mtl.weighting.famo{}})
        local files <const> = {"config.json", "metrics.jsonl", "metrics.csv", "clock.jsonl",
          "last.safetensors", "best.safetensors"}
        for _, name in ipairs(files) do before[name] = shell.read(dir .. "/" .. name) end
        assert.is_truthy(before["metrics.jsonl"]:find('"event":"stop"', 1, true))
        local more <const> = {dir = dir, epochs = 3}
        for key, value in pairs(wrong[2]) do more[key] = value end
        assert.is_false((pcall(fit, network(wrong[1]), more)))
        for _, name in ipairs(files) do
          assert.is_true(before[name] == shell.read(dir .. "/" .. name), name)
        end
      end)
    end)
  end
end)

describe("names that are similar to a task's name", function()
  it("may be names of labels", function()
    local x <const> = braid.randn(40, 6)
    local y <const> = x:sum(2):gt(0):to("int64") + 1
    local set <const> = data.dataset{inputs = x, labels = {smile = y, smile2 = y, smiles = y}}
    local net <const> = mtl.network{tasks = mtl.tasks{smile = mtl.classes{2}}, columns = "shared",
      blocks = nn.backbone({{"one", function() return nn.Linear(6, 4) end}}, {channels = 6})}
    assert.equal(1, #fit(net, {train = set, val = set, balanced = true}))
  end)

  local NAMES <const> = {
    weights = {weights = {smle = 1}}, rates = {rates = {smle = 1}},
    ["mtl.weighting.fixed"] = {weighting = mtl.weighting.fixed{weights = {smle = 1}}},
    ["mtl.weighting.upgrad"] = {weighting = mtl.weighting.upgrad{preference = {smle = 1}}},
    ["mtl.early_stopping: main"] = {stopping = {main = "smle"}},
    ["mtl.early_stopping: epsilon"] = {stopping = {epsilon = {smle = 1}}},
  }
  for place, more in pairs(NAMES) do
    it("are refused, and the message names the option and the task: " .. place, function()
      refused(place, "ttc", more)
      refused("smle", "ttc", more)
      refused("did you mean smile?", "ttc", more)
    end)
  end

  it("do not hide a wrong value of the task's own name", function()
    refused("smile is -1", "shared", {weights = {glasses = 1, smile = -1}})
  end)
end)

describe("an object among the options", function()
  local tasks <const> = tasks_of()
  local OBJECTS <const> = {
    ["optim.plateau"] = {schedule = optim.plateau{patience = 0, threshold = 1}, best = "loss"},
    ["optim.plateau in a list"] = {best = "loss",
      schedule = {optim.plateau{patience = 0, threshold = 1}, by = "epoch"}},
    ["optim.plateau of a stage"] = {best = "loss", stages = {{epochs = 3,
      schedule = optim.plateau{patience = 0, threshold = 1}}}},
    ["mtl.early_stopping of tasks"] = {stopping = mtl.early_stopping(tasks,
      {main = "landmarks", window = 1, epsilon = 0})},
    ["mtl.early_stopping"] = {stopping = mtl.early_stopping{main = "landmarks", window = 1,
      epsilon = 0}},
    ["a weighting"] = {weighting = mtl.weighting.moco{}},
    ["a loader"] = {train = data.loader(faces.train, {batch = 15, shuffle = true})},
    ["options of averages"] = {ema = {decay = 0.5}},
  }
  for what, more in pairs(OBJECTS) do
    it("begins with a new state in each run: " .. what, function()
      local found <const> = {}
      for run = 1, 2 do
        local net <const> = network("shared")
        local all <const> = {tasks = tasks, epochs = not more.stages and 3 or nil}
        for key, value in pairs(more) do all[key] = value end
        fit(net, all)
        local parts <const> = {}
        for i, p in ipairs(net:parameters()) do parts[i] = core.bytes(p:detach()) end
        found[run] = table.concat(parts)
      end
      assert.is_true(found[1] == found[2])
    end)
  end
end)

describe("train.fit", function()
  it("refuses a stage in which nothing trains", function()
    refused('stages[1]: nothing trains: no parameter of the network belongs to train = "mixers"',
      "shared", {stages = {{epochs = 1, train = "mixers"}}})
  end)

  it("puts stacked columns in a list for a weighting on representations", function()
    local net <const>, twin <const> = network("cross_stitch"), network("cross_stitch"):unstack()
    local weighting <const> = mtl.weighting.upgrad{on = "representation"}
    assert.is_true((net:stacked()))
    fit(net, {weighting = weighting})
    fit(twin, {weighting = weighting})
    assert.is_false((net:stacked()))
    local own <const> = net:state_dict()
    for name, t in pairs(twin:state_dict()) do
      assert.is_true(core.bytes(t) == core.bytes(own[name]), name)
    end
  end)
end)
