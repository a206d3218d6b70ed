--- The convolutions of AlexNet without groups (Krizhevsky 2014).
--
-- conv1 .. conv5 have 64, 192, 384, 256, 256 channels; ReLU follows each. conv1, conv2 and conv5
-- end with 3x3 max pooling of stride 2. Images must have at least 63 pixels a side.
-- Options: width (1.0; multiplies the channels), channels of the input (3), input.

local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

-- Outputs, options of the convolution, and whether max pooling follows.
local LAYERS <const> = {
  {64, {kernel = 11, stride = 4, padding = 2}, true},
  {192, {kernel = 5, padding = 2}, true},
  {384, {kernel = 3, padding = 1}, false},
  {256, {kernel = 3, padding = 1}, false},
  {256, {kernel = 3, padding = 1}, true},
}

local M <const> = {options = declare("alexnet", 3)}

function M.blocks(o)
  local blocks <const> = {}
  for i, layer in ipairs(LAYERS) do
    blocks[i] = {"conv" .. i, function(c)
      local outputs <const> = math.floor(layer[1] * o.width + 0.5)
      local list <const> = {nn.Conv2d(c, outputs, layer[2]), nn.ReLU()}
      if layer[3] then list[3] = nn.MaxPool2d(3, {stride = 2}) end
      return nn.Sequential(list)
    end}
  end
  return blocks
end

return M
