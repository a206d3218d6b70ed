--- O-Net, the last of MTCNN's three networks: 48x48 pictures, PReLU for each channel, pooling that
-- rounds up.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local tasks <const> = mtl.tasks{
  face = mtl.classes{2}, box = mtl.landmarks{points = 2, eyes = false},
  landmarks = mtl.landmarks{points = 5},
}

return {
  title = "O-Net 48x48", batch = 1, image = {3, 48, 48}, tasks = tasks,
  net = function()
    local function pool(k) return nn.MaxPool2d(k, {stride = 2, ceil_mode = true}) end
    local trunk <const> = nn.Sequential{
      nn.Conv2d(3, 32, {kernel = 3}), nn.PReLU(32), pool(3),   -- 48 -> 46 -> 23
      nn.Conv2d(32, 64, {kernel = 3}), nn.PReLU(64), pool(3),  -- 23 -> 21 -> 10
      nn.Conv2d(64, 64, {kernel = 3}), nn.PReLU(64), pool(2),  -- 10 ->  8 ->  4
      nn.Conv2d(64, 128, {kernel = 2}), nn.PReLU(128),         --  4 ->  3
      nn.Flatten(), nn.Linear(1152, 256), nn.PReLU(256),
    }
    return mtl.shared(tasks, trunk, function(task) return nn.Linear(256, task.size) end)
  end,
}
