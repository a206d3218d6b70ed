--- The network of Abrahamsson, Gruneau and Zuber for 150x150 photographs: two convolutions, then a
-- layer of 46,208 x 1024 weights, all of which the optimizer updates in every step.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5}, glasses = mtl.classes{2, weight = 3},
  pose = mtl.classes{5, weight = 6},
}

return {
  title = "KTH 150x150", batch = 32, image = {3, 150, 150}, tasks = tasks,
  net = function()
    local trunk <const> = nn.Sequential{
      nn.Conv2d(3, 16, {kernel = 5, padding = 2}), nn.ReLU(), nn.MaxPool2d(2),
      nn.Conv2d(16, 32, {kernel = 5, padding = 2}), nn.ReLU(), nn.MaxPool2d(2, {ceil_mode = true}),
      nn.Flatten(), nn.Linear(32 * 38 * 38, 1024), nn.ReLU(),
    }
    return mtl.shared(tasks, trunk, function(task) return nn.Linear(1024, task.size) end)
  end,
}
