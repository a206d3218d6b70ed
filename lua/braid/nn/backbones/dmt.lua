--- One subnet of the dynamic multi-task network (Fang et al. 2017, section 4.1).
--
-- It has five convolutions, 5x5x40, 5x5x60, 3x3x80, 3x3x100, 2x2x140, each with batch norm (section
-- 3) and ReLU, 2x2 pooling between them, and fc with 360 outputs. Decisions: images are 32x32;
-- padding is 2, 2, 1, 1, 0; batch norm comes before a convolution's ReLU, and fc has none.
-- Options: width (1.0), channels of the input (1), input (32).

local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

-- Outputs, kernel, padding.
local LAYERS <const> = { {40, 5, 2}, {60, 5, 2}, {80, 3, 1}, {100, 3, 1}, {140, 2, 0} }

local M <const> = {options = declare("dmt", 1, 32)}

function M.blocks(o)
  local function wide(n) return math.floor(n * o.width + 0.5) end
  local blocks <const>, h, w = {}, o.input[1], o.input[2]
  for i, layer in ipairs(LAYERS) do
    local outputs <const> = wide(layer[1])
    blocks[i] = {"conv" .. i, function(c)
      local list <const> = {nn.Conv2d(c, outputs, {kernel = layer[2], padding = layer[3]}),
        nn.BatchNorm2d(outputs), nn.ReLU()}
      if i < #LAYERS then list[4] = nn.MaxPool2d(2) end
      return nn.Sequential(list)
    end}
    h, w = h + 2 * layer[3] - layer[2] + 1, w + 2 * layer[3] - layer[2] + 1
    if i < #LAYERS then h, w = h // 2, w // 2 end
  end
  local area <const> = h * w
  if h < 1 or w < 1 then check.fail("backbone dmt: the input must be 32 pixels a side or more") end
  blocks[6] = {"fc", function(c)
    return nn.Sequential{nn.Flatten(), nn.Linear(c * area, wide(360)), nn.ReLU()}
  end}
  return blocks
end

return M
