--- A run of train.fit with everything that has a state, for specs that kill it. arg[1] is its
-- directory, arg[2] the number of epochs.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.train

braid.manual_seed(1)
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  glasses = mtl.classes{2, weight = 0.5}, pose = mtl.classes{5, weight = 0.3}}
local faces <const> = data.faces{n = 240, seed = 1, size = 24}
local function block(c)
  return nn.Sequential{nn.Conv2d(c, 8, {kernel = 3, stride = 2}), nn.BatchNorm2d(8), nn.ReLU()}
end
local net <const> = mtl.columns(tasks, nn.backbone({{"one", block}, {"two", function(c)
  return nn.Sequential{nn.Conv2d(c, 16, {kernel = 3}), nn.ReLU(), nn.Dropout(0.3)}
end}}, {channels = 1}))
net:mix("one", mtl.cross_stitch{})
net:heads(function(task, c)
  return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
end)
train.fit{net = net, tasks = tasks, train = faces.train, val = faces.val, epochs = tonumber(arg[2]),
  batch = 12, loader = {workers = 1, augment = {flip = 0.5, rotate = 10}},
  optimizer = {"AdamW", lr = 3e-3}, schedule = "cosine", warmup = 0.5, accumulate = 2, clip = 1,
  ema = {decay = 0.9, warmup = true}, patience = 50, best = "landmarks.error",
  stopping = mtl.early_stopping{main = "landmarks", window = 2, epsilon = 0.01},
  weights = {pose = function(epoch) return 0.3 / epoch end},
  seed = 3, log = 3, every = 4, dir = arg[1]}
