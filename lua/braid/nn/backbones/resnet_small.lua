--- A residual network for small pictures, with the blocks of He, Zhang, Ren and Sun 2016. The
-- layout is this project's own.
--
-- stem is a 5x5 convolution of stride 2. layer1 .. layer4 have two residual blocks each, with 24,
-- 48, 96 and 192 channels; layer2 .. layer4 have stride 2. fc has 256 outputs. It takes the
-- flattened maps and not their means, so that positions in the picture are not lost. Batch norm and
-- ReLU follow every layer.
-- Options: fc (256; 0 leaves it out), dropout (0.2; after fc), width (1.0; multiplies channels and
-- fc), channels of the input (1), input (64).

local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare
local Block <const> = require("braid.nn.backbones.resnet18").Block

local LAYERS <const>, CHANNELS <const> = 4, 24

local M <const> = {options = declare("resnet_small", 1, 64, {
  fc = check.whole{256, from = 0}, dropout = check.number{0.2, from = 0, below = 1},
})}

function M.blocks(o)
  local function wide(n) return math.floor(n * o.width + 0.5) end
  local function channels(i) return wide(CHANNELS * 2 ^ (i - 1)) end
  local blocks <const> = { {"stem", function(c)
    return nn.Sequential{
      nn.Conv2d(c, channels(1), {kernel = 5, stride = 2, padding = 2, bias = false}),
      nn.BatchNorm2d(channels(1)), nn.ReLU(),
    }, channels(1)
  end} }
  local h, w = (o.input[1] + 1) // 2, (o.input[2] + 1) // 2
  for i = 1, LAYERS do
    local stride <const> = i == 1 and 1 or 2
    h, w = (h + stride - 1) // stride, (w + stride - 1) // stride
    blocks[i + 1] = {"layer" .. i, function(c)
      return nn.Sequential({Block(c, channels(i), stride), Block(channels(i), channels(i), 1)},
        {first = 0}), channels(i)
    end}
  end
  if o.fc > 0 then
    local area <const>, outputs <const> = h * w, wide(o.fc)
    blocks[LAYERS + 2] = {"fc", function(c)
      return nn.Sequential{nn.Flatten(), nn.Linear(c * area, outputs, {bias = false}),
        nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(o.dropout)}, outputs
    end}
  end
  return blocks
end

return M
