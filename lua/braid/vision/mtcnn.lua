--- MTCNN with the weights that its authors published: det1, det2 and det3.caffemodel.
--
-- These networks were trained on pictures with rows and columns exchanged. This file exchanges the
-- two sides of every kernel once, so that pictures need no change. The published head of the
-- landmarks gives five x and then five y, from 0 to 1. Its rows become x, y, x, y, ... from -1 to
-- 1, as in mtl.landmarks.

local core <const> = require "braid.core"
local caffemodel <const> = require "braid.io.caffemodel"
local check <const> = require "braid.check"
local damage <const> = require "braid.io.damage"
local detector <const> = require "braid.vision.detector"
local model <const> = require "braid.model"
local mtl <const> = require "braid.mtl"
local ops <const> = core.ops

local M <const> = {}

-- Caffe's layers by the names in models/mtcnn.lua: blocks, and the heads.
local STAGES <const> = {
  P = {file = "det1", blocks = {"conv1", "conv2", "conv3"}, prelu = "PReLU",
    heads = {face = "conv4-1", box = "conv4-2"}},
  R = {file = "det2", blocks = {"conv1", "conv2", "conv3", "fc"}, prelu = "prelu",
    heads = {face = "conv5-1", box = "conv5-2", landmarks = "conv5-3"}},
  O = {file = "det3", blocks = {"conv1", "conv2", "conv3", "conv4", "fc"}, prelu = "prelu",
    heads = {face = "conv6-1", box = "conv6-2", landmarks = "conv6-3"}},
}

local fail <const> = damage.fail

-- Blob number i of a layer. It must have as many values as the parameter `like`.
local function blob(layers, layer, i, like)
  local t <const> = layers[layer] and layers[layer][i]
  if not t then fail("there is no blob %d of a layer '%s'", i, layer) end
  if t:numel() ~= like:numel() then
    fail("layer '%s' has (%s) where the network has (%s)", layer, table.concat(t.shape, ", "),
      table.concat(like.shape, ", "))
  end
  return t:to("float32")
end

-- The weight of a convolution, or of the layer after the last 3 x 3 map, with sides exchanged.
local function turned(t, like)
  local o <const> = like:size(1)
  local shape <const> = like:dim() == 4 and like.shape or {o, like:size(2) // 9, 3, 3}
  return ops.reshape(ops.transpose(ops.reshape(t, shape), 3, 4), like.shape)
end

-- Reorders rows x1 .. x5, y1 .. y5 from 0 to 1 as x1, y1, ... from -1 to 1.
local ORDER <const> = {1, 6, 2, 7, 3, 8, 4, 9, 5, 10}
local function landmark_head(t, is_bias)
  local y <const> = ops.index_select(t, 1, core.from_table(ORDER, "int64")) * 2
  return is_bias and y - 1 or y
end

--- The state of a network of models/mtcnn.lua, made from the layers of its .caffemodel file
-- (braid.load). Tensors that the file lacks are left out.
-- @param stage "P", "R" or "O"
-- @param net the network, whose shapes the layers must have
-- @treturn table<string, Tensor>? tensors by name, or nil
-- @treturn string? a message
-- @usage local state, message = braid.vision.mtcnn.state("O", {}, net)
M.state = damage.caught(function(stage, layers, net)
  local s <const>, own <const>, state <const> = STAGES[stage], net:state_dict(), {}
  for i, block in ipairs(s.blocks) do
    local at <const> = block == "fc" and 2 or 1
    local weight <const>, bias <const> = ("trunk.%s.%d.weight"):format(block, at),
      ("trunk.%s.%d.bias"):format(block, at)
    local slope <const> = ("trunk.%s.%d.weight"):format(block, at + 1)
    local layer <const> = "conv" .. i
    state[weight] = turned(blob(layers, layer, 1, own[weight]), own[weight])
    state[bias] = blob(layers, layer, 2, own[bias])
    state[slope] = blob(layers, s.prelu .. i, 1, own[slope])
  end
  for _, head in ipairs(check.sorted_keys(s.heads)) do
    for i, part in ipairs{"weight", "bias"} do
      local name <const> = ("head.%s.%s"):format(head, part)
      if own[name] then
        local t <const> = ops.reshape(blob(layers, s.heads[head], i, own[name]), own[name].shape)
        state[name] = head == "landmarks" and landmark_head(t, part == "bias") or t
      end
    end
  end
  return state
end)

local function tasks_of(stage)
  local tasks <const> = {face = mtl.classes{2, hardest = 0.7},
    box = mtl.real{4}}
  if STAGES[stage].heads.landmarks then
    tasks.landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4},
      weight = stage == "O" and 1 or 0.5}
  end
  return mtl.tasks(tasks)
end

--- One of the three networks with the published weights; or nil and a message.
-- @treturn mtl.columns?
-- @treturn string?
-- @usage local net, message = braid.vision.mtcnn.network("weights", "O")
function M.network(dir, stage)
  if not STAGES[stage] then
    check.fail("vision.mtcnn: the networks are P, R and O, not %s", tostring(stage))
  end
  local path <const> = ("%s/%s.caffemodel"):format(dir, STAGES[stage].file)
  local layers <const>, message <const> = caffemodel.read(path)
  if not layers then return nil, message end
  local net <const> = model("models/mtcnn.lua", {stage = stage, tasks = tasks_of(stage)})
  local state <const>, wrong <const> = M.state(stage, layers, net)
  if not state then return nil, ("%s: not the weights of %s: %s"):format(path, stage, wrong) end
  net:load_state_dict(state)
  return net:eval()
end

--- A detector with the published weights in a directory; or nil and a message. It takes the options
-- of vision.detector.
-- @treturn vision.detector?
-- @treturn string?
-- @usage
-- local detect, message = braid.vision.mtcnn.detector("weights", {min_face = 40})
-- if detect then print(detect(faces.val[1].image).boxes) end
function M.detector(dir, given)
  local nets <const> = {}
  for _, stage in ipairs{"P", "R", "O"} do
    local net <const>, message <const> = M.network(dir, stage)
    if not net then return nil, message end
    nets[stage] = net
  end
  return detector(nets, given)
end

return M
