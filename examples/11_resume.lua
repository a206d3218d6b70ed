--- Lesson 11: resume and compare. Runs that survive, and differences that are real.
--
-- Notice: a run that was broken off ends with the same numbers as one that was not. And
-- three networks are compared with several seeds, where the table says what cannot be told apart.

local braid <const> = require "braid"
local data <const>, mtl <const> = braid.data, braid.mtl
local nn <const>, train <const> = braid.nn, braid.train

local faces <const> = data.faces{n = 300, seed = 1}
local tasks <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5},
  glasses = mtl.classes{2, weight = 0.1}}

-- A run is a directory. `fit` writes what it needs to go on after every epoch, and every `every`
-- steps. Here an error in `on.step` ends the first call at its 15th step, as a power cut might:
-- two epochs and two steps of the third are not lost.

local function run(dir, stop_at)
  braid.manual_seed(1)
  local net <const> = braid.model("tcdcn", {tasks = tasks, norm = true, activation = "ReLU",
    width = 0.5})
  return train.fit{net = net, train = faces.train, val = faces.val, epochs = 3, batch = 50,
    loader = {size = 40}, optimizer = {"AdamW", lr = 2e-3}, schedule = "cosine", seed = 1,
    best = "landmarks.error", dir = dir, every = 2, progress = false, log = 0,
    on = {step = function(fit) if fit.at.step == stop_at then error("a power cut", 0) end end}}
end

-- train.compare, below, runs this script once more in each of its jobs; only the first time shall
-- do this part.

if not train.in_job() then
  os.execute "rm -rf build/lesson_whole build/lesson_broken build/lesson_compared"
  local whole <const> = run("build/lesson_whole")
  print(pcall(run, "build/lesson_broken", 15))
  print("epochs so far", #train.history.read("build/lesson_broken"))
  print("epochs at the end", #run("build/lesson_broken"))
  local a <const> = braid.load("build/lesson_whole/last.safetensors")
  local b <const> = braid.load("build/lesson_broken/last.safetensors")
  local same = true
  for name, t in pairs(a) do
    same = same and (not braid.is_tensor(t) or t:eq(b[name]):all():item())
  end
  print("the same weights and moments:", same)
  print(whole)
  whole:plot("build/lesson_run.png")
end

-- A comparison: networks by name, the same data in the same order, several seeds. Each training
-- is a process, as many at once as there are processors. What is finished is kept.

local function columns(mixer)
  return function()
    local net <const> = mtl.columns(tasks, nn.backbone("tcdcn", {norm = true, activation = "ReLU",
      width = 0.5}))
    net:mix({"conv1", "conv3"}, mixer)
    return net:heads("linear")
  end
end
local result <const> = train.compare{
  networks = {alone = columns(mtl.none{}), shared = columns(mtl.share{}),
    stitched = columns(mtl.cross_stitch{})},
  seeds = 3, tasks = tasks, train = faces.train, val = faces.val, test = faces.test, epochs = 2,
  batch = 50, loader = {size = 40}, lr = 2e-3, best = "landmarks.error", threads = 1,
  dir = "build/lesson_compared", progress = false,
}

-- The best mean of each column is marked, and so are those that are not distinguishable from it.

print(result:table())
for _, line in ipairs(result:words("landmarks.error")) do print(line) end
