--- Tests that functions that run a user's network leave every module in its mode (training or
-- evaluation), and recording of gradients on, also if something inside fails.

local braid = require "braid"
local class = require "braid.class"
local core = require "braid.core"
local nn <const>, mtl <const>, data <const> = braid.nn, braid.mtl, braid.data

-- A layer that fails at its call number `fuse`.
local Fuse <const> = class("Fuse", nn.Module)
function Fuse:forward(x)
  self.calls = (self.calls or 0) + 1
  if self.calls == self.fuse then error("blown") end
  return x
end

local function network()
  local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
  local net <const> = mtl.columns(tasks, nn.backbone({{"conv", function()
    return nn.Sequential{nn.Conv2d(1, 2, {kernel = 1}), nn.Dropout(0.5), Fuse()}
  end}}, {channels = 1}), {stacked = false})
  net:mix("*", mtl.cross_stitch{}):heads(function()
    return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(2, 2)}
  end)
  return net
end

local function batch()
  return {image = braid.randn(4, 1, 3, 3), count = 4,
    a = braid.tensor({1, 2, 1, 2}, {dtype = "int64"}),
    b = braid.tensor({1, 1, 2, 2}, {dtype = "int64"})}
end

local function once(b)
  return function()
    local given <const> = b
    b = nil
    return given
  end
end

local RUNS <const> = {
  evaluate = function(net) net.tasks:evaluate(net, once(batch())) end,
  ablate = function(net) net:ablate(batch()) end,
  contrast_maps = function(net) mtl.contrast_maps(net, {batch()}, "conv") end,
  summary = function(net) net:summary{1, 3, 3} end,
  transfer = function(net) net:transfer(batch()) end,
  features = function(net) net:features(batch().image) end,
  add_task = function(net) net:add_task("c", mtl.classes{2}) end,
  remove_task = function(net) net:remove_task("b") end,
  extract = function(net) net:extract{"a"} end,
  clone = function(net) net:clone() end,
  state = function(net) net:load_state_dict(net:state_dict()) end,
  to = function(net) net:to("float64") end,
  unstack = function(net) net:stack() net:unstack() end,
}

-- {path = training} of every part.
local function modes(net)
  local found <const> = {}
  require("braid.nn.walk").walk(net, function(path, m)
    if type(m) == "table" then found[path] = m.training end
  end)
  return found
end

-- A network with parts in different modes. One part fails at call `fuse` of each column.
local function mixed(fuse)
  local net <const> = network()
  net:eval()
  net.columns.a:train()
  net.columns.b:find(nn.Dropout)[1].training = true
  for _, m in ipairs(net:find(Fuse)) do m.calls, m.fuse = 0, fuse end
  return net
end

describe("the mode of each module", function()
  for name, run in pairs(RUNS) do
    it("is the same after " .. name .. " as before, also if it fails", function()
      for _, fuse in ipairs{0, 1, 2} do
        local net <const> = mixed(fuse)
        local before <const> = modes(net)
        pcall(run, net)
        local after <const> = modes(net)
        for path, training in pairs(before) do
          if after[path] ~= nil then assert.equal(training, after[path], path) end
        end
        assert.is_true(core.is_recording())
        assert.is_true(braid.ones(1):requires_grad_():mul(2).requires_grad)
      end
    end)
  end

  it("is kept in the networks of a detector", function()
    local tasks <const> = mtl.tasks{face = mtl.classes{2}, box = mtl.real{4},
      landmarks = mtl.landmarks{}}
    local nets <const> = {}
    for _, kind in ipairs{"P", "R", "O"} do
      nets[kind] = braid.model("models/mtcnn.lua", {stage = kind, tasks = tasks}):train()
    end
    local detect <const> = braid.vision.detector(nets)
    assert.is_true(nets.P.training)
    detect(core.new({3, 40, 40}, "uint8", 9))
    pcall(detect, core.new({3, 40, 40}, "float32", 9))
    for _, kind in ipairs{"P", "R", "O"} do
      for path, training in pairs(modes(nets[kind])) do assert.is_true(training, path) end
    end
  end)

  it("and recording are kept if an error ends a loop over a loader", function()
    local faces <const> = data.faces{n = 8, seed = 1}.train
    pcall(function()
      for _ in data.loader(faces, {batch = 4}) do
        local _ <close> = braid.scope()
        local _ <close> = braid.no_grad()
        error("left")
      end
    end)
    assert.is_true(core.is_recording())
    assert.equal(3, braid.ones(3):sum():item())
  end)
end)
