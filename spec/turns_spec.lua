--- Batches that lack some tasks' labels: tasks in turns, tasks that ended.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local NAN <const> = 0 / 0
local function int(values) return braid.tensor(values, {dtype = "int64"}) end

describe("tasks:loss", function()
  local function all()
    return mtl.tasks{points = mtl.landmarks{points = 2, eyes = false},
      smile = mtl.classes{2, weight = 0.5},
      yaw = mtl.real{1}, many = mtl.attributes{"hat", "tie"},
      hard = mtl.classes{3, hardest = 0.7}}
  end
  local outputs <const> = {points = braid.randn(2, 4), smile = braid.randn(2, 2),
    yaw = braid.randn(2, 1), many = braid.randn(2, 4), hard = braid.randn(2, 3)}
  local missing <const> = {points = braid.rand(2, 2, 2) * NAN,
    smile = int{-100, -100}, yaw = braid.tensor{NAN, NAN}, hat = int{-100, -100},
    tie = int{-100, -100}, hard = int{-100, -100}}
  local labels <const> = {points = braid.rand(2, 2, 2), smile = int{1, -100},
    yaw = braid.tensor{NAN, 0.5}, hat = int{-100, -100}, tie = int{2, -100}, hard = int{-100, 3}}
  local parts <const> = {many = {"hat", "tie"}}

  local function batch_of(names)
    local batch <const> = {}
    for label, t in pairs(missing) do batch[label] = t end
    for _, name in ipairs(names) do
      for _, label in ipairs(parts[name] or {name}) do batch[label] = labels[label] end
    end
    return batch
  end

  for _, name in ipairs(all().names) do
    it("is that of the task whose labels are there alone: " .. name, function()
      local tasks <const>, own <const> = all(), {}
      for key, t in pairs(outputs) do own[key] = t:clone():requires_grad_() end
      local batch <const> = batch_of{name}
      assert.same({name}, tasks:present(batch))
      local loss <const>, each <const> = tasks:loss(own, batch)
      loss:backward()
      for key, t in pairs(own) do
        assert.equal(key == name, t.grad ~= nil, key)
        assert.equal(key == name, each[key] ~= nil, key)
      end
      assert.near(tasks:losses(own, batch)[name]:item() * tasks[name].weight, loss:item(), 1e-6)
      for key, t in pairs(own) do -- what is not in turn need not be finite, nor there
        if key ~= name then own[key] = name > key and t * NAN or nil end
      end
      assert.equal(loss:item(), (tasks:loss(own, batch)):item())
      tasks[name].weight = 0
      assert.same({}, tasks:present(batch))
    end)
  end

  it("is 0 and moves nothing where no task has a label", function()
    local tasks <const>, batch <const> = all(), batch_of{}
    assert.same({}, tasks:present(batch))
    local w <const> = braid.ones(4):requires_grad_()
    local opt <const> = braid.optim.Adam({w}, {weight_decay = 0.1})
    local loss <const>, each <const> = tasks:loss({points = outputs.points * w}, batch)
    loss:backward()
    opt:step()
    assert.equal(0, loss:item())
    assert.same({}, each)
    assert.is_nil(w.grad)
    assert.same({1, 1, 1, 1}, w:totable())
  end)
end)
