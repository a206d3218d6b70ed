--- A run of train.fit that was stopped and called again ends with the same bytes as a run that was
-- not stopped, with many different options.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, optim <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.optim, braid.train

local faces <const> = data.faces{n = 80, seed = 1, size = 16}

local function block(c)
  return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3, stride = 2}), nn.BatchNorm2d(4), nn.ReLU(),
    nn.Dropout(0.2)}
end

-- Options of a run, by a title. `columns`, `mixer` and `tasks` are options of the network.
local RUNS <const> = {
  ["no further options"] = function() return {} end,
  workers = function() return {loader = {workers = 2, augment = {flip = 0.5, rotate = 10}}} end,
  balanced = function() return {balanced = "smile"} end,
  turns = function()
    return {turns = true, columns = "per_task",
      tasks = {smile = mtl.classes{2}, glasses = mtl.classes{2}}}
  end,
  ["a loader"] = function()
    return {train = (data.loader(faces.train, {batch = 10, shuffle = true, stratify = "smile"}))}
  end,
  ["loaders with transforms"] = function()
    local steps <const> = {data.resize(16), data.whiten()}
    return {train = (data.loader(faces.train, {batch = 10, shuffle = true, transforms = steps})),
      val = (data.loader(faces.test, {transforms = steps}))}
  end,
  ["a function without a state"] = function()
    return {train = function(epoch)
      local loader <const> = data.loader(faces.train, {batch = 10, shuffle = true, epoch = epoch})
      return setmetatable({}, {__call = function() return loader() end,
        __len = function() return #loader end})
    end}
  end,
  ["a mix"] = function()
    return {train = data.mix{{faces.train, 2}, {faces.test, 1}, by = "sample"}}
  end,
  plateau = function()
    return {schedule = optim.plateau{patience = 0, threshold = 1}, best = "loss"}
  end,
  ["a schedule by epochs"] = function() return {schedule = {optim.step(1), by = "epoch"}} end,
  ["warm-up and clipping"] = function()
    return {warmup = 0.5, schedule = "linear", clip = 0.1, accumulate = 3}
  end,
  SGD = function() return {optimizer = {"SGD", lr = 0.1, momentum = 0.9, nesterov = true}} end,
  LBFGS = function() return {optimizer = {"LBFGS", lr = 0.1, max_iter = 2}} end,
  ["mtl.ttc_update"] = function()
    return {columns = "per_task", optimizer = function(net)
      return mtl.ttc_update(net, optim.SGD(net:parameters(), {lr = 0.01, momentum = 0.9}))
    end}
  end,
  ["an average of epochs"] = function() return {ema = {average = "equal", by = "epoch"}} end,
  ["an average, statistics anew"] = function() return {ema = {decay = 0.5, recompute = 2}} end,
  ["weights and rates by the epoch"] = function()
    return {columns = "per_task", mixer = mtl.cross_stitch{},
      weights = {smile = function(epoch) return 1 / epoch end},
      rates = {landmarks = function(epoch) return epoch end}}
  end,
  ["a weighting, and tasks that end"] = function()
    return {weighting = mtl.weighting.pcgrad{}, stopping = {main = "landmarks", window = 1,
      epsilon = 0}}
  end,
  ["steps in place of epochs"] = function() return {steps = 11, schedule = "cosine"} end,
  patience = function() return {patience = 1, best = "smile.accuracy"} end,
}

local function run(make, dir, stop)
  local o <const> = make()
  local tasks <const> = mtl.tasks(o.tasks or {landmarks = mtl.landmarks{points = 5},
    smile = mtl.classes{2, weight = 0.3}})
  braid.manual_seed(1)
  local net <const> = mtl.network{tasks = tasks, columns = o.columns or "shared", mixer = o.mixer,
    blocks = nn.backbone({{"one", block}}, {channels = 1})}
  local all <const> = {net = net, tasks = tasks, train = faces.train, val = faces.val, epochs = 2,
    batch = 10, optimizer = {"Adam", lr = 1e-2}, seed = 1, progress = false, log = 1, every = 6,
    dir = dir, on = {step = function(_, event)
      if event.step == stop then error("stopped", 0) end
    end}}
  if o.steps then all.epochs = nil end
  for key, value in pairs(o) do
    if key ~= "columns" and key ~= "mixer" and key ~= "tasks" then all[key] = value end
  end
  train.fit(all)
  local parts <const>, state <const>, names <const> = {}, net:state_dict(), {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. core.bytes(state[name]) end
  return table.concat(parts)
end

describe("a run of train.fit that was stopped continues to the same bytes:", function()
  for name, make in pairs(RUNS) do
    it(name, function()
      shell.in_directory(function(folder)
        local wanted <const> = run(make, folder .. "/a")
        local metrics <const> = shell.read(folder .. "/a/metrics.jsonl")
        local last <const> = tonumber(metrics:match('"event":"stop".-"step":(%d+)'))
        local dir <const> = folder .. "/b"
        assert.is_false((pcall(run, make, dir, last - 1)))
        assert.is_true(wanted == run(make, dir))
        assert.equal(metrics, shell.read(dir .. "/metrics.jsonl"))
      end)
    end)
  end
end)
