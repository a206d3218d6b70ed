--- TCDCN with batch normalisation and ReLU on MTFL's five tasks: a small network, in which the
-- overhead of each operator matters.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5}, gender = mtl.classes{2, weight = 0.1},
  smile = mtl.classes{2, weight = 0.1}, glasses = mtl.classes{2, weight = 0.1},
  pose = mtl.classes{5, weight = 0.1},
}

return {
  title = "TCDCN 40x40", batch = 64, image = {1, 40, 40}, tasks = tasks,
  quick = true, -- compared on one and on all threads even with --quick
  net = function()
    return braid.model("models/tcdcn.lua", {tasks = tasks, activation = "ReLU", norm = true})
  end,
}
