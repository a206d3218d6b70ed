--- The experiments of Abrahamsson, Gruneau and Zuber (2017), figures 1 to 6. Landmarks, pose and
-- glasses are learned alone (S-T), together (M-T), with early stopping of the tasks beside
-- landmarks (ES), and with more images, shifted to the side (aug).
--
-- On rendered faces, small:  build/braid examples/kth.lua --width 0.25 --size 48 --tries 1
-- On the MTFL data:          build/braid examples/kth.lua --data path/to/mtfl
--
-- On MTFL, as in section 3.1, pictures are whole, at 150x150 in colour: the 7,650 square ones of
-- LFW and NET train, 1,000 of AFLW validate and 1,994 test. Each run is repeated `tries` times
-- from other weights. Its accuracies are averaged: the share of faces where a point is within a
-- tenth of the distance between the eyes.
-- Decisions: one shifted copy of each picture, by up to a tenth of the side; window 5 (the paper
-- gives only epsilon); the batch and the rate; pictures are whitened one by one. (28 pictures of
-- AFLW are gray; the paper's 2,994 include them too.)
-- Writes out/kth_shifted.png (figure 1), kth_<run>.png (figure 6), and kth.json: validation
-- accuracies of each epoch (figure 4), the epochs where attributes stopped, and the test's
-- results.
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim
local json <const> = require "braid.io.json"
local files <const> = require "braid.io.files"

local o <const> = braid.train.arguments(arg, {
  data = "", faces = {4000, from = 10}, size = {150, from = 1}, width = {1.0, above = 0},
  epochs = {30, from = 1}, tries = {3, from = 1}, batch = {64, from = 1}, lr = {1e-3, above = 0},
  window = {5, from = 1}, shift = {0.1, from = 0}, seed = 1, out = "build/demo",
})
os.execute(("mkdir -p '%s'"):format(o.out))

local RUNS <const> = {
  {name = "S-T pose", single = "pose"}, {name = "S-T glasses", single = "glasses"},
  {name = "S-T landmarks", single = "landmarks"}, {name = "M-T"},
  {name = "M-T ES", stopping = true}, {name = "M-T aug", augmented = true},
}
local faces <const> = o.data == ""
  and data.faces{n = o.faces, seed = o.seed, size = math.max(64, o.size), channels = 3}
  or data.mtfl(o.data, {split = "kth", size = o.size})

local function loader(ds, given)
  given.size = o.size
  return data.loader(ds, given)
end

-- Draws pictures with labels and a network's points. The network of one attribute has no points.
local function draw(path, net, ds, augment)
  local shown <const> = loader(ds, {batch = 8, whiten = false, augment = augment})()
  local seen <const> = loader(ds, {batch = 8, augment = augment})()
  local points <const> = net and braid.no_grad(function()
    local _ <close> = net:evaluating()
    return net(seen.image).landmarks:reshape(-1, 5, 2)
  end)
  braid.plot.landmarks(path, shown.image, shown.landmarks, points)
end
draw(o.out .. "/kth_shifted.png", nil, faces.train, {shift = {o.shift, 0}})

-- The entries of a report that the figures show: shares of right points and of right classes.
local COUNTED <const> = {"left eye", "right eye", "nose", "left mouth", "right mouth", "landmarks",
  "glasses", "pose"}
local function counted(report)
  local shares <const> = {}
  for i, share in ipairs(report.landmarks and report.landmarks.points or {}) do
    shares[COUNTED[i]] = share
  end
  shares.landmarks = report.landmarks and report.landmarks.point_accuracy
  shares.glasses = report.glasses and report.glasses.accuracy
  shares.pose = report.pose and report.pose.accuracy
  return shares
end

-- Runs once. Returns the test's results, each epoch's validation, and {task = epoch after which
-- it stopped}.
local function run(r, seed)
  braid.manual_seed(seed)
  local net <const> = braid.model("models/kth.lua", {single = r.single, width = o.width,
    input = o.size, tasks = mtl.tasks{
      landmarks = mtl.landmarks{points = 5, weight = 75 ^ 2}, -- in pixels: [-1, 1] is 150 wide
      glasses = mtl.classes{2, weight = 3}, pose = mtl.classes{5, weight = 6},
    }})
  local tasks <const>, curve <const>, stopped <const> = net.tasks, {}, {}
  local opt <const> = optim.Adam(net:parameters(), {lr = o.lr})
  local stopping <const> = r.stopping and mtl.early_stopping(tasks, {main = "landmarks",
    window = o.window, epsilon = function(lambda) return 15 * lambda end})
  local train <const> = r.augmented and faces.train:copied{shift = {o.shift, 0}} or faces.train
  for epoch = 1, o.epochs do
    local sums <const>, steps = {}, 0
    net:train()
    for batch in loader(train, {batch = o.batch, shuffle = true, epoch = epoch, seed = seed,
                                tasks = tasks}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      braid.train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
      steps = steps + 1
      for name, l in pairs(losses) do sums[name] = (sums[name] or 0) + l:item() end
    end
    local report <const> = tasks:evaluate(net, loader(faces.val, {batch = o.batch}))
    curve[epoch] = counted(report)
    for name, sum in pairs(sums) do sums[name] = sum / steps end
    for name in pairs(stopping and stopping:step(sums, report.loss) or {}) do
      stopped[name] = epoch
    end
  end
  if not r.single or r.single == "landmarks" then
    draw(("%s/kth_%s.png"):format(o.out, r.name:gsub("[ -]", "_")), net, faces.test)
  end
  return counted(tasks:evaluate(net, loader(faces.test, {batch = o.batch}))), curve, stopped
end

print(("%-14s %s"):format("% within 0.1", table.concat(COUNTED, "  ")))
local all <const> = {}
for k, r in ipairs(RUNS) do
  local mean <const>, stops <const> = {}, {glasses = {}, pose = {}}
  all[k] = {run = r.name, tries = {}}
  for try = 1, o.tries do
    local shares <const>, curve <const>, stopped <const> = run(r, o.seed + try - 1)
    all[k].tries[try] = {test = shares, validation = curve, stopped = stopped}
    for key, share in pairs(shares) do mean[key] = (mean[key] or 0) + 100 * share / o.tries end
    for name, epoch in pairs(stopped) do table.insert(stops[name], epoch) end
  end
  local words <const> = {}
  for i, key in ipairs(COUNTED) do
    words[i] = mean[key] and ("%" .. #key .. ".1f"):format(mean[key]) or (" "):rep(#key - 1) .. "-"
  end
  print(("%-14s %s"):format(r.name, table.concat(words, "  ")))
  for name, epochs in pairs(r.stopping and stops or {}) do
    print(("   %s stopped in %d of %d tries, after epochs %s"):format(name, #epochs, o.tries,
      #epochs > 0 and table.concat(epochs, ", ") or "-"))
  end
  files.write(o.out .. "/kth.json", {json.encode(all), "\n"})
end
