--- Task-wise early stopping (Zhang, Luo, Loy and Tang 2014, in the form of Abrahamsson, Gruneau
-- and Zuber, equation 4): an auxiliary task ends when its training loss no longer falls and its
-- validation loss rises. Over the last k epochs, once an epoch,
--   k med(Ltr) / (sum(Ltr) - k med(Ltr)) * (Lval(t) - min(Lval)) / (lambda min(Lval)) > epsilon.
-- Decisions: the first denominator can be 0 or negative, so its magnitude is taken; nothing
-- ends within the first k epochs.
-- @usage
-- local stopping = mtl.early_stopping(tasks, {main = "landmarks", window = 5,
--   epsilon = function(lambda) return 15 * lambda end})
-- ... for name in pairs(stopping:step(train_losses, report.loss)) do print(name, "ended") end
--
-- step(training, validation), both {task = loss}, returns the tasks that end now, as {task =
-- criterion}, and sets their weight to 0. Options: main, the task or tasks that never end;
-- window, k; epsilon, a number, {task = number}, or a function(lambda, name); keep = true
-- leaves the weights as they are.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local Stopping <const> = class("early_stopping")

local OPTIONS <const> = check.declare("mtl.early_stopping", {
  main = check.either(check.text(), check.list{of = check.text()}),
  window = check.whole{5, from = 2},
  epsilon = check.either(check.number{1, from = 0}, check.call(),
    check.kind("a table of numbers by task", function(v) return type(v) == "table" end)),
  keep = check.flag(false),
})

function Stopping:init(tasks, given)
  local o <const> = check.options(OPTIONS, given)
  if type(tasks) ~= "table" or not tasks.names then
    check.fail("mtl.early_stopping: the first argument must be what mtl.tasks gives")
  end
  self.tasks, self.window, self.epsilon, self.keep = tasks, o.window, o.epsilon, o.keep
  self.main, self.lambda, self.stopped, self.epoch = {}, {}, {}, 0
  self.training, self.validation = {}, {}
  for _, name in ipairs(type(o.main) == "table" and o.main or {o.main}) do
    if not tasks[name] then check.fail("mtl.early_stopping: there is no task '%s'", name) end
    self.main[name] = true
  end
  for name, task in tasks:each() do
    self.lambda[name], self.training[name], self.validation[name] = task.weight, {}, {}
  end
end

local function median(values)
  local sorted <const> = table.move(values, 1, #values, 1, {})
  table.sort(sorted)
  local middle <const> = #sorted // 2
  if #sorted % 2 == 1 then return sorted[middle + 1] end
  return (sorted[middle] + sorted[middle + 1]) / 2
end

local function last(values, k) return table.move(values, #values - k + 1, #values, 1, {}) end

--- The criterion of losses over the last epochs, {Ltr}, {Lval}, for a task of weight lambda.
function Stopping.criterion(training, validation, lambda)
  local k <const> = #training
  local sum, least = 0, math.huge
  for i = 1, k do
    sum, least = sum + training[i], math.min(least, validation[i])
  end
  local rise <const> = (validation[k] - least) / (lambda * least)
  if not (rise > 0) then return 0 end -- it is at its lowest: whatever the trend, it goes on
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
        check.fail("mtl.early_stopping: there is no loss of task '%s'", name)
      end
      table.insert(self.training[name], number(training[name]))
      table.insert(self.validation[name], number(validation[name]))
      if self.epoch > self.window and not self.main[name] then
        local value <const> = Stopping.criterion(last(self.training[name], self.window),
          last(self.validation[name], self.window), self.lambda[name])
        if value > threshold(self, name) then
          ended[name], self.stopped[name] = value, self.epoch
          if not self.keep then class.set(task, "weight", 0) end
        end
      end
    end
  end
  return ended
end

return Stopping
