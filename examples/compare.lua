--- Compares multi-task networks with each other and with single-task networks. All have the same
-- columns, heads, data, order, seeds and epochs; only the connections between columns differ.
--
-- On rendered faces, which come with Braid:      build/braid examples/compare.lua
-- On photographs, the MTFL data as published:    build/braid examples/compare.lua --data
-- path/to/mtfl --epochs 30
--
-- As many networks train at once as there are processors. Each result is kept in --out as soon as
-- it is complete. So a run that was cut off continues when it is started again, and --networks
-- "hard dcnet" or --seeds 5 trains only what is missing. out/results.html has the table, tests
-- and pictures; .md, .csv and .tex have the table. flow_*.svg shows what flows between the columns
-- of the first seed (--maps no leaves it out). --budget macs or --same parameters makes the costs
-- equal.
--
-- Columns: TCDCN's layers with batch norm and ReLU, 40x40; mixers after its four convolutions;
-- linear heads. hard_wide and cross_stitch_wide are widened to dcnet's number of parameters
-- (Trottier et al. 2018). separation uses half of the epochs for its shared stream and half for
-- its columns. cross_stitch_later trains columns apart for half of the epochs, then connects them.
-- It, separation_joint, nddr and sluice train only if they are named. The alphas of cross-stitch
-- learn lr_mult times as fast as other weights, as in its paper. Those of DMT learn as fast as
-- other weights, because its paper does not say. delta-m is over the errors or accuracies of all
-- tasks. The weights of the last epoch are tested.
local braid <const> = require "braid"
local data <const>, mtl <const>, train <const> = braid.data, braid.mtl, braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {8000, from = 10}, epochs = {15, from = 1}, batch = {64, from = 1},
  lr = {1e-3, above = 0}, lambda = {0.02, from = 0}, seeds = {3, from = 1},
  width = {1.0, above = 0}, lr_mult = {100.0, from = 0}, maps = true,
  budget = {"epochs", "macs"}, same = {"no", "parameters"}, jobs = {braid.get_threads(), from = 1},
  networks = "single hard hard_wide cross_stitch cross_stitch_wide separation dmt dcnet",
  out = "build/compare",
})
local faces <const> = o.data == "" and data.faces{n = o.faces, seed = 1} or data.mtfl(o.data)
local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  gender = mtl.classes{2, weight = o.lambda}, smile = mtl.classes{2, weight = o.lambda},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}},
}

local MIXED <const> = {"conv1", "conv2", "conv3", "conv4"}

-- A column for each task, with a mixer or more options; or one for all.
local function columns(mixer, more)
  return function(_, job)
    local given <const> = {tasks = tasks, mixer = mixer, at = MIXED, blocks = braid.nn.backbone(
      "tcdcn", {norm = true, activation = "ReLU", width = o.width * job.width})}
    for key, value in pairs(more or {}) do given[key] = value end
    return mtl.network(given)
  end
end

local stitch <const>, dcnet <const> = mtl.cross_stitch{lr_mult = o.lr_mult},
  columns(mtl.collaborative{})
local function as_large_as_dcnet(make)
  return function(_, job)
    return (mtl.widen(function(width) return make(nil, {width = width * job.width}) end,
      dcnet(nil, job):count_parameters()))
  end
end

-- Half of the epochs, then others after prepare(net).
local function in_two_stages(make, prepare)
  local first <const> = math.max(1, o.epochs // 2)
  return {make, stages = {{epochs = first},
    {epochs = math.max(1, o.epochs - first), prepare = prepare}}}
end

local hard <const>, single <const> = columns(nil, {columns = "shared"}), {parts = {}}
for task in tasks:each() do single.parts[task] = columns(nil, {single = task}) end

local all <const> = {
  single = single, hard = hard, hard_wide = as_large_as_dcnet(hard),
  cross_stitch = columns(stitch), cross_stitch_wide = as_large_as_dcnet(columns(stitch)),
  cross_stitch_later = in_two_stages(columns(), function(net) net:mix(MIXED, stitch) end),
  separation = in_two_stages(columns(mtl.separation{form = "channelwise", fine_tune = true}),
    function(net) net:stage(2) end),
  separation_joint = columns(mtl.separation{form = "channelwise", end_to_end = true}),
  dmt = columns(mtl.ttc{}), dcnet = dcnet, nddr = columns(mtl.nddr{}),
  sluice = columns(mtl.sluice{penalty = 0.01}),
}

local function draw(net, job)
  if not o.maps or job.seed ~= 1 or job.part or not net.columns then return end
  local batch <const> = data.loader(faces.test, {batch = 256, size = 40})()
  braid.plot.transfer(("%s/flow_%s.svg"):format(o.out, job.network), net:eval():transfer(batch),
    {of = "gradients", title = job.network .. ": share of a task's gradient at each column"})
end

local networks <const>, order <const>, known <const> = {}, {}, {}
for name in pairs(all) do known[#known + 1] = name end
table.sort(known)
for name in o.networks:gmatch("%S+") do
  networks[name], order[#order + 1] = all[name], name
  if not all[name] then
    error(("there is no network '%s'; there is %s"):format(name, table.concat(known, ", ")), 0)
  end
end
print(train.compare{networks = networks, order = order, baseline = networks.single and "single",
  tasks = tasks, train = faces.train, val = faces.val, test = faces.test, seeds = o.seeds,
  epochs = o.epochs, batch = o.batch, lr = o.lr, schedule = "cosine", take = "last", after = draw,
  loader = {size = 40, augment = {rotate = 15, scale = 0.10, shift = 0.04, flip = 0.5}},
  dir = o.out, jobs = o.jobs, budget = o.budget, same = o.same ~= "no" and o.same or nil,
  metrics = {"landmarks.failure", "landmarks.error", "gender.accuracy", "glasses.accuracy",
    "pose.accuracy", "smile.accuracy"}})
