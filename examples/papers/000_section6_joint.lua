--- Matsui, Yamashita and Fujiyoshi 2019, section 6: the work that the paper leaves for later.
-- Training both kinds of streams at once, and CReLU, which halves the filters, are compared with
-- training in two stages.
--
-- Section 6: "it is considered that" training end to end improves the network and that CReLU lowers
-- the number of parameters. The paper prints no numbers for either.
local braid <const> = require "braid"
local mtl <const> = braid.mtl
local papers <const> = require "braid.papers"

return papers.experiment{
  paper = "000", item = "section 6", title = "separation in two stages, at once, with CReLU",
  data = {"celeba", "mtfl", "faces"}, minutes = 200,
  options = {epochs = {12, from = 2}, size = {40, from = 16}, width = {0.25, above = 0},
    batch = {32, from = 1}, lr = {1e-3, above = 0}, faces = {4000, from = 10}},
  quick = {epochs = 2, size = 16, width = 0.125, faces = 40},
  differs = {
    "the paper has no numbers here; these are ours alone",
    "MTFL, and gender, smile and glasses, 40x40, a quarter of the width, Adam at 1e-3 for 12 "
      .. "epochs in all, half of them in each of two stages",
  },
  run = function(e)
    local o <const> = e.o
    local tasks <const> = mtl.tasks{attributes = mtl.attributes{"gender", "smile", "glasses"},
      landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, reduction = "mean"}}
    local faces <const> = e:faces{size = o.size, channels = 3, val = 0, faces = o.faces}
    local half <const> = o.epochs // 2
    local function smtn(more)
      return function()
        local own <const> = {tasks = tasks, width = o.width, input = o.size}
        for key, value in pairs(more) do own[key] = value end
        return braid.model("models/smtn.lua", own)
      end
    end
    local function staged(more)
      return {smtn(more), stages = {{epochs = o.epochs - half}, {epochs = half,
        prepare = function(net) net:stage(2) end}}}
    end
    local r <const> = e:compare("section6", {tasks = tasks, train = faces.train,
      test = faces.test, networks = {["two stages"] = staged{},
        ["at once"] = smtn{end_to_end = true}, ["two stages, CReLU"] = staged{crelu = true},
        ["at once, CReLU"] = smtn{end_to_end = true, crelu = true}},
      order = {"two stages", "at once", "two stages, CReLU", "at once, CReLU"},
      epochs = o.epochs, batch = o.batch, lr = o.lr, take = "last", loader = {size = o.size},
      metrics = {"landmarks.point_accuracy", "attributes.accuracy"},
      after = function(net) return {millions = net:count_parameters() / 1e6} end})
    e:beside{title = "Plain separation networks", results = r, columns = {
      {metric = "landmarks.point_accuracy", title = "landmarks, %", percent = true,
        direction = "max"},
      {metric = "attributes.accuracy", title = "attributes, %", percent = true, direction = "max"},
      {metric = "millions", title = "parameters, millions"}}}
    e:figure("landmarks", r and r:figure("landmarks.point_accuracy"))
  end,
}
