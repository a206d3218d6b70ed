--- Matsui, Yamashita and Fujiyoshi 2019, sections 3 and 4.3, figures 1, 2, 3 and 5: hard sharing,
-- the separation network, its channel-wise convolutions, and streams that part at Conv2-2.
local braid <const> = require "braid"
local mtl <const> = braid.mtl
local papers <const> = require "braid.papers"
local schemas <const> = papers.part "schemas"

return papers.experiment{
  paper = "000", item = "figures 1, 2, 3 and 5", title = "schemas of separation networks",
  data = {"faces"}, minutes = 1, options = {width = {0.25, above = 0}}, quick = {width = 0.0625},
  differs = {schemas.DIFFERS},
  run = function(e)
    local width <const> = e.o.width
    local tasks <const> = mtl.tasks{attributes = mtl.attributes{40},
      landmarks = mtl.landmarks{points = 5}}
    local function smtn(more)
      return function()
        local own <const> = {width = width}
        for key, value in pairs(more) do own[key] = value end
        return braid.model("models/smtn.lua", own)
      end
    end
    schemas.draw(e, {
      {"figure1", function()
        return braid.model("models/hard_sharing.lua", {tasks = tasks, width = width,
          input = 128, channels = 3,
          backbone = {name = "vgg16", stages = 4, fc = math.floor(2048 * width)}})
      end, "figure 1, the baseline: what all tasks share, and heads"},
      {"figure2", smtn{}, "figure 2: a shared stream and one for each task"},
      {"figure3", smtn{variant = "channelwise"}, "figure 3: with channel-wise convolutions"},
      {"figure5", smtn{branch = "conv2_2"}, "figure 5: streams that part at Conv2-2"},
    })
  end,
}
