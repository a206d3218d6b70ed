--- A complete experiment: three seeds of one network. Each has validation, warm-up and a cosine
-- schedule, clipping, averaged weights, early stopping, the best network kept, and a test at the
-- end. A run that was ended in any way continues when the script is started again.
--
-- On rendered faces, some minutes:   build/braid examples/train.lua
-- On the MTFL data:                  build/braid examples/train.lua --data path/to/mtfl
--
-- Each seed's directory holds config.json, metrics.jsonl and metrics.csv, last.safetensors,
-- best.safetensors (braid.open reads it), test.json and report.html; curves.svg shows all seeds.
local braid <const> = require "braid"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train

local o <const> = train.arguments(arg, {data = "", faces = {4000, from = 10},
  epochs = {12, from = 1}, batch = {64, from = 1}, lr = {2e-3, above = 0},
  lambda = {0.02, from = 0}, seeds = {3, from = 1}, patience = {4, from = 0}, out = "build/train"})
local faces <const> = o.data == "" and data.faces{n = o.faces, seed = 1}
  or data.mtfl(o.data, {val = 1000, wrong = "omit"})
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{of = faces.train},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}}}

local errors <const>, runs <const> = {}, {}
for seed = 1, o.seeds do
  braid.manual_seed(seed)
  local dir <const>, net <const> = o.out .. "/seed" .. seed, braid.model("models/tcdcn.lua",
    {tasks = tasks, activation = "ReLU", norm = true})
  runs["seed " .. seed] = train.fit{net = net, train = faces.train, val = faces.val,
    epochs = o.epochs, batch = o.batch, seed = seed, dir = dir, report = true,
    loader = {size = 40, augment = {rotate = 15, scale = 0.1, shift = 0.04, flip = 0.5}},
    optimizer = {"AdamW", lr = o.lr}, schedule = "cosine", warmup = 1, clip = 5,
    ema = {decay = 0.99, warmup = true}, patience = o.patience, best = "landmarks.failure"}
  errors[seed] = train.test(dir, faces.test).landmarks.error
end
braid.plot.lines(o.out .. "/curves.svg", runs, {of = "val.landmarks.error"})
local all <const> = braid.tensor(errors)
print(("landmark error %.4f, deviation %.4f"):format(all:mean():item(), all:std():item()))
