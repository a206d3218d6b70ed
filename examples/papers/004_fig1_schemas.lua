--- Poster of 2016 (paper 004), its section on methods, figures of networks: split at the last
-- layer, cross-stitch of two columns, and the latter with L_w between the columns.
local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn
local papers <const> = require "braid.papers"
local schemas <const> = papers.part "schemas"

return papers.experiment{
  paper = "004", item = "figures of networks", title = "schemas of the poster's networks",
  data = {"faces"}, minutes = 1, options = {width = {1.0, above = 0}}, quick = {width = 0.25},
  differs = {schemas.DIFFERS},
  run = function(e)
    local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5}, gender = mtl.classes{2},
      smile = mtl.classes{2}, glasses = mtl.classes{2}, pose = mtl.classes{5}}
    local function trunk() return nn.backbone("tcdcn", {width = e.o.width}) end
    local function stitched()
      return mtl.network{tasks = tasks, blocks = trunk(), columns = "per_task",
        groups = {points = {"landmarks"}, attributes = {"gender", "smile", "glasses", "pose"}},
        mixer = mtl.cross_stitch{}, at = {"conv1", "conv2", "conv3", "conv4"}}
    end
    schemas.draw(e, {
      {"split", function() return mtl.network{tasks = tasks, blocks = trunk()} end,
        "split: all layers shared but the last"},
      {"stitched", stitched, "cross-stitch: landmarks | attributes"},
      {"tied", function() return stitched():mutual{form = "l2", weight = 1e-4} end,
        "cross-stitch, with L_w between the weights of the two columns"},
    })
  end,
}
