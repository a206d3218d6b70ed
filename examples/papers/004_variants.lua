--- Poster of 2016 (paper 004), its section on results, figures of variants: landmarks alone, with
-- attributes in a network split at its last layer, cross-stitch of two columns (landmarks |
-- attributes), and the same with mutual weight regularisation L_w.
--
-- The poster: TCDCN's layers, 40x40 crops of the face's box; the error is over the width of the
-- box, a failure is above 5% of it. Its text prints no numbers. It concludes that auxiliary tasks
-- degrade the landmarks by overfitting, and that weight regularisation with cross-stitch is better.
local braid <const> = require "braid"
local mtl <const>, nn <const> = braid.mtl, braid.nn
local papers <const> = require "braid.papers"
local points <const> = papers.part "points"

return papers.experiment{
  paper = "004", item = "figures of variants", title = "landmarks alone, split, stitched, tied",
  data = {"mtfl"}, minutes = 90,
  options = {epochs = {20, from = 1}, batch = {64, from = 1}, lr = {1e-3, above = 0},
    width = {1.0, above = 0}, lambda = {0.02, from = 0}, tie = {1e-4, from = 0},
    faces = {4000, from = 10}},
  quick = {epochs = 1, width = 0.25, faces = 60},
  differs = {
    "batch norm and ReLU in TCDCN's layers; rate, batch, weights and epochs are not printed",
    "L_w is the mean squared difference of the columns' weights (the poster does not print it)",
  },
  run = function(e)
    local o <const> = e.o
    local function tasks_of(alone)
      local list <const> = {landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}}}
      for name, task in pairs(alone and {} or {gender = mtl.classes{2, weight = o.lambda},
        smile = mtl.classes{2, weight = o.lambda}, glasses = mtl.classes{2, weight = o.lambda},
        pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}}}) do
        list[name] = task
      end
      return mtl.tasks(list)
    end
    local function trunk()
      return nn.backbone("tcdcn", {norm = true, activation = "ReLU", width = o.width})
    end
    local function stitched()
      return mtl.network{tasks = tasks_of(), blocks = trunk(), columns = "per_task",
        groups = {points = {"landmarks"}, attributes = {"gender", "smile", "glasses", "pose"}},
        mixer = mtl.cross_stitch{}, at = {"conv1", "conv2", "conv3", "conv4"}}
    end
    local error_name <const> = e.real and "box_error" or "error"
    local failure_name <const> = e.real and "box_failure" or "failure"
    local faces <const> = e:faces{size = 40, val = 0, faces = o.faces}
    local r <const> = e:compare("variants", {tasks = tasks_of(), train = faces.train,
      test = faces.test, epochs = o.epochs, batch = o.batch, lr = o.lr, schedule = "cosine",
      take = "last", order = {"alone", "split", "stitched", "tied"},
      loader = {size = 40, augment = {rotate = 15, scale = 0.1, shift = 0.04, flip = 0.5}},
      networks = {stitched = stitched,
        alone = function() return mtl.network{tasks = tasks_of(true), blocks = trunk()} end,
        split = function() return mtl.network{tasks = tasks_of(), blocks = trunk()} end,
        tied = function() return stitched():mutual{form = "l2", weight = o.tie} end},
      metrics = {"landmarks." .. error_name, "landmarks." .. failure_name},
      after = function(net, job)
        if job.seed ~= e.seeds[1] then return end
        points.draw(("%s/points_%s.png"):format(e.dir, job.network), net, faces.test, 40)
      end})
    e:beside{title = "Landmarks by variant", results = r,
      names = {alone = "FLD alone", split = "+ attributes, split at the last layer",
        stitched = "cross-stitch", tied = "cross-stitch + L_w"}, columns = {
      {metric = "landmarks." .. error_name, title = "error", direction = "min"},
      {metric = "landmarks." .. failure_name, title = "failures, %", percent = true,
        direction = "min"}}}
    if not e.real then e:note "rendered faces have no box: errors are over the eyes' distance" end
    e:figure("error", r and r:figure("landmarks." .. error_name))
    e:figure("failures", r and r:figure("landmarks." .. failure_name))
    for _, name in ipairs{"alone", "split", "stitched", "tied"} do
      e:picture(("points_%s.png"):format(name))
    end
    e:figure("topology_split", braid.plot.topology(mtl.network{tasks = tasks_of(),
      blocks = trunk()}))
    e:figure("topology_stitched", braid.plot.topology(stitched()))
  end,
}
