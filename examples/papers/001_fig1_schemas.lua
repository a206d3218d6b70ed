--- Fang, Ma, Zhang, Zhang and Bai 2017, section 3, figures 1 and 3: the dynamic network, and two
-- tasks that a third one joins.
local braid <const> = require "braid"
local papers <const> = require "braid.papers"
local schemas <const> = papers.part "schemas"
local paper <const> = papers.part "dynamic"

return papers.experiment{
  paper = "001", item = "figures 1 and 3", title = "schemas of the dynamic network",
  data = {"faces"}, minutes = 1, options = {width = {1.0, above = 0}}, quick = {width = 0.1},
  differs = {schemas.DIFFERS},
  run = function(e)
    local function dmt(names)
      return braid.model("models/dmt.lua", {tasks = paper.tasks(names), width = e.o.width})
    end
    schemas.draw(e, {
      {"figure1", function() return dmt{"female", "glasses", "smile"} end,
        "figure 1: three subnets and their connections"},
      {"figure3", function()
        local net <const> = dmt{"female", "glasses"}
        return net:add_task("smile", paper.tasks{"smile"}.smile, {freeze = "others"})
      end, "figure 3: smile joins two tasks that stay as they are"},
    })
  end,
}
