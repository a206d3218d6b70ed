--- The six runs of Abrahamsson, Gruneau and Zuber: single tasks, all together, with early stopping
-- of the tasks beside landmarks, and with images shifted to the side.
--
-- On rendered faces, small:   build/braid examples/kth.lua --width 0.25 --size 48 --tries 1
-- On the MTFL data:           build/braid examples/kth.lua --data path/to/mtfl
--
-- Each run is repeated `tries` times from other weights, and its accuracies are averaged: the
-- share of faces where a point is within a tenth of the distance between the eyes. Pictures are in
-- colour and whole, divided as section 3.1 says; the augmented run has a shifted copy of each.
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim

local o <const> = braid.train.arguments(arg, {
  data = "", faces = 4000, size = 150, width = 1.0, epochs = 30, tries = 3, batch = 64, lr = 1e-3,
  window = 5, seed = 1,
})

local RUNS <const> = {
  {name = "ST pose", single = "pose"}, {name = "ST glasses", single = "glasses"},
  {name = "ST landmarks", single = "landmarks"}, {name = "MT"},
  {name = "MT early stopping", stopping = true}, {name = "MT augmented", copied = true},
}

local faces <const> = o.data == ""
  and data.faces{n = o.faces, seed = o.seed, size = math.max(64, o.size), channels = 3}
  or data.mtfl(o.data, {split = "kth", size = o.size})

local function run(r, seed)
  braid.manual_seed(seed)
  local net <const> = braid.model("models/kth.lua", {single = r.single, width = o.width,
    input = o.size, tasks = mtl.tasks{
      landmarks = mtl.landmarks{points = 5, weight = 75 ^ 2}, -- from [-1, 1] to pixels of 150
      glasses = mtl.classes{2, weight = 3}, pose = mtl.classes{5, weight = 6},
    }})
  local tasks <const> = net.tasks
  local opt <const> = optim.Adam(net:parameters(), {lr = o.lr})
  local stopping <const> = r.stopping and mtl.early_stopping(tasks, {main = "landmarks",
    window = o.window, epsilon = function(lambda) return 15 * lambda end})
  local train <const> = r.copied and faces.train:copied{shift = {0.1, 0}} or faces.train
  for epoch = 1, o.epochs do
    local sums <const>, steps = {}, 0
    for batch in data.loader(train, {batch = o.batch, size = o.size, shuffle = true,
        epoch = epoch, seed = seed}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      braid.train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
      steps = steps + 1
      for name, l in pairs(losses) do sums[name] = (sums[name] or 0) + l:item() end
    end
    if stopping then
      for name, sum in pairs(sums) do sums[name] = sum / steps end
      local report <const> = tasks:evaluate(net,
        data.loader(faces.val, {batch = 256, size = o.size}))
      for name in pairs(stopping:step(sums, report.loss)) do
        print(("   %s ended after epoch %d"):format(name, epoch))
      end
    end
  end
  return tasks:evaluate(net, data.loader(faces.test, {batch = 256, size = o.size}))
end

print("run                eyes, nose, mouth: % within 0.1      mean  glasses  pose")
for _, r in ipairs(RUNS) do
  local sums <const> = {}
  local function add(key, value) sums[key] = (sums[key] or 0) + 100 * value / o.tries end
  for try = 1, o.tries do
    local report <const> = run(r, o.seed + try - 1)
    for i, share in ipairs(report.landmarks and report.landmarks.points or {}) do add(i, share) end
    if report.landmarks then add(6, report.landmarks.point_accuracy) end
    if report.glasses then add(7, report.glasses.accuracy) end
    if report.pose then add(8, report.pose.accuracy) end
  end
  local words <const> = {("%-18s"):format(r.name)}
  for k = 1, 8 do words[#words + 1] = sums[k] and ("%6.1f"):format(sums[k]) or "     -" end
  print(table.concat(words, " "))
end
