--- mtl.early_stopping: ends the training of auxiliary tasks one by one (Zhang, Luo, Loy and Tang
-- 2014, in the form of Abrahamsson, Gruneau and Zuber, equation 4).
--
-- An auxiliary task ends when its training loss no longer falls and its validation loss rises. Each
-- epoch t compares the k + 1 epochs from t - k to t: the task ends if
--   k med(Ltr) / (sum(Ltr) - k med(Ltr)) * (Lval(t) - min(Lval)) / (lambda min(Lval)) > epsilon.
-- Decisions: the first denominator can be 0 or negative, so its magnitude is taken; the first
-- comparison is at epoch k + 1, when there are k + 1 terms. A task that ended has weight 0: its
-- loss is not computed (tasks:loss). Parameters that only this task uses get no gradient, so the
-- optimizer leaves them and their moments as they are, without weight decay.
-- @usage
-- local stopping = mtl.early_stopping(tasks, {main = "landmarks", window = 5,
--   epsilon = function(lambda) return 15 * lambda end})
-- local ended = stopping:step({landmarks = 1, smile = 0.5}, {landmarks = 1.2, smile = 0.6})
-- for name in pairs(ended) do print(name, "ended") end
--
-- step(training, validation) takes two tables {task = loss}. It returns the tasks that end now, as
-- {task = criterion}, and sets their weight to 0. Options:
--   main      the task or tasks that never end
--   window    k
--   epsilon   a number, {task = number}, or a function(lambda, name)
--   keep      true leaves the weights as they are
-- mtl.early_stopping{...}, without tasks, is a value for train.fit's option `stopping`.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local Stopping <const> = class("early_stopping")

local OPTIONS <const> = check.declare("mtl.early_stopping", {
  main = check.either(check.text(), check.list{of = check.text()}),
  window = check.whole{5, from = 1},
  epsilon = check.either(check.number{1, from = 0}, check.call(),
    check.kind("a table of numbers by task", function(v) return type(v) == "table" end)),
  keep = check.flag(false),
})

local function check_name(tasks, what, name)
  if not tasks[name] then
    check.fail("mtl.early_stopping: %s: there is no task '%s'; %s", what, name,
      check.nearest(name, tasks.names))
  end
end

function Stopping:init(tasks, given)
  local unbound <const> = given == nil and type(tasks) == "table" and getmetatable(tasks) == nil
  local o <const> = check.options(OPTIONS, unbound and tasks or given)
  self.given = unbound and tasks or given
  if unbound then return end
  if type(tasks) ~= "table" or not tasks.names then
    check.fail("mtl.early_stopping: the first argument must be what mtl.tasks gives")
  end
  self.tasks, self.window, self.epsilon, self.keep = tasks, o.window, o.epsilon, o.keep
  self.main, self.lambda, self.stopped, self.epoch = {}, {}, {}, 0
  self.training, self.validation = {}, {}
  for _, name in ipairs(type(o.main) == "table" and o.main or {o.main}) do
    check_name(tasks, "main", name)
    self.main[name] = true
  end
  for _, name in ipairs(type(o.epsilon) == "table" and check.sorted_keys(o.epsilon) or {}) do
    check_name(tasks, "epsilon", name)
  end
  for name, task in tasks:each() do
    self.lambda[name], self.training[name], self.validation[name] = tasks:weight_of(name), {}, {}
  end
end

--- An early stopping that begins at the first epoch of these tasks: this object if it is unused,
-- otherwise a new one with the same options.
function Stopping:bound(tasks)
  if self.tasks == tasks and self.epoch == 0 then return self end
  if self.tasks and self.tasks ~= tasks then
    check.fail("mtl.early_stopping: this one belongs to other tasks; make one for these")
  end
  return Stopping(tasks, self.given)
end

local function median(values)
  local sorted <const> = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle <const> = #sorted // 2
  if #sorted % 2 == 1 then return sorted[middle + 1] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function last(values, k) return table.move(values, #values - k + 1, #values, 1, {}) end

