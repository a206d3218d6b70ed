--- The shared layers of TCDCN (Zhang, Luo, Loy and Tang 2014).
--
-- conv1 5x5x16, conv2 3x3x48 and conv3 3x3x64 have 2x2 pooling. conv4 2x2x64 and fc with 100
-- outputs follow. Each layer has the activation |tanh|.
-- Options: activation ("AbsTanh", or another class of nn), norm (false; batch norm before the
-- activation), width (1.0), channels of the input (1), input (40).

local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

-- Outputs, kernel, and whether 2x2 pooling follows.
local LAYERS <const> = { {16, 5, true}, {48, 3, true}, {64, 3, true}, {64, 2, false} }

local M <const> = {options = declare("tcdcn", 1, 40, {
  activation = check.choice{"AbsTanh", "ReLU", "LeakyReLU", "PReLU", "ELU", "GELU", "SiLU",
    "Sigmoid", "Tanh", "Softplus", "Hardswish"},
  norm = check.flag(false),
})}

function M.blocks(o)
  local blocks <const>, h, w = {}, o.input[1], o.input[2]
  for i, layer in ipairs(LAYERS) do
    local outputs <const> = math.floor(layer[1] * o.width + 0.5)
    h, w = h - layer[2] + 1, w - layer[2] + 1
    if layer[3] then h, w = h // 2, w // 2 end
    blocks[i] = {"conv" .. i, function(c)
      return nn.Sequential{
        nn.Conv2d(c, outputs, {kernel = layer[2]}),
        o.norm and nn.BatchNorm2d(outputs) or nn.Identity(),
        nn[o.activation](),
        layer[3] and nn.MaxPool2d(2) or nn.Identity(),
      }
    end}
  end
  local area <const> = h * w
  if area < 1 then check.fail("backbone tcdcn: the input must be 32 pixels a side or more") end
  blocks[5] = {"fc", function(c)
    return nn.Sequential{nn.Flatten(), nn.Linear(c * area, math.floor(100 * o.width + 0.5)),
      nn[o.activation]()}
  end}
  return blocks
end

return M
