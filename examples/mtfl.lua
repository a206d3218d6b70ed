--- Compares how few faces fail with hard sharing, cross-stitch and collaborative blocks. All have
-- one recipe that makes each of them good, equal heads, and about the same number of parameters.
--
-- On rendered faces, small:  build/braid examples/mtfl.lua --epochs 3 --seeds 1 --width 0.25
-- On the MTFL data:          build/braid examples/mtfl.lua --data path/to/mtfl
--
-- The recipe: a small residual network on gray crops of the face's box, the landmark error itself
-- as the loss of the points, large rotations, AdamW with a cosine by step, averages of parameters
-- and running statistics. The best epoch by validation counts; the test faces are read once, at
-- the end: as they are, and with the prediction for the mirror image averaged in (mirrored).
-- Each network's trunk is widened or narrowed to about as many parameters as --like has (--like
-- none: each as wide as --width says). --only landmarks trains without the attributes. If a run is
-- cut off, the same command continues it.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const>, train <const> = braid.data, braid.mtl, braid.nn,
  braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {3000, from = 10}, networks = "hard cross_stitch dcnet", like = "hard",
  seeds = {3, from = 1}, epochs = {80, from = 1}, batch = {64, from = 1}, size = {64, from = 32},
  channels = {1, 3}, width = {1.0, above = 0}, lr = {1e-3, above = 0}, decay = {0.05, from = 0},
  lambda = {0.05, from = 0}, only = "", loss = {"relative", "l2", "l1", "smooth_l1", "wing"},
  rotate = {30, from = 0}, scale = {0.2, from = 0}, shift = {0.06, from = 0},
  colours = {0.3, from = 0}, cutout = {0.0, from = 0}, ema = {0.998, from = 0, to = 1},
  margin = {1.1, above = 0}, jobs = {braid.get_threads(), from = 1}, out = "build/mtfl",
})
local faces <const> = o.data == ""
  and data.faces{n = o.faces, seed = 1, size = o.size, channels = o.channels}
  or data.mtfl(o.data, {size = o.size, channels = o.channels, margin = o.margin})

-- The value of a name in a list from the command line.
local function known(list, name, option)
  return list[name] or error(("%s: there is no '%s'"):format(option, name), 0)
end

local tasks <const> = (function()
  local list <const> = {landmarks = mtl.landmarks{of = faces.train, loss = o.loss},
    pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}, weight = o.lambda}}
  for _, name in ipairs{"gender", "smile", "glasses"} do
    list[name] = mtl.classes{2, weight = o.lambda}
  end
  return mtl.tasks(o.only == "" and list or {[o.only] = known(list, o.only, "--only")})
end)()

local function columns(mixer)
  return function(_, job)
    return mtl.network{tasks = tasks, columns = mixer and "per_task" or "shared", mixer = mixer,
      at = {"stem", "layer1", "layer2", "layer3", "layer4"},
      blocks = nn.backbone("resnet_small",
        {width = o.width * job.width, channels = o.channels, input = o.size})}
  end
end
local KNOWN <const> = {hard = columns(nil), cross_stitch = columns(mtl.cross_stitch{}),
  dcnet = columns(mtl.collaborative{})}

local networks <const>, order <const> = {}, {}
for name in o.networks:gmatch("%S+") do
  networks[name] = known(KNOWN, name, "--networks")
  order[#order + 1] = name
end

-- The landmark metrics on the test faces with mirrored predictions.
local function mirrored(net)
  local batches <const> = data.loader(faces.test, {batch = 256, size = o.size})
  local report <const> = tasks:evaluate(mtl.mirrored(net, tasks), batches).landmarks
  return {mirrored = {error = report.error, failure = report.failure}}
end

print(train.compare{networks = networks, order = order, seeds = o.seeds, tasks = tasks,
  train = faces.train, val = faces.val, test = faces.test, after = mirrored,
  epochs = o.epochs, batch = o.batch, best = "landmarks.failure",
  optimizer = {"AdamW", lr = o.lr, weight_decay = o.decay}, schedule = "cosine", warmup = 1,
  ema = {decay = o.ema, warmup = true}, clip = 5,
  loader = {size = o.size, augment = {rotate = o.rotate, scale = o.scale, shift = o.shift,
    flip = 0.5, brightness = o.colours, contrast = o.colours,
    cutout = o.cutout > 0 and o.cutout or nil}},
  same = networks[o.like] and #order > 1 and "parameters" or nil,
  baseline = networks[o.like] and o.like or nil, dir = o.out, jobs = o.jobs,
  metrics = {"landmarks.failure", "landmarks.error", "mirrored.failure", "mirrored.error"}})
