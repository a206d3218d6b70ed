--- Multi-task networks against each other and against single-task networks: same columns, data,
-- seed and epochs; what differs is what connects the columns.
--
-- On rendered faces, which come with Braid:      build/braid examples/compare.lua
-- On photographs, the MTFL data as published:    build/braid examples/compare.lua --data
-- path/to/mtfl --epochs 30
--
-- Each network's result is kept in --out as soon as it is there: a run that is cut off goes on
-- where it was, and --networks "hard dcnet" adds to what is there. The table, of all results,
-- is out/table.md and out/table.json. With --maps yes (default) pictures tell what flows
-- between tasks: flow_, ablation_ and affinity_*.svg.
--
-- Columns: TCDCN's layers with batch norm and ReLU, 40x40; mixers after its four convolutions;
-- linear heads. hard_wide and cross_stitch_wide are as wide as gives them dcnet's count of
-- parameters (Trottier et al. 2018). separation spends half of the epochs on its shared
-- stream, the other half on its columns. Further networks are trained when named: separation_joint,
-- cross_stitch_started (from the single-task networks), cross_stitch_mutual and soft_sharing
-- (squared distances of weights), nddr, sluice. delta-m is over all tasks' error or accuracy. The
-- alphas of cross-stitch learn lr_mult times as fast as the rest, as its paper has them; those of
-- DMT as fast as the rest, for its paper says nothing.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn
local optim <const>, plot <const>, train <const> = braid.optim, braid.plot, braid.train
local results <const> = dofile((arg[0]:match("^.*/") or "") .. "compare/results.lua")

local o <const> = train.arguments(arg, {
  data = "", faces = {8000, from = 10}, epochs = {15, from = 1}, batch = {64, from = 1},
  lr = {1e-3, above = 0}, lambda = {0.02, from = 0}, seed = 1, width = {1.0, above = 0},
  lr_mult = {100.0, from = 0}, maps = true,
  networks = "single hard hard_wide cross_stitch cross_stitch_wide separation dmt dcnet",
  out = "build/compare",
})

local tasks <const> = mtl.tasks{
  landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  gender = mtl.classes{2, weight = o.lambda},
  smile = mtl.classes{2, weight = o.lambda},
  glasses = mtl.classes{2, weight = o.lambda},
  pose = mtl.classes{5, weight = o.lambda, flip = {5, 4, 3, 2, 1}},
}

-- ---- the networks -------------------------------------------------------------------------

local MIXED <const> = {"conv1", "conv2", "conv3", "conv4"}

local function blocks(width)
  return nn.backbone("tcdcn", {norm = true, activation = "ReLU", width = width})
end

local function columns_with(mixer)
  return function(width)
    return mtl.network{tasks = tasks, blocks = blocks(width), mixer = mixer, at = MIXED,
      columns = mixer and "per_task" or "shared"}
  end
end

local function single(task)
  return function(width)
    return mtl.network{tasks = tasks, blocks = blocks(width), single = task}
  end
end

local BUILD <const> = {
  hard = columns_with(nil),
  cross_stitch = columns_with(mtl.cross_stitch{lr_mult = o.lr_mult}),
  separation = columns_with(mtl.separation{form = "channelwise", fine_tune = true}),
  separation_joint = columns_with(mtl.separation{form = "channelwise", end_to_end = true}),
  dmt = columns_with(mtl.ttc{}),
  dcnet = columns_with(mtl.collaborative{}),
  nddr = columns_with(mtl.nddr{}),
  sluice = columns_with(mtl.sluice{penalty = 0.01}),
}

function BUILD.cross_stitch_mutual(width)
  return BUILD.cross_stitch(width):mutual{form = "l2", weight = 1e-4}
end

function BUILD.soft_sharing(width)
  return columns_with(mtl.none{})(width):mutual{form = "l2", weight = 1e-4}
end

-- From the single-task networks of the same directory.
function BUILD.cross_stitch_started(width)
  local states <const> = {}
  for name in tasks:each() do
    states[name] = assert(braid.load(("%s/single_%s.safetensors"):format(o.out, name)))
  end
  return BUILD.cross_stitch(width):start_from(states)
end

local function as_large_as_dcnet(build)
  return function(width)
    return (mtl.widen(build, BUILD.dcnet(width):count_parameters()))
  end
end

BUILD.hard_wide = as_large_as_dcnet(BUILD.hard)
BUILD.cross_stitch_wide = as_large_as_dcnet(BUILD.cross_stitch)
for name in tasks:each() do BUILD["single_" .. name] = single(name) end

-- ---- training -----------------------------------------------------------------------------

