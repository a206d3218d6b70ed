--- The experiments of Trottier, Giguere and Chaib-draa (2018) beside their table: fewer images to
-- learn from, random weights of the tasks, and features zeroed at test time, for collaborative
-- blocks against hard sharing of as many parameters. (Their table: examples/compare.lua.)
--
-- On rendered faces, small:   build/braid examples/dcnet.lua
-- On the MTFL data:           build/braid examples/dcnet.lua --data path/to/mtfl
-- As published (days):        ... --width 1 --epochs 300 --tries 3 --draws 100
--
-- Columns are ResNet-18 at `width`; everything is classification, landmarks by the pixel. A
-- failure rate is the mean of the last five epochs of each try. shares are those of the training
-- images, the first ones; each of `draws` weighs a task by exp of a number between log 1e-4 and 0,
-- the same for both networks. --shares '' and --draws 0 leave those out.
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim

local o <const> = braid.train.arguments(arg, {
  data = "", faces = 1000, size = 40, width = 0.0625, epochs = 3, tries = 1, batch = 32, lr = 1e-3,
  shares = "0.1 0.5 0.9", draws = 2, seed = 1, out = "build/demo",
})
local faces <const> = o.data == "" and data.faces{n = o.faces, seed = o.seed}
  or data.mtfl(o.data, {size = o.size})
local channels <const> = faces.train[1].image:size(1)

-- weights {task = lambda}; all 1 unless given
local function tasks_of(weights)
  weights = weights or {}
  return mtl.tasks{
    landmarks = mtl.landmark_bins{pixels = o.size, flip = {2, 1, 3, 5, 4},
      weight = weights.landmarks or 1},
    gender = mtl.classes{2, weight = weights.gender or 1},
    smile = mtl.classes{2, weight = weights.smile or 1},
    glasses = mtl.classes{2, weight = weights.glasses or 1},
    pose = mtl.classes{5, weight = weights.pose or 1, flip = {5, 4, 3, 2, 1}},
  }
end

local BUILD <const> = {}

function BUILD.dcnet(tasks)
  return braid.model("models/dcnet.lua", {tasks = tasks, width = o.width, channels = channels})
end

function BUILD.hard(tasks)
  return braid.model("models/hard_sharing.lua", {tasks = tasks, backbone = "resnet18",
    channels = channels, parameters = BUILD.dcnet(tasks):count_parameters()})
end

local function loader(ds, given)
  given = given or {}
  given.size, given.batch, given.seed = o.size, given.batch or 256, o.seed
  return data.loader(ds, given)
end

-- A network learned from `images`, and its failure rate, the mean of its last five epochs.
local function learn(name, images, tasks, seed)
  braid.manual_seed(seed)
  local net <const>, failures = BUILD[name](tasks), 0
  local opt <const>, last <const> = optim.Adam(net:parameters(), {lr = o.lr}), math.min(5, o.epochs)
  for epoch = 1, o.epochs do
    net:train()
    for batch in loader(images, {batch = o.batch, shuffle = true, epoch = epoch, drop_last = true,
                                 tasks = tasks}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      braid.train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
    end
    if epoch > o.epochs - last then
      failures = failures + tasks:evaluate(net, loader(faces.test)).landmarks.failure / last
    end
  end
  return net, failures
end

local function mean_failure(name, images, weights)
  local total = 0
  for try = 1, o.tries do
    total = total + select(2, learn(name, images, tasks_of(weights), o.seed + try - 1))
  end
  return 100 * total / o.tries
end

-- Prints both networks' failure rates, and returns them.
local function compare(label, images, weights)
  local hard <const> = mean_failure("hard", images, weights)
  local dcnet <const> = mean_failure("dcnet", images, weights)
  print(("%-24s  failures: hard %6.2f%%  dcnet %6.2f%%"):format(label, hard, dcnet))
  return hard, dcnet
end

for share in o.shares:gmatch("%S+") do
  local part <const> = tonumber(share)
  if not part or not (part > 0 and part <= 1) then
    error(("--shares: '%s' is no share of the images, a number from 0 to 1"):format(share))
  end
  local count <const> = math.max(math.min(o.batch, #faces.train),
    math.floor(part * #faces.train + 0.5))
  compare(("the first %d images"):format(count), faces.train:subset(1, count))
end

local wins = 0
for draw = 1, o.draws do
  braid.manual_seed(o.seed + draw)
  local weights <const> = {}
  for name in tasks_of():each() do
    weights[name] = math.exp(braid.rand(1):item() * math.log(1e-4))
  end
  local hard <const>, dcnet <const> = compare(("draw %d of the weights"):format(draw), faces.train,
    weights)
  wins = wins + (dcnet < hard and 1 or 0)
end
if o.draws > 0 then print(("dcnet fails less in %d of %d draws"):format(wins, o.draws)) end

-- Figure 6: landmark failures when one task's features are zeroed at one block.
local net <const>, failure <const> = learn("dcnet", faces.train, tasks_of(), o.seed)
os.execute(("mkdir -p '%s'"):format(o.out))
assert(braid.plot.ablation(o.out .. "/dcnet_ablation.svg", net:ablate(loader(faces.test)),
  {task = "landmarks", metric = "failure"}))
print(("%.2f%% failures; wrote %s/dcnet_ablation.svg: their relative change"):format(100 * failure,
  o.out))
