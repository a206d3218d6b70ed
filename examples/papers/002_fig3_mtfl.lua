--- Trottier, Giguere and Chaib-draa 2018, section 4.2, figure 3: failure rates on MTFL of networks
-- that differ in what connects their columns, on ResNet-18, from random weights.
--
-- Section 4.2: landmarks, gender, smile, glasses and pose; landmark coordinates and pose are
-- classes; 300 epochs; the failure rate is the share of test faces whose landmark error is above a
-- tenth of the distance between the eyes, the mean of the last five epochs and of three tries. RN-S
-- is a network of one task, RN hard sharing, XS cross-stitch, RNx and XSx the same widened to the
-- parameters of the network with collaborative blocks.
local braid <const> = require "braid"
local mtl <const> = braid.mtl
local papers <const> = require "braid.papers"

local function tasks_of(o)
  return mtl.tasks{
    landmarks = mtl.landmark_bins{points = 5, pixels = o.size, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}, gender = mtl.classes{2}, smile = mtl.classes{2},
    glasses = mtl.classes{2}}
end

local function networks_of(e, tasks)
  local function network(path, more)
    return function(_, job)
      local o <const> = {tasks = tasks, width = e.o.width * job.width, channels = 3,
        backbone = "resnet18", head = "deep"}
      for key, value in pairs(more or {}) do o[key] = value end
      return braid.model(path, o)
    end
  end
  local function wide(make)
    return function(_, job)
      local wanted <const> = network("models/dcnet.lua")(nil, job):count_parameters()
      return (mtl.widen(function(width) return make(nil, {width = width * job.width}) end, wanted))
    end
  end
  local hard <const> = network("models/hard_sharing.lua")
  local cross <const> = network("models/cross_stitch.lua")
  return {["RN-S"] = network("models/hard_sharing.lua", {single = "landmarks"}), RN = hard,
    RNx = wide(hard), XS = cross, XSx = wide(cross), dcnet = network("models/dcnet.lua")}
end

return papers.experiment{
  paper = "002", item = "figure 3", title = "failures on MTFL by topology, ResNet-18",
  data = {"mtfl"}, minutes = 900,
  options = {epochs = {20, from = 1}, size = {64, from = 16}, width = {0.25, above = 0},
    batch = {32, from = 1}, lr = {1e-3, above = 0}, faces = {3000, from = 10}},
  quick = {epochs = 1, size = 32, width = 0.0625, faces = 60},
  differs = {
    "pictures of 64x64 and a quarter of the width, where the paper has 224x224 and all of it",
    "20 epochs where the paper has 300; the last epoch counts, not the mean of the last five",
    "batch, optimizer and rate are not printed: Adam, cosine by step",
  },
  run = function(e)
    local tasks <const> = tasks_of(e.o)
    local faces <const> = e:faces{size = e.o.size, channels = 3, val = 0, faces = e.o.faces}
    local r <const> = e:compare("figure3", {networks = networks_of(e, tasks), tasks = tasks,
      order = {"RN-S", "RN", "RNx", "XS", "XSx", "dcnet"}, train = faces.train, test = faces.test,
      epochs = e.o.epochs, batch = e.o.batch, lr = e.o.lr, schedule = "cosine", take = "last",
      loader = {size = e.o.size, augment = {rotate = 15, scale = 0.1, shift = 0.04, flip = 0.5}},
      metrics = {"landmarks.failure", "landmarks.error"}})
    e:beside{title = "Figure 3, ResNet-18, from random weights", results = r,
      names = {dcnet = "collaborative"}, columns = {
      {metric = "landmarks.failure", title = "failures, %", percent = true, direction = "min",
        printed = {RN = 20.05, RNx = 16.75, XS = 18.43, XSx = 17.28, dcnet = 14.95}},
      {metric = "landmarks.error", title = "landmark error", direction = "min"},
    }}
    e:figure("failures", r and r:figure("landmarks.failure"))
  end,
}
