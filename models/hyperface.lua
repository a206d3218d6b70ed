--- HyperFace (Ranjan, Patel and Chellappa 2017), in the form that Trottier et al. 2018 compare
-- with. The maps of AlexNet's pool1, conv3 and pool5 are brought to one size: pool1 by a 4x4
-- convolution of stride 4, conv3 by a 2x2 convolution of stride 2, each with 256 channels. The
-- maps are concatenated (768 channels). Then follow a 1x1 convolution to 192 channels, a layer of
-- 3072 units, and for each task a layer of 512 units and its output. Every layer has a ReLU, and
-- the layers of 3072 and 512 units have dropout 0.5.
-- Decisions: AlexNet in its single-tower form, as in the comparison; faces are not detected.
-- Blocks: fusion (the three maps), reduce, full.
-- Options: input (227; the side in pixels: 63 to 70, 95 to 102 and so on, in steps of 32, give
-- maps of one size), width (1.0), channels of the input (3), dropout (0.5), split (the last block;
-- the name of the last block that all tasks share), head (instead of the layer of 512 units and
-- the output).
-- Parameters for MTFL's five tasks (21 outputs): 32,387,605.
local Fusion = class("Fusion", nn.Module)

local function wide(n, o) return math.floor(n * (o.width or 1) + 0.5) end

function Fusion:init(c, o)
  local trunk, outputs = nn.backbone("alexnet", {channels = c, width = o.width}), wide(256, o)
  self.trunk, self.outputs = trunk, 2 * outputs + trunk:channels()
  self.pool1 = nn.Sequential{
    nn.Conv2d(trunk:channels("conv1"), outputs, {kernel = 4, stride = 4}), nn.ReLU()}
  self.conv3 = nn.Sequential{
    nn.Conv2d(trunk:channels("conv3"), outputs, {kernel = 2, stride = 2}), nn.ReLU()}
end

function Fusion:forward(x)
  local maps = {}
  for _, block in ipairs(self.trunk:blocks()) do
    x = self.trunk[block](x)
    if block == "conv1" then maps[1] = self.pool1(x) end
    if block == "conv3" then maps[2] = self.conv3(x) end
  end
  maps[3] = x
  return braid.cat(maps, 2)
end

-- The side of the three maps of an image.
local function side_of(input)
  local function pooled(n) return (n - 3) // 2 + 1 end
  if math.type(input) ~= "integer" then
    error(("hyperface: input must be the side of an image in pixels, not %s"):format(
      tostring(input)), 0)
  end
  local pool1 = pooled((input + 4 - 11) // 4 + 1)
  local conv3 = pooled(pool1)
  local side = pooled(conv3)
  if side < 1 or pool1 // 4 ~= side or conv3 // 2 ~= side then
    error(("hyperface: with input = %s the three maps differ in size; take 63 to 70, 95 to 102, "
      .. "... 223 to 230"):format(tostring(input)), 0)
  end
  return side
end

return function(tasks, o)
  local side, dropout = side_of(o.input or 227), o.dropout or 0.5
  local trunk = nn.backbone({
    {"fusion", function(c) return Fusion(c, o) end},
    {"reduce", function(c)
      return nn.Sequential{nn.Conv2d(c, wide(192, o), {kernel = 1}), nn.ReLU()}
    end},
    {"full", function(c)
      return nn.Sequential{nn.Flatten(), nn.Linear(c * side * side, wide(3072, o)), nn.ReLU(),
        nn.Dropout(dropout)}
    end},
  }, {channels = o.channels or 3})
  local net = mtl.columns(tasks, trunk, {columns = "shared", split = o.split})
  return net:heads(o.head or function(task, c)
    return nn.Sequential{nn.Linear(c, wide(512, o)), nn.ReLU(), nn.Dropout(dropout),
      nn.Linear(wide(512, o), task.size)}
  end)
end
