--- Shared by the experiments of Fang, Ma, Zhang, Zhang and Bai 2017: data with tasks of two
-- classes, networks of one task (ST), one trunk (MT) and task transfer connections (DMT), and
-- training in turns (section 4.1).
--
-- With faces, the tasks are attributes with the classes yes and no: female, smile, glasses,
-- frontal, left (the face looks to the left). As in section 4, faces are upright with the eyes at
-- two fixed places, gray and equalised. With CIFAR-10, the tasks are its five pairs of classes, in
-- colour.
local braid <const> = require "braid"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local M <const> = {}

local PAIRS <const> = {"airplane_ship", "automobile_truck", "bird_frog", "cat_dog", "deer_horse"}
local SIDE <const>, VALIDATION <const> = 32, 0.1

--- Table 5, the accuracies printed for CIFAR-10's pairs.
M.TABLE5 = {
  ST = {cat_dog = 73.8, deer_horse = 88.8, bird_frog = 89.2, airplane_ship = 89.9,
    automobile_truck = 88.4},
  MT = {cat_dog = 73.9, deer_horse = 89.1, bird_frog = 89.6, airplane_ship = 90.4,
    automobile_truck = 90.0},
  DMT = {cat_dog = 73.9, deer_horse = 89.4, bird_frog = 90.7, airplane_ship = 91.2,
    automobile_truck = 90.0},
}

--- The attributes of faces, which are labels 1 (yes) and 2 (no).
M.ATTRIBUTES = {"female", "frontal", "glasses", "left", "smile"}

local function with_attributes(ds)
  local function yes(mask) return 2 - mask:to("int64") end
  return ds:labelled{female = yes(ds.labels.gender:eq(2)), frontal = yes(ds.labels.pose:eq(3)),
    left = yes(ds.labels.pose:le(2))}
end

--- The faces of a run: {train =, val =, test =, names = the tasks, channels =, transforms =}.
function M.faces(e)
  local faces <const> = e:faces{size = 64, channels = 1, faces = e.o.faces}
  return {train = with_attributes(faces.train), val = with_attributes(faces.val),
    test = with_attributes(faces.test), names = M.ATTRIBUTES, channels = 1,
    transforms = {data.align{eyes = {1, 2}, size = SIDE}, data.equalize(), data.whiten()}}
end

--- CIFAR-10 in the same form, or faces without it. A tenth of its training pictures is val, and
-- `all` are all of them.
function M.data(e)
  if e:holds() ~= "cifar10" then return M.faces(e) end
  local sets <const> = e:cifar{images = e.o.images}
  local train <const>, val <const> = sets.train:split(VALIDATION, {stratify = "class", seed = 1})
  return {train = train, val = val, all = sets.train, test = sets.test, names = PAIRS, channels = 3,
    transforms = {data.resize(SIDE), data.whiten()}}
end

--- A loader of a whole set, without random changes.
function M.whole(sets, set)
  return data.loader(set, {batch = 256, transforms = sets.transforms})
end

function M.tasks(names)
  local tasks <const> = {}
  for _, name in ipairs(names) do tasks[name] = mtl.classes{2, metric = "balanced"} end
  return mtl.tasks(tasks)
end

--- A function that makes a trunk which the tasks share but for the output.
function M.shared(names, o, sets)
  return function()
    return mtl.network{tasks = M.tasks(names), columns = "shared",
      blocks = nn.backbone("dmt", {width = o.width, channels = sets.channels})}
  end
end

--- A function that makes the dynamic network, its columns in a list, as turns want them.
function M.dynamic(names, o, sets, reading)
  return function()
    return braid.model("models/dmt.lua", {tasks = M.tasks(names), width = o.width,
      channels = sets.channels, start = o.start, lr_mult = 10, reading = reading}):unstack()
  end
end

--- Networks of one task each, as parts of an entry of train.compare.
function M.alone(names, o, sets)
  local parts <const> = {}
  for _, name in ipairs(names) do parts[name] = M.shared({name}, o, sets) end
  return parts
end

--- Options of train.compare and train.fit for tasks that take turns. An epoch has as many samples
-- as the training set, over the turns of all of a network's tasks. The rate falls to 0:
-- with a constant one DMT ended 3 to 15 points lower on CIFAR-10's pairs (MT 0 to 4), and training
-- its connections alone again brought most of that back. A column's batch norm sees the others'
-- maps in its own turns only, and they must stand still for its statistics to be right.
function M.turns(o, sets)
  return {train = sets.train, turns = true, batch = o.batch, lr = o.lr, schedule = "cosine",
    loader = {transforms = sets.transforms}}
end

--- Columns of e:beside for the tasks' balanced accuracies. printed: {ROW = {TASK = number}};
-- form: how a metric is named, by default "TASK.balanced".
function M.columns(names, printed, form)
  local columns <const> = {}
  for i, name in ipairs(names) do
    local own <const> = {}
    for row, numbers in pairs(printed or {}) do own[row] = numbers[name] end
    columns[i] = {metric = (form or "%s.balanced"):format(name), title = name, percent = true,
      direction = "max", printed = own}
  end
  return columns
end

--- A network's balanced accuracies on a set, {TASK = number}.
function M.accuracies(net, sets, set)
  local report <const>, of <const> = net.tasks:evaluate(net, M.whole(sets, set)), {}
  for name in net.tasks:each() do of[name] = report[name].balanced end
  return of
end

--- A row's entries without entry i, as shares of their sum.
function M.others(row, i)
  local total, shares <const> = 0.0, {}
  for j, v in ipairs(row) do total = total + (j == i and 0 or v) end
  for j, v in ipairs(row) do shares[#shares + 1] = j ~= i and v / total or nil end
  return shares
end

--- The names without name i.
function M.without(names, i)
  local left <const> = table.move(names, 1, #names, 1, {})
  table.remove(left, i)
  return left
end

M.OPTIONS = {epochs = {6, from = 1}, width = {0.5, above = 0}, batch = {64, from = 1},
  lr = {2e-3, above = 0}, start = {0.2, from = 0, to = 1}, images = {0, from = 0},
  faces = {4000, from = 10}}
M.QUICK = {epochs = 1, width = 0.1, faces = 120, images = 400, batch = 16}

M.DIFFERS = {
  "half of the width; batch, rate, epochs and sizes are not printed: Adam, cosine by step, 32x32, "
    .. "whitened one by one",
  "MTFL's faces, or rendered ones, stand for CelebA; their attributes are female, frontal, "
    .. "glasses, left (looks to the left) and smile",
  "MT shares all but the output; DMT is read as a forward mixture of maps, whose alphas learn by "
    .. "gradient, ten times as fast as the weights",
}

--- The options of this part and further ones. more: {NAME = {default, ...}}
function M.options(more)
  local all <const> = {}
  for _, list in ipairs{M.OPTIONS, more or {}} do
    for key, value in pairs(list) do all[key] = value end
  end
  return all
end

--- The values of a quick run for these options, and further ones.
function M.quick(more)
  local all <const> = {}
  for _, list in ipairs{M.QUICK, more or {}} do
    for key, value in pairs(list) do all[key] = value end
  end
  return all
end

--- These sentences, after the given ones.
function M.differs(...)
  local list <const> = {...}
  return table.move(M.DIFFERS, 1, #M.DIFFERS, #list + 1, list)
end

return M
