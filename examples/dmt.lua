--- The dynamic multi-task network: tasks that learn how much to take of each other, a further task
-- that joins them, and one that leaves.
--
-- On rendered faces:        build/braid examples/dmt.lua
-- On CIFAR-10's five pairs: build/braid examples/dmt.lua --data path/to/folders --width 1
-- where folders holds train/airplane/*.jpg and so on, and test/ like it.
--
-- Tasks take turns, each with batches of both its classes in equal shares. Images are gray and
-- equalised, as the paper's faces are, unless --gray no. reading is "forward" or "update"
-- (algorithm 1, after which no task joins or leaves).
local braid <const> = require "braid"
local data <const>, mtl <const>, optim <const> = braid.data, braid.mtl, braid.optim

local o <const> = braid.train.arguments(arg, {
  data = "", images = 2000, width = 0.25, reading = "forward", start = 0.2, gray = true, epochs = 4,
  batch = 64, lr = 2e-3, seed = 1, out = "build/demo",
})
braid.manual_seed(o.seed)
os.execute(("mkdir -p '%s'"):format(o.out))

local PAIRS <const> = {airplane_ship = {"airplane", "ship"}, bird_frog = {"bird", "frog"},
  automobile_truck = {"automobile", "truck"}, cat_dog = {"cat", "dog"},
  deer_horse = {"deer", "horse"}}

-- With a label for each pair: 1 and 2 for its classes, 0 for all others.
local function with_pairs(ds)
  local function is(name)
    for i, class in ipairs(ds.classes.class) do
      if class == name then return ds.labels.class:eq(i):to("int64") end
    end
    error(("%s has no folder '%s'"):format(o.data, name))
  end
  local labels <const> = {}
  for name, pair in pairs(PAIRS) do labels[name] = is(pair[1]) + is(pair[2]) * 2 end
  return ds:labelled(labels)
end

-- Images to train on and to test with, and the names of the tasks.
local function read()
  local channels <const> = o.gray and 1 or 3
  if o.data == "" then
    local faces <const> = data.faces{n = o.images, seed = o.seed, channels = channels}
    return faces.train, faces.test, {"gender", "glasses", "smile"}
  end
  local sets <const> = data.images(o.data, {channels = channels})
  if not (sets.train and sets.test) then
    error(("%s must hold the folders train and test, each with one for each class"):format(o.data))
  end
  local chosen = sets.train
  if o.images < #chosen then
    chosen = select(2, chosen:split(o.images, {stratify = "class", seed = o.seed}))
  end
  return with_pairs(chosen), with_pairs(sets.test),
    {"airplane_ship", "automobile_truck", "bird_frog", "cat_dog", "deer_horse"}
end

local training <const>, testing <const>, names <const> = read()
local steps <const> = {data.augment{size = 32}, data.whiten()}
if o.gray then table.insert(steps, 2, data.equalize()) end

local function network(chosen, start)
  local tasks <const> = {}
  for _, name in ipairs(chosen) do tasks[name] = mtl.classes{2, metric = "balanced"} end
  return braid.model("models/dmt.lua", {tasks = mtl.tasks(tasks), width = o.width,
    channels = o.gray and 1 or 3, reading = o.reading, start = start,
    lr_mult = 10})
end

local function evaluate(net)
  return net.tasks:evaluate(net, data.loader(testing, {batch = 256, transforms = steps}))
end

-- Tasks in turn, on batches of their own; after(epoch) once an epoch.
local function learn(net, chosen, opt, after)
  local step = 0
  for epoch = 1, o.epochs do
    net:train()
    for batch in data.loader(training, {batch = o.batch, transforms = steps, shuffle = true,
                                        epoch = epoch, seed = o.seed, balanced = chosen}) do
      local _ <close> = braid.scope()
      local loss <const>, losses <const> = net.tasks:loss(net(batch.image), batch)
      step = step + 1
      opt:zero_grad()
      braid.train.finite(loss, losses, step):backward()
      opt:step()
    end
    after(epoch)
  end
end

local function row(values)
  local words <const> = {}
  for i, v in ipairs(values) do words[i] = ("%.3f"):format(v) end
  return table.concat(words, " ")
end

-- Learn all tasks but the last, and see what the first takes of each, over time and by layer.
local late <const> = names[#names]
local early <const> = table.move(names, 1, #names - 1, 1, {})
local net <const> = network(early, o.start)
local adam <const> = optim.Adam(net:parameters(), {lr = o.lr})
local opt <const> = o.reading == "update" and mtl.ttc_update(net, adam,
  {start = o.start, beta_lr = 100}) or adam
local function alpha() return opt.alpha and opt:alpha() or net:transfer().weights end

learn(net, early, opt, function(epoch)
  print(("epoch %d  %s   %s takes at fc: %s"):format(epoch, evaluate(net), early[1],
    row(alpha().fc[1])))
end)
local by_layer <const> = {}
for i, block in ipairs(net:blocks()) do by_layer[i] = alpha()[block][1] end
assert(braid.plot.heatmap(o.out .. "/dmt_layers.svg", by_layer, {rows = net:blocks(),
  columns = early, title = "what " .. early[1] .. " takes, by layer"}))

-- Which tasks look at the same places (section 2)?
local found <const> = mtl.contrast_maps(net,
  data.loader(testing, {batch = 256, transforms = steps}), "conv2",
  {groups = math.max(1, #early - 1)})
for _, group in ipairs(found.groups) do print("a group: " .. table.concat(group, ", ")) end
if o.reading == "update" then return end

-- The last task joins (section 4.4), beside one that learns it alone.
local joined <const>, alone <const> = {}, {}
local single <const> = network({late})
learn(single, {late}, optim.Adam(single:parameters(), {lr = o.lr}), function(epoch)
  alone[epoch] = 1 - evaluate(single)[late].balanced
end)
net:add_task(late, mtl.classes{2, metric = "balanced"}, {freeze = "others"})
learn(net, {late}, optim.Adam(net:parameters(), {lr = o.lr}), function(epoch)
  joined[epoch] = 1 - evaluate(net)[late].balanced
end)
print(("%s, error by epoch  alone: %s  joined: %s"):format(late, row(alone), row(joined)))

-- The first leaves (section 4.3); only connections are trained again.
print("all tasks:            " .. tostring(evaluate(net)))
net:unfreeze():remove_task(early[1]):train_only{"mixers"}
print(("without %-13s "):format(early[1] .. ":") .. tostring(evaluate(net)))
learn(net, net.tasks.names, optim.Adam(net:parameters(), {lr = o.lr}), function(epoch)
  print(("connections retrained, epoch %d:  %s"):format(epoch, evaluate(net)))
end)
assert(braid.plot.heatmap(o.out .. "/dmt_fc.svg", net:transfer().weights.fc,
  {rows = net.tasks.names, columns = net.tasks.names, title = "alpha at fc"}))
print(("wrote %s/dmt_layers.svg and dmt_fc.svg"):format(o.out))
