--- Compares multi-task networks with each other and with single-task networks. All have the same
-- columns, data, order, seeds and epochs; only the connections between columns differ.
--
-- On rendered faces, which come with Braid:      build/braid examples/compare.lua
-- On photographs, the MTFL data as published:    build/braid examples/compare.lua --data
-- path/to/mtfl --epochs 30
--
-- As many networks train at once as there are processors. Each result is kept in --out as soon as
-- it is complete. So a run that was cut off continues when it is started again, and --networks
-- "hard dcnet" or --seeds 5 trains only what is missing. out/results.html has the table, tests
-- and pictures; .md, .csv and .tex have the table. With --maps yes (the default), pictures of the
-- first seed show what flows between tasks: flow_, ablation_ and affinity_*.svg. --budget macs or
-- --same parameters makes the costs equal.
--
-- Columns: TCDCN's layers with batch norm and ReLU, 40x40; mixers after its four convolutions;
-- linear heads. hard_wide and cross_stitch_wide are widened to dcnet's number of parameters
-- (Trottier et al. 2018). separation uses half of the epochs for its shared stream and half for
-- its columns. More networks are trained if they are named: separation_joint,
-- cross_stitch_started (from the single-task networks), cross_stitch_mutual and soft_sharing
-- (squared distances of weights), nddr, sluice. delta-m is over the errors or accuracies of all
-- tasks. The alphas of cross-stitch learn lr_mult times as fast as other weights, as in its
-- paper. Those of DMT learn as fast as other weights, because its paper does not say. The weights
-- of the last epoch are tested.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn
local plot <const>, train <const> = braid.plot, braid.train

local o <const> = train.arguments(arg, {
  data = "", faces = {8000, from = 10}, epochs = {15, from = 1}, batch = {64, from = 1},
  lr = {1e-3, above = 0}, lambda = {0.02, from = 0}, seeds = {3, from = 1},
  width = {1.0, above = 0}, lr_mult = {100.0, from = 0}, maps = true,
  budget = {"epochs", "macs"}, same = {"no", "parameters"}, jobs = {braid.get_threads(), from = 1},
  networks = "single hard hard_wide cross_stitch cross_stitch_wide separation dmt dcnet",
  out = "build/compare",
})

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  gender = mtl.classes{2, weight = o.lambda}, smile = mtl.classes{2, weight = o.lambda},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}},
}

-- ---- the networks -------------------------------------------------------------------------

local MIXED <const> = {"conv1", "conv2", "conv3", "conv4"}

local function network(job, more)
  local given <const> = {tasks = tasks,
    blocks = nn.backbone("tcdcn", {norm = true, activation = "ReLU", width = o.width * job.width})}
  for key, value in pairs(more) do given[key] = value end
  return mtl.network(given)
end

local function columns_with(mixer)
  return function(_, job)
    return network(job, {mixer = mixer, at = MIXED, columns = mixer and "per_task" or "shared"})
  end
end

local build <const> = {
  single = {parts = {}},
  hard = columns_with(nil),
  cross_stitch = columns_with(mtl.cross_stitch{lr_mult = o.lr_mult}),
  separation = {columns_with(mtl.separation{form = "channelwise", fine_tune = true}), stages = {
    {epochs = math.max(1, o.epochs // 2)},
    {epochs = math.max(1, o.epochs - o.epochs // 2), prepare = function(net) net:stage(2) end},
  }},
  separation_joint = columns_with(mtl.separation{form = "channelwise", end_to_end = true}),
  dmt = columns_with(mtl.ttc{}), dcnet = columns_with(mtl.collaborative{}),
  nddr = columns_with(mtl.nddr{}), sluice = columns_with(mtl.sluice{penalty = 0.01}),
}
for task in tasks:each() do
  build.single.parts[task] = function(_, job) return network(job, {single = task}) end
end

function build.cross_stitch_mutual(_, job)
  return build.cross_stitch(nil, job):mutual{form = "l2", weight = 1e-4}
end

function build.soft_sharing(_, job)
  return columns_with(mtl.none{})(nil, job):mutual{form = "l2", weight = 1e-4}
end

-- Starts from the single-task networks of the same seed.
function build.cross_stitch_started(_, job)
  local states <const> = {}
  for task in tasks:each() do
    states[task] = braid.load(("%s/single/%s/seed%d/trained.safetensors"):format(o.out, task,
      job.seed))
  end
  return build.cross_stitch(nil, job):start_from(states)
end

local function as_large_as_dcnet(make)
  return function(_, job)
    return (mtl.widen(function(width) return make(nil, {width = width * job.width}) end,
      build.dcnet(nil, job):count_parameters()))
  end
end

build.hard_wide = as_large_as_dcnet(build.hard)
build.cross_stitch_wide = as_large_as_dcnet(build.cross_stitch)

-- ---- pictures -----------------------------------------------------------------------------

local faces <const> = o.data == "" and data.faces{n = o.faces, seed = 1} or data.mtfl(o.data)

-- Draws the flow between the tasks of a trained network.
local function draw(net, name)
  local function path(what) return ("%s/%s_%s.svg"):format(o.out, what, name) end
  local batch <const> = data.loader(faces.test, {batch = 256, size = 40})()
  if not net.columns then
    local _, losses <const> = net.tasks:loss(net:eval()(batch.image), batch)
    local a <const> = mtl.affinity(losses, net)
    plot.heatmap(path("affinity"), a.cosine, {rows = a.names, columns = a.names,
      title = name .. ": cosines of gradients at shared weights", low = -1, high = 1})
    return
  end
  plot.transfer(path("flow"), net:eval():transfer(batch), {of = "gradients",
    title = name .. ": share of a task's gradient at each column"})
  local _, mixer <const> = next(net.mixer)
  plot.ablation(path("ablation"), net:ablate(batch, {blocks = MIXED, relative = false,
    part = mixer and mixer.aggregates and "aggregation" or "map"}),
    {task = "landmarks", metric = "failure",
      title = name .. ": landmark failures, a task's map zeroed"})
end

local function keep(net, job)
  braid.save(job.dir .. "/trained.safetensors", net:state_dict())
  if o.maps and job.seed == 1 and not job.part then draw(net, job.network) end
end

-- ---- all of them --------------------------------------------------------------------------

local function compare(names)
  local networks <const>, order <const> = {}, {}
  for name in names:gmatch("%S+") do
    if not build[name] then
      local known <const> = {}
      for key in pairs(build) do known[#known + 1] = key end
      table.sort(known)
      error(("there is no network '%s'; there is %s"):format(name, table.concat(known, ", ")), 0)
    end
    networks[name], order[#order + 1] = build[name], name
  end
  return train.compare{networks = networks, order = order, seeds = o.seeds, tasks = tasks,
    train = faces.train, val = faces.val, test = faces.test, epochs = o.epochs, batch = o.batch,
    loader = {size = 40, augment = {rotate = 15, scale = 0.10, shift = 0.04, flip = 0.5}},
    lr = o.lr, schedule = "cosine", take = "last", after = keep, dir = o.out, jobs = o.jobs,
    budget = o.budget, same = o.same ~= "no" and o.same or nil,
    baseline = networks.single and "single" or nil,
    metrics = {"landmarks.failure", "landmarks.error", "gender.accuracy", "glasses.accuracy",
      "pose.accuracy", "smile.accuracy"}}
end

if o.networks:find("cross_stitch_started", 1, true) then compare("single") end
print(compare(o.networks))