--- The criterion for a task of weight lambda, from its losses over k + 1 epochs.
function Stopping.criterion(training, validation, lambda)
  local k <const>, now <const> = #training - 1, validation[#validation]
  local sum, least = 0, math.huge
  for i, loss in ipairs(training) do
    sum, least = sum + loss, math.min(least, validation[i])
  end
  local rise <const> = (now - least) / (lambda * least)
  if not (rise > 0) then return 0 end -- the loss is at its lowest, so the task continues
  local middle <const> = k * median(training)
  return middle / math.abs(sum - middle) * rise
end

local function threshold(self, name)
  local e <const> = self.epsilon
  if type(e) == "function" then return e(self.lambda[name], name) end
  if type(e) == "table" then
    return e[name] or check.fail("mtl.early_stopping: epsilon has no value for '%s'", name)
  end
  return e
end

local function number(value) return type(value) == "number" and value or value:item() end

function Stopping:step(training, validation)
  self.epoch = self.epoch + 1
  local ended <const> = {}
  for name, task in self.tasks:each() do
    if not self.stopped[name] then
      if not training[name] or not validation[name] then
        check.fail("mtl.early_stopping: task '%s' has no loss in %s: do the samples have its "
          .. "label?", name, training[name] and "validation" or "training")
      end
      table.insert(self.training[name], number(training[name]))
      table.insert(self.validation[name], number(validation[name]))
      if self.epoch > self.window and not self.main[name] then
        local value <const> = Stopping.criterion(last(self.training[name], self.window + 1),
          last(self.validation[name], self.window + 1), self.lambda[name])
        if value > threshold(self, name) then
          ended[name], self.stopped[name] = value, self.epoch
          if not self.keep then class.set(task, "weight", 0) end
        end
      end
    end
  end
  return ended
end

-- A copy of a table of numbers, or of lists of numbers, by task.
local function copied(by_task)
  local copy <const> = {}
  for name, value in pairs(by_task) do
    copy[name] = type(value) == "table" and table.move(value, 1, #value, 1, {}) or value
  end
  return copy
end

local STATE <const> = {"lambda", "stopped", "training", "validation"}

--- Everything that a later run needs to continue: the losses so far, and the epochs at which tasks
-- ended.
function Stopping:state_dict()
  local state <const> = {epoch = self.epoch}
  for _, key in ipairs(STATE) do state[key] = copied(self[key]) end
  return state
end

local EPOCH <const> = check.whole{from = 0}

-- Raises an error unless the list has a loss for each epoch up to the epoch at which the task
-- ended.
local function check_losses(state, key, name)
  local list <const> = state[key][name]
  local count <const> = state.stopped[name] or state.epoch
  local right = type(list) == "table" and #list == count
  for i = 1, right and count or 0 do right = right and type(list[i]) == "number" end
  if not right then
    check.fail("load_state_dict: %s of task '%s' must be a list of %s losses, not %s", key, name,
      check.shown(count), check.shown(list))
  end
end

--- Continues from a state of the same tasks. Tasks that have ended get weight 0.
function Stopping:load_state_dict(state)
  for _, key in ipairs(STATE) do
    if type(state) ~= "table" or type(state[key]) ~= "table" then
      check.fail("load_state_dict: this is not the state of an mtl.early_stopping: %s",
        check.shown(state))
    end
  end
  check.value("load_state_dict", "epoch", state.epoch, EPOCH)
  for name in self.tasks:each() do
    check_losses(state, "training", name)
    check_losses(state, "validation", name)
  end
  self.epoch = state.epoch
  for _, key in ipairs(STATE) do self[key] = copied(state[key]) end
  for name, task in self.tasks:each() do
    if self.stopped[name] and not self.keep then class.set(task, "weight", 0) end
  end
end

return Stopping
