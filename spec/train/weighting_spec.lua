--- Weightings in train.fit: they give the same steps as in a user's loop, are logged, and continue
-- after a stop.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local folder_of <const> = require "braid.folder"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const>, optim <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.optim, braid.train

local faces <const> = data.faces{n = 60, seed = 1, size = 16}

local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5}, glasses = mtl.classes{2},
    smile = mtl.classes{2, weight = 0.5}}
end

local function network(tasks)
  braid.manual_seed(1)
  return mtl.network{tasks = tasks, columns = "shared", blocks = nn.backbone({{"one", function(c)
    return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU(), nn.GlobalAvgPool()}
  end}}, {channels = 1})}
end

local function bytes_of(net)
  local parts <const> = {}
  for i, p in ipairs(net:parameters()) do parts[i] = core.bytes(p:detach()) end
  return table.concat(parts)
end

local function fit(more)
  local tasks <const> = tasks_of()
  local net <const> = network(tasks)
  local o <const> = {net = net, tasks = tasks, train = faces.train, val = faces.val, epochs = 2,
    batch = 15, optimizer = {"Adam", lr = 1e-2}, seed = 3, progress = false, log = 1}
  for key, value in pairs(more) do o[key] = value or nil end
  return train.fit(o), net
end

describe("a weighting in train.fit", function()
  it("gives the same weights as a loop written by hand", function()
    local tasks <const> = tasks_of()
    local net <const> = network(tasks)
    local sample <const> = data.loader(faces.train, {batch = 2})()
    net(sample.image)
    braid.manual_seed(3)
    local opt <const> = optim.Adam(net:parameters(), {lr = 1e-2})
    local weighing <const> = tasks:weigh(net, mtl.weighting.upgrad{})
    for epoch = 1, 2 do
      tasks:set_epoch(epoch)
      net:train()
      for batch in data.loader(faces.train, {batch = 15, shuffle = true, epoch = epoch, seed = 3,
                                             tasks = tasks}) do
        local _ <close> = braid.scope()
        opt:zero_grad()
        weighing:backward(net(batch.image), batch)
        opt:step()
      end
    end
    local history <const>, trained <const> = fit{weighting = mtl.weighting.upgrad{}}
    assert.is_true(bytes_of(net) == bytes_of(trained))
    local step <const> = history:last("step")
    for name, value in pairs(weighing.coefficients) do
      assert.is_true(math.abs(value - step.weights[name]) < 1e-12)
    end
    assert.same({"glasses", "landmarks", "smile"}, step.cosine.names)
    assert.is_true(math.abs(step.cosine.rows[2][2] - 1) < 1e-9)
    local plain <const> = fit{}
    assert.is_nil(plain:last("step").cosine)
    assert.equal(0.5, plain:last("step").weights.smile)
  end)

  local names <const> = folder_of.names(mtl.weighting)
  for _, name in ipairs(names) do
    it("continues to the same bytes after a stop: " .. name, function()
      local make <const> = mtl.weighting[name]
      shell.in_directory(function(folder)
        local function run(dir, stop)
          local options <const> = name == "fixed" and {weights = {glasses = 2}} or {}
          local _, net <const> = fit{dir = dir, every = 2, epochs = 1, weighting = make(options),
            on = {step = function(_, event)
              if event.step == stop then error("here", 0) end
            end}}
          return bytes_of(net)
        end
        local wanted <const> = run(folder .. "/a")
        local dir <const> = folder .. "/b"
        assert.is_false(pcall(run, dir, 4))
        assert.is_true(wanted == run(dir))
        assert.equal(shell.read(folder .. "/a/metrics.jsonl"), shell.read(dir .. "/metrics.jsonl"))
      end)
    end)
  end

  -- Compares only one step, because rounding may change a later random choice of graddrop.
  it("gives three accumulated batches the step of one large batch, for every method", function()
    for _, name in ipairs(names) do
      local options <const> = name == "fixed" and {weights = {glasses = 2}} or {}
      local function trained(more)
        more.weighting, more.epochs, more.steps = mtl.weighting[name](options), false, 1
        more.optimizer = {"SGD", lr = 0.1}
        local history <const>, net <const> = fit(more)
        return net:parameters(), history:last("step")
      end
      local one <const>, step <const> = trained{batch = 30}
      local many <const>, same <const> = trained{batch = 10, accumulate = 3}
      for i, p in ipairs(one) do
        assert.is_true((p - many[i]):abs():max():item() < 1e-5, name)
      end
      for key, loss in pairs(step.loss) do assert.near(loss, same.loss[key], 1e-5 * (1 + loss)) end
      for key, c in pairs(step.weights) do
        assert.near(c, same.weights[key], 1e-3 * (1 + math.abs(c)), name .. " " .. key)
      end
    end
  end)

  it("gets the independent batches of double sampling, also when it continues", function()
    local function sdmgrad() return mtl.weighting.sdmgrad{sampling = "double", steps = 2} end
    shell.in_directory(function(folder)
      local function run(dir, stop)
        local history <const>, net <const> = fit{dir = dir, every = 1, batch = 4,
          weighting = sdmgrad(), on = {step = function(_, event)
          if event.step == stop then error("here", 0) end
        end}}
        return bytes_of(net), history
      end
      local wanted <const>, history <const> = run(folder .. "/a")
      local batches <const> = (#faces.train + 3) // 4
      assert.equal(2 * ((batches + 4) // 5), history:last("step").step) -- a step takes five batches
      assert.is_false(pcall(run, folder .. "/b", 3))
      assert.is_true(wanted == run(folder .. "/b"))
      local lines <const> = shell.read(folder .. "/a/metrics.jsonl")
      assert.equal(lines, shell.read(folder .. "/b/metrics.jsonl"))
    end)
  end)

  it("gives other weights than equal weighting, for every method", function()
    local function trained(weighting)
      local _, net <const> = fit{weighting = weighting, epochs = 4, batch = 30}
      return bytes_of(net)
    end
    local equal <const> = trained(mtl.weighting.equal{})
    for _, name in ipairs(names) do
      local options <const> = name == "fixed" and {weights = {glasses = 2}} or {}
      assert.equal(name == "equal", trained(mtl.weighting[name](options)) == equal, name)
    end
  end)

  it("may be the user's function; one on representations cannot accumulate batches", function()
    local seen = 0
    local history <const> = fit{weighting = function(losses, _, state)
      seen = seen + 1
      state.count = (state.count or 0) + 1
      local list <const> = {}
      for i = 1, #losses do list[i] = i end
      return list
    end}
    assert.equal(8, seen)
    assert.equal(3, history:last("step").weights.smile)
    local on <const> = mtl.weighting.upgrad{on = "representation"}
    local ok <const>, why <const> = pcall(fit, {weighting = on, accumulate = 2})
    assert.is_false(ok)
    assert.matches("accumulate: a weighting with on = \"representation\" needs the graphs", why, 1,
      true)
    assert.is_false((pcall(fit, {weighting = 3})))
  end)
end)
