--- The experiments of Fang, Ma, Zhang, Zhang and Bai (2017). They compare networks of one task
-- (ST), a trunk that all tasks share (MT) and the dynamic multi-task network (DMT), on the same
-- batches. Then they show what its tasks take from each other, how a task leaves, and how one
-- joins.
--
-- On rendered faces:         build/braid examples/dmt.lua
-- On CIFAR-10's five pairs:  build/braid examples/dmt.lua --data path/to/cifar --width 1
--                                                         --epochs 20
-- where cifar is the binary version, or a folder with train/airplane/*.jpg and so on, and test/
-- alike.
--
-- As in section 4.1, tasks take turns. Each turn's batch has equal shares of both classes
-- (section 4.2), and an accuracy is the mean over the two classes: tables 4 and 5, and the
-- resampled half of table 3. Faces are gray and equalised as in the paper, and also upright with
-- the eyes at two fixed places. The paper does not say whether CIFAR-10 is in colour; here it is,
-- unless --colour gray. --images limits the training set (0: all). --reading is "forward" or
-- "update" (algorithm 1; no task joins or leaves after it).
-- Decisions: pictures are 32x32 and whitened one by one. MT shares everything but the output. An
-- epoch has as many samples as the training set, over all turns. The optimizer is Adam; alphas
-- begin at `start` and learn ten times as fast as the weights, because the paper does not say.
-- Contrast maps are measured on the trained network, to be compared with its alphas. Figure 6
-- shows test errors.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn
local optim <const>, plot <const>, train <const> = braid.optim, braid.plot, braid.train

local o <const> = train.arguments(arg, {
  data = "", images = {0, from = 0}, faces = {2000, from = 10}, colour = {"", "gray", "colour"},
  networks = "st mt dmt", reading = {"forward", "update"}, width = {0.25, above = 0},
  start = {0.2, from = 0, to = 1}, epochs = {4, from = 1}, batch = {64, from = 1},
  lr = {2e-3, above = 0}, seed = 1, out = "build/demo",
})
os.execute(("mkdir -p '%s'"):format(o.out))

-- ---- data ---------------------------------------------------------------------------------

local PAIRS <const> = {airplane_ship = {"airplane", "ship"}, bird_frog = {"bird", "frog"},
  automobile_truck = {"automobile", "truck"}, cat_dog = {"cat", "dog"},
  deer_horse = {"deer", "horse"}}

-- Adds a label for each pair: 1 and 2 for its classes, 0 for all others.
local function with_pairs(ds)
  local function is(name)
    for i, class in ipairs(ds.classes.class) do
      if class == name then return ds.labels.class:eq(i):to("int64") end
    end
    error(("%s has no class '%s'"):format(o.data, name))
  end
  local labels <const> = {}
  for name, pair in pairs(PAIRS) do labels[name] = is(pair[1]) + is(pair[2]) * 2 end
  return ds:labelled(labels)
end

local function cifar()
  local binary <const> = io.open(o.data .. "/data_batch_1.bin")
    or io.open(o.data .. "/cifar-10-batches-bin/data_batch_1.bin")
  if binary then binary:close() end
  local sets <const> = binary and data.cifar10(o.data) or data.images(o.data, {channels = 3})
  if not (sets.train and sets.test) then
    error(("%s must hold the folders train and test, each with one for each class"):format(o.data))
  end
  local chosen = sets.train
  if o.images > 0 and o.images < #chosen then
    chosen = select(2, chosen:split(o.images, {stratify = "class", seed = o.seed}))
  end
  return with_pairs(chosen), with_pairs(sets.test)
end

local gray <const> = o.colour == "gray" or o.colour == "" and o.data == ""

local function rendered()
  local faces <const> = data.faces{n = o.faces, seed = o.seed, channels = gray and 1 or 3}
  return faces.train, faces.test
end

local training <const>, testing <const> = (o.data ~= "" and cifar or rendered)()
local names <const> = o.data == "" and {"gender", "glasses", "smile"}
  or {"airplane_ship", "automobile_truck", "bird_frog", "cat_dog", "deer_horse"}
local steps <const> = {o.data == "" and data.align{eyes = {1, 2}, size = 32}
  or data.resize(32), data.whiten()}
if gray then table.insert(steps, 2, data.gray()) table.insert(steps, 3, data.equalize()) end

-- ---- networks -----------------------------------------------------------------------------

local function tasks_of(chosen)
  local tasks <const> = {}
  for _, name in ipairs(chosen) do tasks[name] = mtl.classes{2, metric = "balanced"} end
  return mtl.tasks(tasks)
end

local channels <const> = gray and 1 or 3
local function dmt(chosen)
  return braid.model("models/dmt.lua", {tasks = tasks_of(chosen), width = o.width,
    channels = channels, reading = o.reading, start = o.start, lr_mult = 10})
    :unstack() -- columns that take turns are in a list
end
local function shared(chosen)
  return mtl.network{tasks = tasks_of(chosen), columns = "shared",
    blocks = nn.backbone("dmt", {width = o.width, channels = channels})}
end

local function evaluate(net)
  local report <const> = net.tasks:evaluate(net, data.loader(testing, {batch = 256,
    transforms = steps}))
  local accuracy <const> = {}
  for name in net.tasks:each() do accuracy[name] = report[name].balanced end
  return accuracy
end

-- Trains the tasks in turn on batches of their own, the same for every network, and returns
-- accuracies. after(epoch) is called after each epoch. `only` limits the turns to one task.
local function learn(net, after, only)
  local turns, opt = 0, optim.Adam(net:parameters(), {lr = o.lr})
  if o.reading == "update" and net.columns then
    opt = mtl.ttc_update(net, opt, {start = o.start, beta_lr = 100})
  end
  for epoch = 1, o.epochs do
    net:train()
    for batch in data.loader(training, {batch = o.batch, transforms = steps, shuffle = true,
                                        epoch = epoch, seed = o.seed, balanced = names}) do
      if net.tasks[batch.task] and (not only or only == batch.task) then
        local _ <close> = braid.scope()
        local loss <const>, losses <const> = net.tasks:loss(
          net(batch.image, {tasks = net.tasks:present(batch)}), batch)
        opt:zero_grad()
        turns = turns + 1
        train.finite(loss, losses, turns):backward()
        opt:step()
      end
    end
    if after then after(epoch, opt) end
  end
  return evaluate(net)
end

-- ---- tables 3 to 5: the three networks ----------------------------------------------------

local function table_head(first) print(("%-22s %s"):format(first, table.concat(names, "  "))) end
local function table_row(what, accuracy)
  local words <const> = {}
  for i, name in ipairs(names) do
    local width <const> = #name
    words[i] = accuracy[name] and ("%" .. width .. ".1f"):format(100 * accuracy[name])
      or (" "):rep(width - 1) .. "-"
  end
  print(("%-22s %s"):format(what, table.concat(words, "  ")))
end

-- {block = T rows of T numbers}: how much task i takes from task j.
local function alphas(net, opt) return opt.alpha and opt:alpha() or net:transfer().weights end

-- Each entry's share of its row's sum, with or without entry `own`.
local function shares(row, own)
  local total, parts <const> = 0, {}
  for j, v in ipairs(row) do total = total + (j == own and 0 or v) end
  for j, v in ipairs(row) do parts[#parts + 1] = j ~= own and v / total or nil end
  return parts
end

local function shown(row)
  local words <const> = {}
  for i, v in ipairs(row) do words[i] = ("%.3f"):format(v) end
  return table.concat(words, " ")
end

local TRAIN <const> = {}
local net, last_alpha = nil, {}

function TRAIN.st()
  local accuracy <const> = {}
  for _, name in ipairs(names) do
    braid.manual_seed(o.seed)
    accuracy[name] = learn(shared{name})[name]
  end
  return accuracy
end

function TRAIN.mt()
  braid.manual_seed(o.seed)
  return learn(shared(names))
end

function TRAIN.dmt()
  braid.manual_seed(o.seed)
  net = dmt(names)
  return learn(net, function(epoch, opt) -- figure 4: relative magnitudes of the others
    last_alpha = alphas(net, opt)
    print(("epoch %d: at fc %s takes of the others, in shares: %s"):format(epoch, names[1],
      shown(shares(last_alpha.fc[1], 1))))
  end)
end

local kinds <const>, results <const> = {}, {}
for kind in o.networks:gmatch("%S+") do
  if not TRAIN[kind] then error(("--networks: '%s' is not st, mt or dmt"):format(kind), 0) end
  kinds[#kinds + 1] = kind
end
for i, kind in ipairs(kinds) do results[i] = {kind, TRAIN[kind]()} end
table_head("balanced accuracy, %")
for _, result in ipairs(results) do table_row(result[1]:upper(), result[2]) end
if not net then return end

-- Figure 5: the first task at each layer. Section 2: tasks that look at the same places.
local others <const> = table.move(names, 2, #names, 1, {})
local by_layer <const> = {}
for i, block in ipairs(net:blocks()) do by_layer[i] = shares(last_alpha[block][1], 1) end
plot.heatmap(o.out .. "/dmt_layers.svg", by_layer, {rows = net:blocks(), columns = others,
  title = "what " .. names[1] .. " takes of the others, in shares, by layer"})
local found <const> = mtl.contrast_maps(net,
  data.loader(testing, {batch = 256, transforms = steps}), "conv2", {groups = #names // 2})
for _, group in ipairs(found.groups) do print("a group: " .. table.concat(group, ", ")) end
if o.reading == "update" then return end

-- ---- tables 4 and 6: a task leaves, and the connections alone are trained again -----------

local leaves <const>, stay <const> = names[1], others
net:remove_task(leaves):train_only{"mixers"}
table_row("without " .. leaves, evaluate(net))
table_row("  TTC trained again", learn(net))
-- Table 6. Decision: a weight is alpha_ij / sum_j alpha_ij, the share of task j in what task i
-- takes. So the share of the removed task is "partitioned by reserved tasks", each column of the
-- table sums to that share, and the diagonal can change although alpha_ii = 1, as in the paper.
local before <const>, after <const>, change <const> = last_alpha.fc, net:transfer().weights.fc, {}
for i in ipairs(stay) do
  local had <const>, has <const> = shares(before[i + 1]), shares(after[i])
  for j in ipairs(stay) do
    change[j] = change[j] or {}
    change[j][i] = has[j] - had[j + 1]
  end
end
plot.heatmap(o.out .. "/dmt_change.svg", change, {rows = stay, columns = stay, low = -1, high = 1,
  title = "change of shares at fc after " .. leaves .. " left, from (rows) to (columns)"})

-- ---- figure 6: a task joins others that are learned already, or learns alone --------------

local late <const>, joined <const>, alone <const> = names[#names], {}, {}
local early <const> = table.move(names, 1, #names - 1, 1, {})
braid.manual_seed(o.seed)
local growing <const> = dmt(early)
learn(growing)
growing:add_task(late, tasks_of{late}[late], {freeze = "others"})
learn(growing, function(epoch) joined[epoch] = 1 - evaluate(growing)[late] end, late)
braid.manual_seed(o.seed)
local single <const> = shared{late}
learn(single, function(epoch) alone[epoch] = 1 - evaluate(single)[late] end)
print(("%s, error by epoch  alone: %s  joined: %s"):format(late, shown(alone), shown(joined)))
print(("wrote %s/dmt_layers.svg and dmt_change.svg"):format(o.out))
