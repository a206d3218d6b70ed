--- DMT (models/dmt.lua): a subnet for each of five tasks, each with two classes of CIFAR-10. Every
-- layer after the first takes a mixture of all subnets' maps, x_i + sum over j ~= i of
-- sigmoid(beta_ij) x_j.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local tasks <const> = mtl.tasks{
  airplane_ship = mtl.classes{2}, automobile_truck = mtl.classes{2}, bird_frog = mtl.classes{2},
  cat_dog = mtl.classes{2}, deer_horse = mtl.classes{2},
}

return {
  title = "DMT 5 columns 32x32", batch = 64, image = {3, 32, 32}, tasks = tasks,
  net = function()
    return braid.model("models/dmt.lua", {tasks = tasks, channels = 3, input = 32})
  end,
}
