--- mtl.tasks: the tasks of a network by name. A task says what an output of the network means.
-- @usage
-- local tasks <const> = mtl.tasks{
--   landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
--   pose = mtl.classes{5, weight = 0.1, flip = {5, 4, 3, 2, 1}},
-- }

local asked <const> = require "braid.data.asked"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"
local Weighing <const> = require "braid.mtl.weigh.weighing"
local units <const> = require "braid.mtl.tasks.units"
local weight <const> = require "braid.mtl.tasks.weight"

local report <const> = require "braid.mtl.measure.parts.report"

local Tasks <const> = class.guarded(class "Tasks")

function Tasks:init(given)
  if type(given) ~= "table" then
    check.fail("mtl.tasks: wants {name = task, ...}, not a %s", type(given))
  end
  for name, task in pairs(given) do
    if type(name) ~= "string" then
      check.fail("mtl.tasks: a task wants a name, as in smile = mtl.classes{2}, not %s",
        tostring(name))
    end
    if type(task) ~= "table" or not task.loss then
      check.fail("mtl.tasks: '%s' is a %s, not a task such as mtl.classes{2}", name, type(task))
    end
    if Tasks[name] ~= nil or name == "names" or report.RESERVED[name] then
      check.fail("mtl.tasks: '%s' cannot be the name of a task: it is a method or field of tasks "
        .. "or of their reports", name)
    end
    if name == "" or name:find(".", 1, true) then
      check.fail("mtl.tasks: '%s' cannot be the name of a task: dots separate the parts of "
        .. "weights' names", name)
    end
    self[name] = task
  end
  self.names = check.sorted_keys(given)
  if #self.names == 0 then
    check.fail("mtl.tasks: wants one task or more, as in mtl.tasks{smile = mtl.classes{2}}")
  end
end

--- Iterates over the names and the tasks, in the order of the names.
-- @treturn fun(): string, any
function Tasks:each()
  local names <const>, i = self.names, 0
  return function()
    i = i + 1
    local name <const> = names[i]
    return name, name and self[name]
  end
end

