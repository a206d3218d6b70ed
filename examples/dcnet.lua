--- The experiments of Trottier, Giguere and Chaib-draa (2018). They compare networks of one task
-- (RN-S), hard sharing (RN), cross-stitch (XS) and collaborative blocks (ours), with the same
-- head, data and epochs. Figure 3: all of them; table 1: on fewer images; figure 5: random
-- weights for the related tasks; figure 6: one task's map taken from a central aggregation.
--
-- On rendered faces, small:  build/braid examples/dcnet.lua
-- On the MTFL data:          build/braid examples/dcnet.lua --data path/to/mtfl
-- As published (weeks on two cores; pretrained: torchvision's weights as safetensors):
--   ... --data path/to/mtfl --size 224 --width 1 --epochs 300 --tries 3 --draws 100
--       --networks "single hard hard_wide cross_stitch cross_stitch_wide dcnet"
--       --shares "0.1 0.3 0.5 0.7 0.9" --pretrained resnet18.safetensors
--
-- Everything is classification; landmarks are classified by pixel. A failure rate is the mean of
-- the last five epochs of each try (section 4.2), on the test faces. --shares: the first part of
-- the training faces trains, and the rest tests. --draws: each draw weighs the related tasks by
-- the exp of a number between log 1e-4 and 0, and trains on half of the faces. Differences from
-- the paper: MTFL replaces AFLW in table 1 and figure 5, because AFLW must be requested from its
-- authors. Batch, rate and optimizer are ours, because the paper does not give them. Figure 3 is
-- only the ResNet half, without HyperFace. --networks '', --shares '' and --draws 0 skip these
-- experiments.
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim

local o <const> = braid.train.arguments(arg, {
  data = "", faces = {1000, from = 10}, size = {40, from = 1}, channels = {3, 1},
  width = {0.0625, above = 0}, epochs = {3, from = 1}, tries = {1, from = 1},
  batch = {32, from = 1}, lr = {1e-3, above = 0}, draws = {1, from = 0},
  networks = "single hard cross_stitch dcnet", shares = "0.1 0.5", pretrained = "", seed = 1,
  out = "build/demo",
})
os.execute(("mkdir -p '%s'"):format(o.out))
local faces <const> = o.data == ""
  and data.faces{n = o.faces, size = 64, channels = o.channels, seed = o.seed}
  or data.mtfl(o.data, {size = o.size, channels = o.channels, val = 0,
    wrong = "whole"}) -- no face is placed by its points, because a part of them is tested
local RELATED <const> = {"gender", "smile", "glasses", "pose"}

-- weights: {task = lambda}; 1 unless given
local function tasks_of(weights)
  weights = weights or {}
  return mtl.tasks{
    landmarks = mtl.landmark_bins{pixels = o.size, flip = {2, 1, 3, 5, 4}},
    gender = mtl.classes{2, weight = weights.gender},
    smile = mtl.classes{2, weight = weights.smile},
    glasses = mtl.classes{2, weight = weights.glasses},
    pose = mtl.classes{5, weight = weights.pose, flip = {5, 4, 3, 2, 1}},
  }
end

-- ---- the networks, all ResNet-18 with the head of figure 2 --------------------------------

local pretrained <const> = o.pretrained ~= "" and o.pretrained or nil

-- Pretrained weights do not fit widened networks, and figure 6 is about random weights.
local function definition(file, given)
  return function(tasks, parameters, from_random)
    local options <const> = {tasks = tasks, backbone = "resnet18", width = o.width,
      channels = o.channels, head = "deep", parameters = parameters,
      pretrained = not parameters and not from_random and pretrained or nil}
    for key, value in pairs(given or {}) do options[key] = value end
    return braid.model(("models/%s.lua"):format(file), options)
  end
end

local BUILD <const> = {
  single = definition("hard_sharing", {single = "landmarks"}),
  hard = definition("hard_sharing"), cross_stitch = definition("cross_stitch"),
  dcnet = definition("dcnet"),
}
-- RNx and XSx: widened to dcnet's number of parameters.
for _, name in ipairs{"hard", "cross_stitch"} do
  BUILD[name .. "_wide"] = function(tasks)
    return BUILD[name](tasks, BUILD.dcnet(tasks):count_parameters())
  end
end

-- Pictures get the colours that the pretrained weights expect. Without such weights each picture
-- is whitened.
local steps <const> = pretrained and o.channels == 3 and {data.resize(o.size),
  data.normalize{mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225}}} or nil
