--- The convolutions of VGG-16 (Simonyan and Zisserman 2015).
--
-- They are 3x3 with padding 1 and ReLU, and have names like the papers': conv1_1, conv1_2, conv2_1
-- .. conv5_3. The last one of each stage ends with 2x2 max pooling.
-- Options: width (1.0; multiplies the channels), stages (5), channels of the input (3), input. fc =
-- 2048 adds a fully connected block "fc" with ReLU, for images of the size `input`. norm = true
-- adds batch norm after each convolution. crelu = true halves the filters, and CReLU then doubles
-- their outputs (Shang et al. 2016).

local check <const> = require "braid.check"
local nn <const> = require "braid.nn"
local declare <const> = require("braid.nn.backbone_options").declare

-- The number of 3x3 convolutions in each stage, and their channels.
local STAGES <const> = { {2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512} }

local M <const> = {options = declare("vgg16", 3, nil, {
  stages = check.whole{5, from = 1, to = #STAGES}, fc = check.whole{from = 1},
  norm = check.flag(false), crelu = check.flag(false),
})}

-- Starts weights by He's method. Without it, thirteen layers of ReLU do not begin to learn.
local function started(layer)
  nn.init.kaiming_normal(layer.weight)
  nn.init.constant(layer.bias, 0)
  return layer
end

local function convolution(o, c, outputs, last)
  local filters <const> = o.crelu and (outputs + 1) // 2 or outputs
  local list <const> = {started(nn.Conv2d(c, filters, {kernel = 3, padding = 1}))}
  if o.norm then list[#list + 1] = nn.BatchNorm2d(filters) end
  list[#list + 1] = o.crelu and nn.CReLU() or nn.ReLU()
  if last then list[#list + 1] = nn.MaxPool2d(2) end
  return nn.Sequential(list)
end

function M.blocks(o)
  local blocks <const> = {}
  for stage = 1, o.stages do
    local count <const> = STAGES[stage][1]
    local outputs <const> = math.floor(STAGES[stage][2] * o.width + 0.5)
    for i = 1, count do
      blocks[#blocks + 1] = {("conv%d_%d"):format(stage, i), function(c)
        return convolution(o, c, outputs, i == count)
      end}
    end
  end
  if o.fc then
    if not o.input then check.fail("backbone vgg16: fc needs input = {height, width}") end
    local area <const> = (o.input[1] >> o.stages) * (o.input[2] >> o.stages)
    if area == 0 then
      check.fail("backbone vgg16: with fc, input must be %d pixels a side or more: it is pooled %d "
        .. "times", 1 << o.stages, o.stages)
    end
    blocks[#blocks + 1] = {"fc", function(c)
      return nn.Sequential{nn.Flatten(), started(nn.Linear(c * area, o.fc)), nn.ReLU()}
    end}
  end
  return blocks
end

return M
