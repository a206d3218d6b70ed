--- The stages of a run: what each trains and with which options. Also sets the tasks' weights.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local parts <const> = require "braid.train.fitting.parts"
local Stopping <const> = require "braid.mtl.early_stopping"
local walk <const> = require "braid.nn.walk"
local Weighting <const> = require("braid.mtl.weigh.base").Weighting

local M <const> = {}

-- ---- what trains --------------------------------------------------------------------------

local function listed(names) return type(names) == "table" and names or {names} end

-- A part of a network without columns, by the name of its field.
local function part_of(net, name)
  local part = net
  for key in name:gmatch("[^.]+") do
    part = type(part) == "table" and (rawget(part, key) or rawget(part, math.tointeger(key)))
  end
  if not walk.is_module(part) then
    check.fail("train.fit: stages: the network has no part '%s'", name)
  end
  return part
end

-- Sets what trains in a stage. A separation network has its own stages: first the shared stream,
-- then the columns.
local function choose(net, stage)
  local train, columns <const> = stage.train, net.train_only ~= nil
  if train and columns and net.stage_number and (train == "shared" or train == "columns") then
    net:stage(train == "shared" and 1 or 2)
    train = nil
  end
  if train == "all" then
    net:unfreeze()
  elseif train and columns then
    net:train_only(listed(train))
  elseif train then
    net:freeze()
    for _, name in ipairs(listed(train)) do part_of(net, name):unfreeze() end
  end
  if stage.freeze and columns then
    net:freeze(listed(stage.freeze))
  elseif stage.freeze then
    for _, name in ipairs(listed(stage.freeze)) do part_of(net, name):freeze() end
  end
end

-- A stage's options; the run's options are the defaults.
local function options_of(fit, stage)
  return setmetatable({}, {__index = function(_, key)
    local own <const> = stage[key]
    if own ~= nil then return own end
    return fit.o[key]
  end})
end

--- The number of steps in an epoch.
function M.per_epoch(fit)
  local k <const> = fit:batches_of_step()
  return (fit.train:count() + k - 1) // k
end

local function steps_of(fit, stage) return stage.steps or stage.epochs * M.per_epoch(fit) end

--- The number of steps in all stages.
function M.steps(fit)
  local sum = 0
  for _, stage in ipairs(fit.o.stages) do sum = sum + steps_of(fit, stage) end
  return sum
end

-- Whether columns must be in a list. Turns and rates of single tasks need a list. A weighting needs
-- a list if it takes gradients at the last values that tasks share; stacked columns have no such
-- values.
local function wants_list(o)
  local weighting <const> = class.is_a(o.weighting, Weighting) and o.weighting.options
  return o.turns or next(o.rates or {}) or weighting and weighting.on == "representation"
end

-- Puts the columns in a list if needed, unless the user made an optimizer, which has the parameters
-- of the stacked columns.
local function part_columns(net, o)
  local given <const> = o.optimizer
  local made <const> = type(given) == "table" and not class.is_class(given) and given.groups
  if wants_list(o) and not made and net.unstack then net:unstack() end
end

-- Raises an error if no parameter trains in a stage.
local function check_trains(fit, stage, i)
  for _, p in ipairs(fit.net:parameters()) do
    if p.requires_grad then return end
  end
  if not (stage.train or stage.freeze) then return end -- the optimizer raises an error then
  check.fail("train.fit: stages[%d]: nothing trains: no parameter of the network belongs to train "
    .. "= %s%s", i, check.shown(stage.train or "all"),
    stage.freeze and " and not to freeze = " .. check.shown(stage.freeze) or "")
end

--- Begins a stage: sets what trains, and makes a new optimizer, schedule and average.
function M.begin(fit, i)
  local stage <const> = fit.o.stages[i]
  local o <const> = options_of(fit, stage)
  if stage.prepare then
    if fit.o.report then fit.earlier[#fit.earlier + 1] = fit.net:clone() end
    stage.prepare(fit.net)
  end
  choose(fit.net, stage)
  check_trains(fit, stage, i)
  part_columns(fit.net, o)
  fit.weighing = fit.o.weighting and fit.tasks:weigh(fit.net, fit.o.weighting) or nil
  fit.opt = parts.optimizer(fit.net, o, fit.o.rates or {})
  fit.schedule, fit.by = parts.schedule(fit.opt, o, steps_of(fit, stage), M.per_epoch(fit),
    fit.metric)
  fit.ema, fit.averages = parts.ema(fit.net, o)
  fit.clip, fit.parameters = o.clip, o.clip and fit.net:parameters()
  fit.stage_weights = stage.weights or fit.o.weights or {}
  for _, name in ipairs(check.sorted_keys(fit.stage_weights)) do
    if not fit.tasks[name] then
      check.fail("train.fit: weights: there is no task '%s'; %s", name,
        check.nearest(name, fit.tasks.names))
    end
  end
end

-- ---- weights ------------------------------------------------------------------------------

local WEIGHT <const> = check.number{from = 0}

--- Sets the tasks' weights for an epoch from the options. Stopped tasks are left out.
function M.set_weights(fit, epoch)
  fit.tasks:set_epoch(epoch)
  for name, weight in pairs(fit.stage_weights) do
    if not (fit.stopping and fit.stopping.stopped[name]) then
      local value = weight
      if type(weight) == "function" then value = weight(epoch) end
      check.value("train.fit: weights", "the weight of " .. name, value, WEIGHT)
      class.set(fit.tasks[name], "weight", value)
    end
  end
end

--- The factor of each task's loss in the last step.
function M.weights(fit)
  if fit.weighing then return fit.weighing.coefficients end
  local list <const> = {}
  for name in fit.tasks:each() do list[name] = fit.tasks:weight_of(name) end
  return list
end

--- The early stopping of tasks that the options describe.
function M.stopping(fit)
  local given <const> = fit.o.stopping
  if class.is_a(given, Stopping) then return given:bound(fit.tasks) end
  return Stopping(fit.tasks, given)
end

return M
