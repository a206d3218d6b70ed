--- ResNet-18 (He, Zhang, Ren and Sun 2016) without its last layer.
--
-- The blocks are stem (7x7/2 convolution, batch norm, ReLU, 3x3 max pooling of stride 2) and layer1
-- .. layer4 with 64, 128, 256, 512 channels. Names inside a block are torchvision's, which has no
-- block called stem.
-- Options: width (1.0; multiplies the channels), channels of the input (3), input.

local class <const> = require "braid.class"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

local Stem <const> = class("Stem", nn.Module)
Stem.channelwise, Stem.first = true, "conv1"

function Stem:init(inputs, outputs)
  self.conv1 = nn.Conv2d(inputs, outputs, {kernel = 7, stride = 2, padding = 3, bias = false})
  self.bn1 = nn.BatchNorm2d(outputs)
  self.maxpool = nn.MaxPool2d(3, {stride = 2, padding = 1})
end

function Stem:forward(x) return self.maxpool(self.bn1(self.conv1(x), "relu")) end

-- A residual block: two 3x3 convolutions, whose result is added to the input.
local Block <const> = class("Block", nn.Module)
Block.channelwise = true

function Block:init(inputs, outputs, stride)
  local function conv3(c, s)
    return nn.Conv2d(c, outputs, {kernel = 3, stride = s, padding = 1, bias = false})
  end
  self.conv1, self.bn1 = conv3(inputs, stride), nn.BatchNorm2d(outputs)
  self.conv2, self.bn2 = conv3(outputs, 1), nn.BatchNorm2d(outputs)
  if stride ~= 1 or inputs ~= outputs then
    self.downsample = nn.Sequential({
      nn.Conv2d(inputs, outputs, {kernel = 1, stride = stride, bias = false}),
      nn.BatchNorm2d(outputs),
    }, {first = 0})
  end
end

function Block:forward(x)
  local y = self.bn1(self.conv1(x), "relu")
  y = self.bn2(self.conv2(y))
  return (y + (self.downsample and self.downsample(x) or x)):relu()
end

local M <const> = {options = declare("resnet18", 3), Block = Block,
  layout = {["stem.conv1"] = "conv1", ["stem.bn1"] = "bn1"}}

function M.blocks(o)
  local function channels(i) return math.floor(64 * 2 ^ (i - 1) * o.width + 0.5) end
  local blocks <const> = { {"stem", function(c) return Stem(c, channels(1)), channels(1) end} }
  for i = 1, 4 do
    blocks[i + 1] = {"layer" .. i, function(c)
      return nn.Sequential({
        Block(c, channels(i), i == 1 and 1 or 2),
        Block(channels(i), channels(i), 1),
      }, {first = 0}), channels(i)
    end}
  end
  return blocks
end

return M
