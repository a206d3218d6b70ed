--- The shared stream of SMTN, as in its first training stage: VGG-16's convolutions on 128x128, a
-- layer of 2048 values, ten coordinates and forty attributes.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl
local class <const> = require "braid.class"

local Attributes <const> = class("Attributes")
Attributes.size, Attributes.count, Attributes.classes, Attributes.weight = 80, 40, 2, 1

function Attributes.loss(_, output, target)
  return braid.F.cross_entropy(output:reshape(-1, 2), target:reshape(-1))
end

local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}, attributes = Attributes()}

return {
  title = "SMTN stream 128x128", batch = 8, image = {3, 128, 128}, tasks = tasks,
  net = function()
    local layers <const>, channels = {}, 3
    for _, block in ipairs{{64, 2}, {128, 2}, {256, 3}, {512, 3}} do
      for _ = 1, block[2] do
        layers[#layers + 1] = nn.Conv2d(channels, block[1], {kernel = 3, padding = 1})
        layers[#layers + 1] = nn.ReLU()
        channels = block[1]
      end
      layers[#layers + 1] = nn.MaxPool2d(2)
    end
    layers[#layers + 1] = nn.Flatten()
    layers[#layers + 1] = nn.Linear(512 * 8 * 8, 2048)
    layers[#layers + 1] = nn.ReLU()
    return mtl.shared(tasks, nn.Sequential(layers),
      function(task) return nn.Linear(2048, task.size) end)
  end,
}
