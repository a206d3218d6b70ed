--- One training of a comparison or a search, by train.fit. It takes the epoch that is best on
-- validation and measures the network on the test data or, if there is none, on validation data.

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local fit <const> = require "braid.train.fit"
local files <const> = require "braid.io.safetensors"
local open <const> = require "braid.model.open"
local options <const> = require "braid.train.fitting.options"
local Source <const> = require "braid.train.fitting.source"
local test <const> = require "braid.train.test"

local M <const> = {}

-- Options that a comparison sets itself.
local OWN <const> = {net = true, dir = true, seed = true, resume = true, progress = true}

--- The options of train.fit that a comparison passes on: their kinds by name.
function M.kinds()
  local kinds <const> = {}
  for key, kind in pairs(options.fit.kinds) do
    if not OWN[key] then kinds[key] = check.optional(kind) end
  end
  return kinds
end

--- The first fault among the options o as words, or nil.
function M.wrong(o)
  local own <const> = {net = true}
  for key, kind in pairs(options.fit.kinds) do
    if not OWN[key] then own[key] = o[key] end
    if own[key] == nil then own[key] = kind.default end
  end
  if own.train == nil then
    return "train is missing; it must be " .. options.fit.kinds.train.says
  end
  if o.best and o.best ~= "loss" and o.tasks and o.tasks.metric then
    local ok <const>, why <const> = check.caught(o.tasks.metric, o.tasks, o.best)
    if not ok then return "best: " .. (why:match("there is no.*") or why) end
  end
  return options.fit.relation(own)
end

--- A message about a wrong name among an entry's own options, or nil.
function M.wrong_names(entry)
  for _, key in ipairs(type(entry) == "table" and check.sorted_keys(entry) or {}) do
    local known <const> = key == "parts" or key == "1" or options.fit.kinds[key] and not OWN[key]
    if not known then
      return ("there is no option '%s'; %s"):format(key,
        check.nearest(key, check.sorted_keys(options.fit.kinds)))
    end
  end
end

--- The options of a training: the common ones, overridden by those of one entry.
function M.options(o, own)
  local all <const> = {}
  for key in pairs(options.fit.kinds) do
    if not OWN[key] then all[key] = o[key] end
  end
  local length <const> = own.stages or own.epochs or own.steps
  if length then all.stages, all.epochs, all.steps = nil, nil, nil end
  for key, value in pairs(own) do all[key] = value end
  return all
end

-- ---- cost -----------------------------------------------------------------------------------

local function source_of(o, tasks, seed)
  return Source("train", o.train, {loader = o.loader or {}, batch = o.batch, tasks = tasks,
    balanced = o.balanced, turns = o.turns, seed = seed})
end

--- A network's parameters, and its multiplications for one sample (nil if its summary has none).
function M.cost(net, o, tasks)
  local batch <const> = source_of(o, tasks):sample()
  local x <const> = asked(batch)
  if type(x) == "table" then return net:count_parameters(), nil end -- a summary takes one shape
  local shape <const> = table.move(x.shape, 2, x:dim(), 1, {})
  local ok <const>, summary <const> = pcall(net.summary, net, shape)
  return net:count_parameters(), ok and summary.macs or nil
end

--- The number of steps in an epoch of training.
function M.steps_of_epoch(o, tasks) return source_of(o, tasks):count() end

--- A copy of the options with lengths in steps: `ratio` times the given steps, or times the steps
-- of the given epochs.
function M.scaled(all, ratio, per_epoch)
  local copy <const> = {}
  for key, value in pairs(all) do copy[key] = value end
  local function scale(t)
    t.steps = math.max(1, math.floor(ratio * (t.steps or t.epochs * per_epoch) + 0.5))
    t.epochs = nil
  end
  if not copy.stages then
    scale(copy)
    return copy
  end
  for i, stage in ipairs(copy.stages) do
    local own <const> = {}
    for key, value in pairs(stage) do own[key] = value end
    scale(own)
    copy.stages[i] = own
  end
  return copy
end

-- ---- training ---------------------------------------------------------------------------------

-- The numbers of a report, and the name of the metric that each task is judged by.
local function numbers(report, tasks)
  local metrics <const> = {}
  for _, name in ipairs(tasks.names) do
    local values <const> = {}
    for key, v in pairs(report[name] or {}) do
      if type(key) == "string" and (type(v) == "number" or key == "metric") then values[key] = v end
    end
    values.loss = values.loss or type(report.loss) == "table" and report.loss[name] or nil
    metrics[name] = values
  end
  return metrics
end

-- Loads the weights of the best epoch into the network.
local function take_best(net, dir)
  local path <const> = dir .. "/best.safetensors"
  local header <const> = files.header(path)
  if not header then return net end
  if header.metadata and header.metadata["braid.format"] then return (open(path)) end
  net:load_state_dict((files.read(path)))
  return net
end

-- The validation results of the best epoch if best_counts is true, else of the last epoch.
local function validated(history, best_counts)
  local best <const> = best_counts and history:best()
  local chosen
  for _, event in ipairs(history.epochs) do
    if not best or event.epoch == best.epoch then chosen = event end
  end
  return chosen and chosen.val
end

local function seconds_of(history)
  local sum = 0.0
  for _, event in ipairs(history.epochs) do sum = sum + (event.seconds or 0) end
  return sum
end

--- Trains net with the options `all` (M.options) in a directory.
-- given: dir, seed, test, take, after(net), progress
-- @return {metrics =, parameters =, macs =, epochs =, steps =, seconds =, best =}
function M.run(net, all, given)
  local own <const> = {}
  for key, value in pairs(all) do own[key] = value end
  own.net, own.dir, own.seed, own.progress = net, given.dir, given.seed, given.progress
  local tasks <const> = rawget(net, "tasks") or own.tasks
  own.tasks = tasks
  -- `best` may name a task that this network does not have.
  if own.best and tasks and not own.best:find("^loss$") then
    local known <const>, task <const> = {}, own.best:gsub("^loss%.", ""):match("^[^.]+")
    for _, name in ipairs(tasks.names) do known[name] = true end
    if not known[task] then own.best = nil end
  end
  local history <const> = fit(own)
  if history.interrupted then error("interrupted!", 0) end
  local report
  local best_counts <const> = own.val and given.take ~= "last"
  if given.test and best_counts then
    report = test(given.dir, given.test, {net = net, tasks = tasks})
  elseif given.test then
    report = tasks:evaluate(net, Source("test", given.test, {loader = own.loader or {},
      tasks = tasks}, Source.card_of(net)):batches(1))
  else
    report = validated(history, best_counts)
  end
  local more <const> = given.after and given.after(best_counts and take_best(net, given.dir) or net)
  local parameters <const>, macs <const> = M.cost(net, own, tasks)
  local stop <const>, best <const> = history:last("stop"), history:best()
  local metrics <const> = numbers(report, tasks)
  for name, own_numbers in pairs(more or {}) do metrics[name] = own_numbers end
  return {metrics = metrics, parameters = parameters, macs = macs,
    epochs = #history.epochs, steps = stop and stop.step, seconds = seconds_of(history),
    best = best and {epoch = best.epoch, metric = best.metric, value = best.value}}
end

return M