local function learn(net, faces, label, from, to)
  local opt <const> = optim.Adam(net:parameters(), {lr = o.lr})
  local augment <const> = {rotate = 15, scale = 0.10, shift = 0.04, flip = 0.5}
  local steps <const> = (#faces.train + o.batch - 1) // o.batch
  local bar <const>, seconds = train.progress((to - from + 1) * steps), 0
  for epoch = from, to do
    local begun <const> = bar.clock()
    net:train()
    for batch in data.loader(faces.train, {batch = o.batch, size = 40, shuffle = true,
                                           epoch = epoch, seed = o.seed, augment = augment,
                                           tasks = tasks}) do
      local _ <close> = braid.scope()
      local loss, losses <const> = net.tasks:loss(net(batch.image), batch)
      local penalty <const> = net:penalty()
      if penalty then loss = loss + penalty end
      opt.factor = optim.cosine(opt.steps, (to - from + 1) * steps)
      opt:zero_grad()
      train.finite(loss, losses, opt.steps + 1):backward()
      opt:step()
      bar:advance(("%s %d/%d"):format(label, epoch, o.epochs), batch.count)
    end
    seconds = seconds + bar.clock() - begun
    bar:print(("%s %2d/%d  %5.1f s  validation:  %s"):format(label, epoch, o.epochs,
      bar.clock() - begun,
      net.tasks:evaluate(net, data.loader(faces.val, {batch = 256, size = 40}))))
  end
  return seconds
end

-- Pictures of what flows between the tasks of a trained network.
local function draw(net, name, faces)
  local function path(what) return ("%s/%s_%s.svg"):format(o.out, what, name) end
  local batch <const> = data.loader(faces.test, {batch = 256, size = 40})()
  if not net.columns then
    local _, losses <const> = net.tasks:loss(net:eval()(batch.image), batch)
    local a <const> = mtl.affinity(losses, net)
    assert(plot.heatmap(path("affinity"), a.cosine, {rows = a.names, columns = a.names,
      title = name .. ": cosines of gradients at shared weights", low = -1, high = 1}))
    return
  end
  assert(plot.transfer(path("flow"), net:eval():transfer(batch), {of = "gradients",
    title = name .. ": share of a task's gradient at each column"}))
  local _, mixer <const> = next(net.mixer)
  assert(plot.ablation(path("ablation"), net:ablate(batch, {blocks = MIXED, relative = false,
    part = mixer and mixer.aggregates and "aggregation" or "map"}),
    {task = "landmarks", metric = "failure",
      title = name .. ": landmark failures, a task's map zeroed"}))
end

-- Trains one network -> its result.
local function run(name, faces)
  braid.manual_seed(o.seed)
  local net <const>, seconds = BUILD[name](o.width), 0
  local first <const> = net.shared_head and o.epochs // 2 or 0
  if first > 0 then seconds = learn(net, faces, name .. " shared", 1, first) end
  if net.shared_head then net:stage(2) end
  seconds = seconds + learn(net, faces, name, first + 1, o.epochs)
  local report <const> = net.tasks:evaluate(net, data.loader(faces.test, {batch = 256, size = 40}))
  local metrics <const> = {}
  for task in net.tasks:each() do
    local m <const> = report[task]
    metrics[task] = m.accuracy and {accuracy = m.accuracy} or {error = m.error, failure = m.failure}
  end
  local summary <const> = net:summary{1, 40, 40}
  if o.maps and #net.tasks.names > 1 then draw(net, name, faces) end
  braid.save(("%s/%s.safetensors"):format(o.out, name), net:state_dict())
  return {parameters = summary.parameters, macs = summary.macs, seconds = seconds / o.epochs,
    metrics = metrics}
end

-- ---- all of them --------------------------------------------------------------------------

local settings <const> = {}
for _, key in ipairs{"data", "faces", "epochs", "batch", "lr", "lambda", "seed", "width",
  "lr_mult"} do
  settings[key] = o[key]
end
local kept <const> = results(o.out, settings, tasks.names)
local faces
for row in o.networks:gmatch("%S+") do
  for _, name in ipairs(kept:parts(row, BUILD)) do
    if not kept:has(name) then
      faces = faces or (o.data == "" and data.faces{n = o.faces, seed = o.seed})
        or data.mtfl(o.data)
      kept:keep(name, run(name, faces))
    end
  end
end
local words <const> = {}
for key, value in pairs(settings) do words[#words + 1] = ("%s %s"):format(key, value) end
table.sort(words)
print(kept:table() .. "\n" .. table.concat(words, ", "))