Tasks.__tostring = function(self)
  local words <const> = {}
  for name, task in self:each() do words[#words + 1] = ("%s = %s"):format(name, task) end
  return "mtl.tasks: " .. table.concat(words, ", ")
end

-- The names of the tensors in a table.
local function listed(t)
  local names <const> = {}
  for _, name in ipairs(check.sorted_keys(t)) do
    if core.is_tensor(t[name]) then names[#names + 1] = name end
  end
  return #names > 0 and table.concat(names, ", ") or "none"
end

local TABLE <const> = check.kind("a table by task", function(v) return type(v) == "table" end)
local EPOCH <const> = check.whole{from = 0}

-- The current epoch, by tasks, for weights that are functions of the epoch.
local epochs <const> = setmetatable({}, {__mode = "k"})

--- Sets the epoch (from 1) for weights that are functions of the epoch and for weightings.
function Tasks:set_epoch(epoch)
  epochs[self] = check.value("tasks: set_epoch", "the epoch", epoch, EPOCH)
end

--- The epoch that set_epoch set last (1 before any call), and whether set_epoch was called.
-- @treturn integer
-- @treturn boolean
function Tasks:get_epoch() return epochs[self] or 1, epochs[self] ~= nil end

--- A task's weight in the current epoch, as a number.
-- @treturn number
function Tasks:weight_of(name)
  if type(name) ~= "string" or not self[name] or Tasks[name] then
    check.fail("tasks: weight_of: wants the name of a task, not %s; there is %s",
      check.shown(name), table.concat(self.names, ", "))
  end
  local epoch <const>, known <const> = self:get_epoch()
  if not known and type(self[name].weight) == "function" then
    check.fail("tasks: the weight of %s is a function of the epoch, but no epoch is set: call "
      .. "tasks:set_epoch(epoch) where an epoch begins", name)
  end
  return weight.of(name, self[name].weight, epoch)
end

--- Applies a weighting (mtl.weighting) to a network. mtl/weigh/weighing.lua describes the result.
-- @treturn mtl.weighing
-- @usage local weighing = tasks:weigh(net, mtl.weighting.upgrad{})
function Tasks:weigh(net, weighting) return Weighing(self, net, weighting) end

local CALLED <const> = check.call()

local function check_tables(outputs, batch)
  check.value("tasks", "the network's output", outputs, TABLE)
  check.value("tasks", "the batch", batch, TABLE)
end

local function output_of(name, outputs)
  if not core.is_tensor(outputs[name]) then
    check.fail("tasks: the network has no output '%s'; it has %s. Build it for these tasks, or add "
      .. "the task with net:add_task", name, listed(outputs))
  end
  return outputs[name]
end

local function target_of(name, task, batch)
  local target = batch[name]
  if task.target then target = task:target(batch, name) end
  if not core.is_tensor(target) then
    check.fail("tasks: the data has no label '%s', which its loss wants; it has %s. Name the task "
      .. "as its label, or leave it out of mtl.tasks", name, listed(batch))
  end
  return target
end

local function pair(name, task, outputs, batch)
  local output <const> = output_of(name, outputs)
  return output, target_of(name, task, batch)
end

local function has_label(task, target)
  return not task.labelled or task:labelled(target) > 0
end

-- The loss of a task. In a batch of mixed samples it is share * (loss for their own labels) +
-- (1 - share) * (loss for the labels of the samples that are mixed in).
local function loss_of(name, task, outputs, batch, target)
  local output <const>, mixed <const> = output_of(name, outputs), batch.mixed
  if not mixed then return task:loss(output, target) end
  local other <const>, share <const> = target_of(name, task, mixed.other), mixed.share
  if not has_label(task, other) then return task:loss(output, target) * share end
  local rest <const> = task:loss(output, other) * (1 - share)
  return has_label(task, target) and task:loss(output, target) * share + rest or rest
end

--- The unweighted loss of each task by name, even of tasks with weight 0.
-- @treturn table<string, Tensor>
function Tasks:losses(outputs, batch)
  check_tables(outputs, batch)
  local list <const> = {}
  for name, task in self:each() do
    list[name] = loss_of(name, task, outputs, batch, target_of(name, task, batch))
  end
  return list
end

-- Whether a task takes part in a step on the batch, and its target. It takes part if its weight is
-- not 0 and the batch has a label of it. A user's own task may have no method that counts labels.
local function takes_part(name, task, batch, own)
  if own == 0 then return false end
  local target <const> = target_of(name, task, batch)
  local takes <const> = has_label(task, target)
    or batch.mixed and has_label(task, target_of(name, task, batch.mixed.other)) or false
  return takes, target
end

--- The names of the tasks that take part in a step on the batch; tasks:loss sums their losses. A
-- task takes part if its weight is above 0 and the batch has a label of it. If tasks take turns,
-- only the task whose turn it is takes part.
-- @treturn string[]
-- @usage local out = net(batch.image, {tasks = tasks:present(batch)})
function Tasks:present(batch)
  check.value("tasks", "the batch", batch, TABLE)
  local names <const> = {}
  for name, task in self:each() do
    if takes_part(name, task, batch, self:weight_of(name)) then names[#names + 1] = name end
  end
  return names
end

--- The weighted sum of the tasks' losses, and the unweighted loss of each task by name. A task of
-- weight 0, or without a label in the batch, takes no part: its loss is not computed and has no
-- entry, so parameters that only this task uses get no gradient. If no task takes part, the sum is
-- 0 and has no gradient.
-- @treturn Tensor
-- @treturn table<string, Tensor>
function Tasks:loss(outputs, batch)
  check_tables(outputs, batch)
  local total, weighs
  local per_task <const> = {}
  for name, task in self:each() do
    local own <const> = self:weight_of(name)
    weighs = weighs or own ~= 0
    local takes <const>, target <const> = takes_part(name, task, batch, own)
    if takes then
      local loss <const> = loss_of(name, task, outputs, batch, target)
      per_task[name] = loss
      local part <const> = own == 1 and loss or loss * own
      total = total and total + part or part
    end
  end
  if not weighs then
    check.fail("tasks: the weight of every task is 0; there is nothing to train")
  end
  return total or core.requires_grad(core.new({}, "float32", 0)), per_task
end

--- Measures a network over batches: report.landmarks.error, report.pose.accuracy and so on.
-- report.loss has the mean loss of each task over the samples that have its label. An undefined
-- metric, such as a metric of a task without any label, is nil; report.pose.undefined has the
-- reasons by metric. report.pose.counted = {samples =, missing =} counts samples. The report prints
-- as a line; report:table() is a text of all metrics that also says which direction is better.
-- A network runs in evaluation mode, and afterwards each part returns to the mode that it had. In
-- place of a network, a function of the input can be given. The input is batch.image, batch.input,
-- or the inputs that batch.inputs names; several inputs are one table by name. Numbers that the
-- data set has standardised (batch.units) are measured in the units of their column, while losses
-- are computed as in training.
-- @treturn mtl.report
function Tasks:evaluate(net, batches)
  check.value("tasks: evaluate", "net", net, CALLED)
  check.value("tasks: evaluate", "batches", batches, CALLED)
  local sums <const>, losses <const>, counts <const>, shares <const>, samples = {}, {}, {}, {}, 0
  local labelled <const>, divisor <const> = {}, {}
  -- done once, because finding that a task has no such method takes time
  for name, task in self:each() do
    labelled[name], divisor[name] = task.labelled or false, task.divisor or false
  end
  local _ <close> = Module.is(net) and Module.evaluating(net) or nil
  local _ <close> = grad.no_grad()
  for batch in batches do
    local _ <close> = grad.scope()
    if batch.mixed then
      check.fail("tasks: evaluate: the batches have mixed samples, which have two labels each: "
        .. "measure on a loader without data.mixup and data.cutmix")
    end
    local outputs <const> = net(asked(batch))
    check_tables(outputs, batch)
    local n
    for name, task in self:each() do
      sums[name] = sums[name] or {}
      local output <const>, target <const> = pair(name, task, outputs, batch)
      task:observe(sums[name], units.apart(name, task, output, target, batch))
      local loss <const> = task:loss(output, target):item()
      local count <const> = labelled[name] and task:labelled(target) or batch.count
        or output:size(1)
      local share <const> = divisor[name] and task:divisor(target) or count
      counts[name] = (counts[name] or 0) + count
      shares[name] = (shares[name] or 0) + share
      losses[name] = (losses[name] or 0) + loss * share
      n = output:size(1)
    end
    samples = samples + n
  end
  if next(counts) == nil then
    check.fail("tasks: evaluate: there is no batch: is the data set empty, or its iterator used "
      .. "up?")
  end
  local parts <const> = {}
  for name, task in self:each() do
    parts[name] = task:metrics(sums[name])
    if type(parts[name]) == "table" then
      parts[name].counted = {samples = samples, missing = samples - counts[name]}
    end
  end
  return report.new(self, parts, losses, shares)
end

--- The metrics of each task, {TASK = {{name =, direction =, unit =, counts =}, ...}}. The first
-- metric judges the task. A direction is "max", "min" or nil.
function Tasks:metrics()
  local list <const> = {}
  for name, task in self:each() do list[name] = report.metrics_of(task) end
  return list
end

--- The metric that "landmarks.failure" names: {task =, name =, direction =, unit =, counts =}.
-- "landmarks" is the metric that judges this task, "loss.landmarks" its loss. An unknown name
-- raises an error that lists similar names.
function Tasks:metric(path) return report.metric(self, path, "tasks: metric") end

--- Whether more ("max") or less ("min") of a metric such as "landmarks.failure" is better. A metric
-- without a direction raises an error.
function Tasks:direction(path) return report.direction(self, path) end

return Tasks