local function loader(ds, given)
  given.transforms = steps
  if not steps then given.size = o.size end
  return data.loader(ds, given)
end

-- Trains a network on `training`. Returns its failure rate and mean error on `testing`, both
-- averaged over the last five epochs.
local function learn(name, training, testing, weights, seed, from_random)
  braid.manual_seed(seed)
  local net <const>, failures, errors = BUILD[name](tasks_of(weights), nil, from_random), 0, 0
  local opt <const>, last <const> = optim.Adam(net:parameters(), {lr = o.lr}), math.min(5, o.epochs)
  for epoch = 1, o.epochs do
    net:train()
    for batch in loader(training, {batch = o.batch, shuffle = true, epoch = epoch,
                                   drop_last = true, seed = seed, tasks = net.tasks}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = net.tasks:loss(net(batch.image), batch)
      opt:zero_grad()
      braid.train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
    end
    if epoch > o.epochs - last then
      local report <const> = net.tasks:evaluate(net, loader(testing, {batch = o.batch}))
      failures = failures + report.landmarks.failure / last
      errors = errors + report.landmarks.error / last
    end
  end
  return net, failures, errors
end

-- The failure rate in percent and the error, averaged over `tries`.
local function measured(name, training, testing, weights, tries)
  local failures, errors = 0, 0
  for try = 1, tries do
    local _, f <const>, e <const> = learn(name, training, testing, weights, o.seed + try - 1)
    failures, errors = failures + 100 * f / tries, errors + e / tries
  end
  return failures, errors
end

-- ---- figure 3 and table 1: all networks, on all faces and on fewer ------------------------

local names <const> = {}
for name in o.networks:gmatch("%S+") do
  if not BUILD[name] then error(("--networks: there is no '%s'"):format(name), 0) end
  names[#names + 1] = name
end

local function compare(label, training, testing)
  local words <const> = {}
  for i, name in ipairs(names) do
    words[i] = ("%s %.2f (%.4f)"):format(name, measured(name, training, testing, nil, o.tries))
  end
  if #words == 0 then return end
  print(("failures in %% (error), %s:  %s"):format(label, table.concat(words, "  ")))
end

local function divided(share)
  local part <const> = tonumber(share)
  local count <const> = math.floor((part or 0) * #faces.train + 0.5)
  if count < o.batch or count >= #faces.train then
    error(("--shares: '%s' of %d faces leaves no batch of %d, or none to test"):format(share,
      #faces.train, o.batch), 0)
  end
  return faces.train:subset(1, count), faces.train:subset(count + 1, #faces.train)
end
for share in o.shares:gmatch("%S+") do divided(share) end -- refused before anything is trained

compare("all training faces", faces.train, faces.test)
for share in o.shares:gmatch("%S+") do
  compare(("trained on %s of the training faces, tested on the rest"):format(share), divided(share))
end

-- ---- figure 5: random weights of the related tasks ----------------------------------------

local gains <const>, wins = {}, 0
for draw = 1, o.draws do
  braid.manual_seed(o.seed + draw)
  local weights <const> = {}
  for _, name in ipairs(RELATED) do
    weights[name] = math.exp(braid.rand(1):item() * math.log(1e-4))
  end
  local training <const>, testing <const> = divided(0.5)
  local stitched <const> = measured("cross_stitch", training, testing, weights, 1)
  local ours <const> = measured("dcnet", training, testing, weights, 1)
  gains[draw], wins = stitched - ours, wins + (ours < stitched and 1 or 0)
  print(("draw %d of the weights:  cross_stitch %.2f  dcnet %.2f"):format(draw, stitched, ours))
end
if o.draws > 0 then
  table.sort(gains)
  print(("dcnet fails less in %d of %d draws; gain: median %.2f, best %.2f points"):format(wins,
    o.draws, gains[(#gains + 1) // 2], gains[#gains]))
end

-- ---- figure 6: a task's map taken from a central aggregation ------------------------------

local net <const>, failed <const> = learn("dcnet", faces.train, faces.test, nil, o.seed,
  true)
braid.plot.ablation(o.out .. "/dcnet_ablation.svg",
  net:ablate(loader(faces.test, {batch = o.batch})), {task = "landmarks", metric = "failure"})
print(("%.2f%% failures; wrote %s/dcnet_ablation.svg: their relative change"):format(100 * failed,
  o.out))
