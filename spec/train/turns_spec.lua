--- train.fit with turns = true: a step has the labels of one task. Stacked columns are put in a
-- list for this.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn
local optim <const>, train <const> = braid.optim, braid.train

local faces <const> = data.faces{n = 120, seed = 1, size = 16}
local NAMES <const> = {"glasses", "smile"}

local function network(mixer)
  braid.manual_seed(2)
  local tasks <const> = mtl.tasks{glasses = mtl.classes{2}, smile = mtl.classes{2, weight = 0.5}}
  return mtl.network{tasks = tasks, mixer = mixer, blocks = nn.backbone({{"one", function(c)
    return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3, stride = 2}), nn.BatchNorm2d(4), nn.ReLU()}
  end}}, {channels = 1})}
end

local function bytes_of(net)
  local list <const> = {}
  for name, t in pairs(net:state_dict()) do list[#list + 1] = name .. core.bytes(t) end
  table.sort(list)
  return table.concat(list)
end

-- The same training as a loop written by hand, for columns in a list.
local function by_hand(net, opt)
  for epoch = 1, 2 do
    net:train()
    for batch in data.loader(faces.train, {batch = 16, shuffle = true, epoch = epoch, seed = 3,
                                           balanced = NAMES, tasks = net.tasks}) do
      local _ <close> = braid.scope()
      local loss <const> = net.tasks:loss(
        net(batch.image, {tasks = net.tasks:present(batch)}), batch)
      opt:zero_grad()
      loss:backward()
      opt:step()
    end
  end
end

local function fit(net, optimizer, lr)
  return train.fit{net = net, tasks = net.tasks, train = faces.train, val = faces.val, epochs = 2,
    batch = 16, optimizer = optimizer, lr = lr, turns = true, seed = 3, progress = false}
end

describe("train.fit with tasks in turns", function()
  local OPTIMIZERS <const> = {
    ["by name"] = "Adam", ["with options"] = {"Adam", lr = 0.01},
    ["made by a function"] = function(net) return optim.Adam(net:parameters(), {lr = 0.01}) end,
  }
  for what, optimizer in pairs(OPTIMIZERS) do
    for kind, mixer in pairs{none = mtl.none{}, ttc = mtl.ttc{}, stitch = mtl.cross_stitch{}} do
      it(("gives the same bytes as a loop by hand: %s, an optimizer %s"):format(kind, what),
        function()
        local net <const>, twin <const> = network(mixer), network(mixer):unstack()
        assert.is_true((net:stacked()))
        fit(net, optimizer, what == "by name" and 0.01 or nil)
        by_hand(twin, optim.Adam(twin:parameters(), {lr = 0.01}))
        assert.is_false((net:stacked()))
        assert.is_true(bytes_of(net) == bytes_of(twin))
      end)
    end
  end

  it("gives the turn of a task without classes only samples that have its label", function()
    local set <const> = data.faces{n = 60, seed = 1, size = 16}.train
    for i = 1, 15 do set.labels.landmarks[i]:fill_(0 / 0) end
    local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
      smile = mtl.classes{2}}
    local turns <const>, seen <const> = {landmarks = 0, smile = 0}, {}
    local loader <const> = data.loader(set, {batch = 7, balanced = {"landmarks", "smile"},
      tasks = tasks, shuffle = true})
    for batch in loader do
      turns[batch.task] = turns[batch.task] + 1
      local missing <const> = batch.landmarks:ne(batch.landmarks):sum():item()
      assert.equal(batch.task == "landmarks" and 0 or 10 * batch.count, missing)
      for _, i in ipairs(batch.task == "landmarks" and loader:indices() or {}) do
        assert.is_true(i > 15)
        seen[i] = (seen[i] or 0) + 1
        assert.equal(1, seen[i])
      end
    end
    assert.is_true(math.abs(turns.landmarks - turns.smile) <= 1)

    braid.manual_seed(2)
    local net <const> = mtl.network{tasks = tasks, mixer = mtl.ttc{},
      blocks = nn.backbone({{"one", function(c)
        return nn.Sequential{nn.Conv2d(c, 4, {kernel = 3}), nn.ReLU()}
      end}}, {channels = 1})}
    local history <const> = train.fit{net = net, train = set, epochs = 1, batch = 7, turns = true,
      progress = false}
    assert.is_true(history[1].train.loss.landmarks > 0 and history[1].train.loss.smile > 0)
    set.labels.landmarks:fill_(0 / 0)
    assert.error_matches(function() data.loader(set, {balanced = {"landmarks", "smile"}}) end,
      "balanced: no sample has the label 'landmarks'")
  end)

  it("refuses an optimizer that was made for stacked columns, and says what to do", function()
    local net <const> = network(mtl.ttc{})
    assert.error_matches(function()
      fit(net, optim.Adam(net:parameters(), {lr = 0.01}))
    end, "net:unstack() before you make the optimizer", 1, true)
    assert.is_true((net:stacked()))
  end)
end)
