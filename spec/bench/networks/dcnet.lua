--- DCNet (models/dcnet.lua): a ResNet-18 for each of five tasks, and a collaborative mixer after
-- the stem and each of the four layers. All tasks are classification: a landmark's coordinate is
-- one of 64 classes.

local braid <const> = require "braid"
local mtl <const> = braid.mtl

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmark_bins{points = 5, pixels = 64}, gender = mtl.classes{2},
  smile = mtl.classes{2}, glasses = mtl.classes{2}, pose = mtl.classes{5},
}

local function at_width(width)
  return function()
    return braid.model("models/dcnet.lua", {tasks = tasks, width = width, input = 64})
  end
end

return {
  title = "DCNet width 64, 64x64", batch = 8, image = {3, 64, 64}, tasks = tasks,
  net = at_width(1), at_width = at_width,
}
