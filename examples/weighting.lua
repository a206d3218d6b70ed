--- Compares weightings of tasks on one network (TCDCN with hard sharing), with the same data,
-- order and seeds.
--
-- On rendered faces, some minutes:   build/braid examples/weighting.lua
-- On the MTFL data:                  build/braid examples/weighting.lua --data path/to/mtfl
--
-- --methods names weightings (mtl.weighting has 25). --on representation weighs the gradients of
-- the last shared values, in a fraction of the time. --lambda is the weight of every attribute;
-- losses are multiplied by it before any method weighs them. Each run has its own directory,
-- out/METHOD/seedN, and continues there if it was ended. Its best epoch is chosen on faces held
-- back (1,000 of MTFL). The table, on test faces, is out/results.md, .csv, .tex and .html;
-- delta-m is relative to the plain sum (equal).
local braid <const> = require "braid"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {6000, from = 10}, epochs = {10, from = 1}, batch = {64, from = 1},
  lr = {1e-3, above = 0}, lambda = {0.02, from = 0}, seeds = {3, from = 1}, jobs = {1, from = 1},
  methods = "equal uncertainty dwa famo pcgrad upgrad nash", on = "parameters",
  out = "build/weighting",
})

local faces <const> = o.data == "" and data.faces{n = o.faces, seed = 1}
  or data.mtfl(o.data, {val = 1000, wrong = "omit"})
local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{of = faces.train},
  gender = mtl.classes{2, weight = o.lambda}, smile = mtl.classes{2, weight = o.lambda},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}},
}

local function tcdcn()
  return braid.model("models/tcdcn.lua", {tasks = tasks, activation = "ReLU", norm = true})
end

local networks <const>, order <const> = {}, {}
for name in o.methods:gmatch("%S+") do
  local make <const> = mtl.weighting[name]
  local method <const> = make(make.declared.kinds.on and {on = o.on} or nil)
  networks[name], order[#order + 1] = {tcdcn, weighting = method}, name
end

print(train.compare{
  networks = networks, order = order, seeds = o.seeds, jobs = o.jobs, threads = 1,
  baseline = networks.equal and "equal" or nil, tasks = tasks,
  train = faces.train, val = faces.val, test = faces.test, epochs = o.epochs, batch = o.batch,
  loader = {size = 40, augment = {rotate = 15, scale = 0.1, shift = 0.04, flip = 0.5}},
  lr = o.lr, schedule = "cosine", best = "landmarks.failure", dir = o.out,
  metrics = {"landmarks.failure", "landmarks.error", "gender.accuracy", "glasses.accuracy",
    "pose.accuracy", "smile.accuracy"},
})
