--- HyperFace (Ranjan, Patel and Chellappa 2017), as Trottier et al. 2018 compare with it: what
-- AlexNet has after pool1, conv3 and pool5 is brought to one size, by 4x4/4 and 2x2/2
-- convolutions of 256, and put side by side (768), then 1x1 to 192, a layer of 3072, and for
-- each task a layer of 512 and its output. ReLU after each, dropout 0.5 after the full layers.
-- Decisions: AlexNet in its single-tower form, as the comparison has it; no detection of faces.
-- Options: input (227; 63 to 74, 95 to 106 and so on up make the three maps equal), width (1.0),
-- channels of the input (3), dropout.
-- Parameters for MTFL's five tasks (21 outputs): 32,387,605.
local Fusion = class("Fusion", nn.Module)

function Fusion:init(o)
  local function wide(n) return math.floor(n * (o.width or 1) + 0.5) end
  local trunk = nn.backbone("alexnet", {channels = o.channels, width = o.width})
  self.trunk, self.outputs = trunk, wide(3072)
  self.pool1 = nn.Sequential{
    nn.Conv2d(trunk:channels("conv1"), wide(256), {kernel = 4, stride = 4}), nn.ReLU()}
  self.conv3 = nn.Sequential{
    nn.Conv2d(trunk:channels("conv3"), wide(256), {kernel = 2, stride = 2}), nn.ReLU()}
  self.reduce = nn.Sequential{
    nn.Conv2d(2 * wide(256) + trunk:channels(), wide(192), {kernel = 1}), nn.ReLU()}
  local side = ((o.input or 227) + 4 - 11) // 4 + 1 -- conv1, then three times 3/2 pooling
  for _ = 1, 3 do side = (side - 3) // 2 + 1 end
  self.full = nn.Sequential{nn.Flatten(), nn.Linear(wide(192) * side * side, self.outputs),
    nn.ReLU(), nn.Dropout(o.dropout or 0.5)}
end

function Fusion:forward(x)
  local maps = {}
  for _, block in ipairs(self.trunk:blocks()) do
    x = self.trunk[block](x)
    if block == "conv1" then maps[1] = self.pool1(x) end
    if block == "conv3" then maps[2] = self.conv3(x) end
  end
  maps[3] = x
  return self.full(self.reduce(braid.cat(maps, 2)))
end

return function(tasks, o)
  local function fusion()
    local block = Fusion(o)
    return block, block.outputs
  end
  local net = mtl.columns(tasks, nn.backbone({{"fusion", fusion}}), {columns = "shared"})
  return net:heads(function(task, c)
    local hidden = math.floor(512 * (o.width or 1) + 0.5)
    return nn.Sequential{nn.Linear(c, hidden), nn.ReLU(), nn.Dropout(o.dropout or 0.5),
      nn.Linear(hidden, task.size)}
  end)
end
