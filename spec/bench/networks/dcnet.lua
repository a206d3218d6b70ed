--- DCNet: a ResNet-18 for each of five tasks and a collaborative block after the stem and each
-- stage. Everything is classification; a landmark's coordinate is one of 64 bins.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl
local class <const> = require "braid.class"

local Bins <const> = class("Bins")
Bins.size, Bins.count, Bins.classes, Bins.weight = 640, 10, 64, 1

function Bins.loss(_, output, target)
  return braid.F.cross_entropy(output:reshape(-1, 64), target:reshape(-1))
end

local tasks <const> = mtl.tasks{
  landmarks = Bins(), gender = mtl.classes{2}, smile = mtl.classes{2}, glasses = mtl.classes{2},
  pose = mtl.classes{5},
}
local TOWERS <const> = #tasks.names

local function conv(inputs, outputs, kernel, stride)
  return nn.Conv2d(inputs, outputs,
    {kernel = kernel, stride = stride or 1, padding = kernel // 2, bias = false})
end

local function basic(inputs, outputs, stride)
  return nn.Sequential{
    nn.Residual(
      nn.Sequential{
        conv(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU(),
        conv(outputs, outputs, 3), nn.BatchNorm2d(outputs),
      },
      (stride ~= 1 or inputs ~= outputs)
        and nn.Sequential{conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)} or nil),
    nn.ReLU(),
  }
end

local function resnet(width)
  local stages <const> = {nn.Sequential{
    conv(3, width, 7, 2), nn.BatchNorm2d(width), nn.ReLU(),
    nn.MaxPool2d(3, {stride = 2, padding = 1}),
  }}
  for i = 1, 4 do
    local outputs <const> = width << (i - 1)
    local inputs <const> = i == 1 and width or outputs // 2
    stages[i + 1] =
      nn.Sequential{basic(inputs, outputs, i == 1 and 1 or 2), basic(outputs, outputs, 1)}
  end
  return stages
end

-- One map from each tower, all of c channels -> the same, each with what the others know.
local Collaborative <const> = class("Collaborative", nn.Module)

function Collaborative:init(c)
  local m <const> = c * TOWERS // 4
  self.central = nn.Sequential{
    conv(c * TOWERS, m, 1), nn.BatchNorm2d(m), nn.ReLU(), conv(m, m, 3), nn.BatchNorm2d(m),
    nn.ReLU(),
  }
  for t = 1, TOWERS do
    self[t] = nn.Sequential{
      conv(c + m, c, 1), nn.BatchNorm2d(c), nn.ReLU(), conv(c, c, 3), nn.BatchNorm2d(c),
    }
  end
end

function Collaborative:forward(x)
  local z <const>, y <const> = self.central(braid.cat(x, 2)), {}
  for t = 1, TOWERS do y[t] = (x[t] + self[t](braid.cat({x[t], z}, 2))):relu() end
  return y
end

local function head(inputs, outputs)
  local middle <const> = (inputs + outputs) // 2
  return nn.Sequential{
    nn.GlobalAvgPool(), nn.Linear(inputs, middle), nn.BatchNorm1d(middle), nn.ReLU(),
    nn.Linear(middle, outputs),
  }
end

local Dcnet <const> = class("Dcnet", nn.Module)

function Dcnet:init(width)
  self.towers, self.blocks, self.heads = {}, {}, {}
  for t, name in ipairs(tasks.names) do
    self.towers[t], self.heads[name] = resnet(width), head(8 * width, tasks[name].size)
  end
  for stage = 1, 5 do self.blocks[stage] = Collaborative(width << math.max(stage - 2, 0)) end
end

function Dcnet:forward(image)
  local x = {}
  for stage, block in ipairs(self.blocks) do
    local y <const> = {}
    for t = 1, TOWERS do y[t] = self.towers[t][stage](x[t] or image) end
    x = block(y)
  end
  local outputs <const> = {}
  for t, name in ipairs(tasks.names) do outputs[name] = self.heads[name](x[t]) end
  return outputs
end

return {
  title = "DCNet width 64, 64x64", batch = 8, image = {3, 64, 64}, tasks = tasks,
  net = function() return Dcnet(64) end, at_width = Dcnet,
}
