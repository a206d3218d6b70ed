--- The options of train.fit, and their defaults.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local Plateau <const> = require "braid.optim.plateau"
local Stopping <const> = require "braid.mtl.early_stopping"
local Tasks <const> = require "braid.mtl.tasks"
local walk <const> = require "braid.nn.walk"

local call <const>, either <const>, flag <const>, list <const> =
  check.call, check.either, check.flag, check.list
local map <const>, number <const>, text <const>, whole <const> =
  check.map, check.number, check.text, check.whole

local M <const> = {}

local function is_table(v) return type(v) == "table" and not check.is_object(v) end

local SET <const> = check.kind("a data set, a loader (data.loader) or a function(epoch) that gives "
  .. "one", function(v)
  return type(v) == "function" or type(v) == "table" and (v.labels or v.parts or v.ds) ~= nil
end)
local OPTIMIZER <const> = check.kind("an optimizer, the name or the class of one, {\"AdamW\", lr = "
  .. "1e-3} or a function(net) that makes one", function(v)
  return type(v) == "string" or type(v) == "function" or class.is_class(v)
    or is_table(v) and type(v[1]) == "string" or type(v) == "table" and v.groups ~= nil
end)
local BY <const> = {epoch = true, step = true}
local SCHEDULE <const> = either(check.optional(check.choice{"constant", "cosine", "linear"}),
  call(),
  check.kind("{f, by = \"epoch\"}", function(v)
    return is_table(v) and call().accepts(v[1]) and (v.by == nil or BY[v.by] == true)
  end))
local TASKS <const> = check.kind("tasks, as mtl.tasks gives them", function(v)
  return class.is_a(v, Tasks)
end)
M.SET, M.OPTIMIZER, M.TASKS = SET, OPTIMIZER, TASKS

local NAMES <const> = either(text(), list{of = text(), least = 1})
local STAGE <const> = {
  epochs = whole{from = 1}, steps = whole{from = 1}, train = NAMES, freeze = NAMES,
  prepare = call(),
  optimizer = OPTIMIZER, lr = number{above = 0}, schedule = SCHEDULE,
  warmup = either(number{from = 0}, check.kind("{steps = n}", function(v)
    return is_table(v) and math.type(v.steps) == "integer" and v.steps >= 0
  end)),
  weights = map(either(number{from = 0}, call())), clip = number{above = 0},
}

--- Options that a stage may have of its own.
M.stage = check.declare("train.fit: stage", STAGE, function(o)
  if o.epochs and o.steps then return "it has epochs or steps, not both" end
  if not (o.epochs or o.steps) then return "it wants epochs or steps" end
end)

local KNOWN <const> = {
  net = check.needed(check.kind("a network", walk.is_module)),
  tasks = TASKS, train = check.needed(SET), val = SET, batch = whole{from = 1},
  loader = check.kind("options of data.loader", is_table),
  balanced = either(flag(), text(), list{of = text(), least = 1}),
  turns = either(flag(false), list{of = text(), least = 1}),
  weighting = check.any(), rates = map(either(number{from = 0}, call())),
  stages = list{of = check.kind("a table of its options", is_table), least = 1},
  stopping = either(check.kind("the result of mtl.early_stopping", function(v)
    return class.is_a(v, Stopping)
  end), check.kind("its options", is_table)),
  patience = whole{from = 1}, best = text(),
  ema = either(number{from = 0, to = 1}, check.kind("options of optim.EMA", is_table)),
  accumulate = whole{1, from = 1}, dir = text(), resume = check.choice{"auto", true, false},
  seed = whole{from = 0}, log = whole{50, from = 0}, every = whole{from = 1},
  on = map(call()), progress = flag(true), profile = flag(false),
  report = flag(false), events = flag(false),
}
for key, kind in pairs(STAGE) do
  if key ~= "train" and key ~= "freeze" and key ~= "prepare" then KNOWN[key] = kind end
end

local HOOKS <const> = {start = true, step = true, epoch = true, stop = true}

M.fit = check.declare("train.fit", KNOWN, function(o)
  if o.stages and (o.epochs or o.steps) then
    return "with stages, each stage has its own epochs or steps: stages = {{epochs = 5, ...}, ...}"
  end
  if o.epochs and o.steps then return "epochs or steps, not both" end
  if not (o.epochs or o.steps or o.stages) then return "epochs (or steps) is missing" end
  if not o.val then
    for _, name in ipairs{"patience", "best", "stopping"} do
      if o[name] then return name .. " needs validation: val is missing" end
    end
  end
  if o.resume == true and not o.dir then return "resume = true wants the dir of the run" end
  for _, name in ipairs{"every", "report", "events"} do
    if o[name] and not o.dir then return name .. " writes into dir, which is missing" end
  end
  local weighs <const> = o.accumulate > 1 and type(o.weighting) == "table" and o.weighting.options
  if weighs and weighs.on == "representation" then
    return "accumulate: a weighting with on = \"representation\" needs the graphs of all batches "
      .. "at the same time, so it saves no memory: use on = \"parameters\", or a larger batch"
  end
  if o.turns and o.balanced then
    return "turns already gives each task balanced batches: leave balanced out"
  end
  for _, key in ipairs(check.sorted_keys(o.on or {})) do
    if not HOOKS[key] then
      return ("on has start, step, epoch and stop, not '%s'"):format(key)
    end
  end
end)

-- A schedule for a new run. An optim.plateau may hold values of another run, so a new one is made.
local function fresh(schedule)
  local own <const> = is_table(schedule) and schedule[1] or schedule
  return class.is_a(own, Plateau) and Plateau(own.options) or schedule
end

--- Reads the options given. The tasks are by default those of the network.
function M.read(given)
  for _, name in ipairs{"train", "val"} do
    local value <const> = type(given) == "table" and given[name]
    if type(value) == "table" and not SET.accepts(value) and value.train then
      check.fail("train.fit: %s: a reader returns several data sets: pass its train, val or "
        .. "test", name)
    end
  end
  local o <const> = check.options(M.fit, given)
  o.tasks = o.tasks or rawget(o.net, "tasks")
  if not class.is_a(o.tasks, Tasks) then
    check.fail("train.fit: tasks is missing; it must be what mtl.tasks gives")
  end
  o.schedule, o.staged = fresh(o.schedule), o.stages ~= nil
  o.stages = o.stages or {{epochs = o.epochs, steps = o.steps}}
  for i, stage in ipairs(o.stages) do
    o.stages[i] = check.options(M.stage, stage, nil, ("train.fit: stages[%d]"):format(i))
    o.stages[i].schedule = fresh(o.stages[i].schedule)
  end
  o.on, o.loader = o.on or {}, o.loader or {}
  return o
end

return M
