--- A weighing applies a weighting to a network; tasks:weigh(net, weighting) makes it.
--
-- weighing:backward(outputs, batch) replaces tasks:loss and loss:backward(). It accumulates the
-- gradient and returns what tasks:loss returns. It can also take your own unweighted losses by
-- task: weighing:backward{pose = loss, ...}. Each loss is first multiplied by the weight of its
-- task, which may change at any time. After the call there are:
--   weighing.coefficients   {task = the factor of its weighted loss, or of its gradient}
--   weighing.gram           the products of the gradients, as T rows in the order of
--                           weighing.names; nil if the method does not use gradients
--   weighing:cosine()       these products as cosines, or nil
--
-- The graph shows which parameters tasks share. Methods that use gradients weigh them at the
-- parameters that two or more tasks depend on. In hard sharing these are the parameters of the
-- trunk. In columns with mixers (cross-stitch, task transfer connections, collaboration, NDDR,
-- sluice) they are all parameters up to and including the last mixer, because every task depends on
-- every column there. Columns after the last mixer, columns without mixers, and heads belong to a
-- single task. With on = "representation", gradients are weighed at the last values that tasks
-- share: the output of a trunk, or the maps that enter the last mixer. This takes one backward pass
-- through the trunk instead of T, but it is another method, and its printed name says so.
--
-- A task without a label in the batch has no row in that step. If no task has a label, nothing is
-- accumulated. A loss or gradient that is not finite raises an error that names the task. A step
-- that fails or is interrupted leaves the state of the method as it was, so the same step can be
-- taken again after opt:zero_grad().
-- @usage
-- local weighing <const> = tasks:weigh(net, mtl.weighting.cagrad{c = 0.4})
-- for batch in batches do
--   local _ <close> = braid.scope()
--   opt:zero_grad()
--   local loss = weighing:backward(net(batch.image), batch)
--   opt:step()
-- end

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local gathering <const> = require "braid.mtl.weigh.gathering"
local grad <const> = require "braid.grad"
local lazy <const> = require "braid.mtl.weigh.lazy"
local losses_by <const> = require "braid.mtl.weigh.losses"
local matrix <const> = require "braid.mtl.weigh.matrix"
local Module <const> = require "braid.nn.module"
local Shared <const> = require "braid.mtl.weigh.shared"
local state <const> = require "braid.mtl.weigh.state"

local Weighing <const> = class("weighing")

-- Iterates over the names and parameters of a network or a list.
local function parameters_of(net)
  if Module.is(net) then return function() return net:named_parameters() end end
  if type(net) ~= "table" or not core.is_tensor(net[1]) then
    check.fail("tasks: weigh: wants a network, or a list of parameters, and a weighting, not %s",
      check.shown(net))
  end
  return function()
    local i = 0
    return function()
      i = i + 1
      if net[i] then return tostring(i), net[i] end
    end
  end
end

function Weighing:init(tasks, net, weighting)
  self.parameters = parameters_of(net)
  self.tasks, self.net, self.method = tasks, net, base.of("tasks: weigh", weighting)
  self.state, self.known, self.spare, self.number = {}, {}, {}, 0
  self.coefficients, self.names, self.arenas = {}, {}, {}
end

-- ---- gradients ----------------------------------------------------------------------------

local check_finite <const> = losses_by.check_finite

local COEFFICIENT <const> = check.number{}

-- Turns a method's coefficients, which are a list or a table by task, into a list.
local function listed(self, s, given)
  if type(given) ~= "table" then
    check.fail("%s returned %s; it must return a coefficient for each of %s", tostring(self.method),
      check.shown(given), table.concat(s.names, ", "))
  end
  local list <const> = {}
  for i, name in ipairs(s.names) do
    list[i] = given[i] or given[name]
    if not COEFFICIENT.accepts(list[i]) then
      check.fail("%s: the coefficient of '%s' must be a finite number, not %s",
        tostring(self.method), name, check.shown(list[i]))
    end
  end
  return list
end

local function multiplied(a, b) return matrix.map(a, function(x, i) return x * b[i] end) end

-- Takes one backward pass from the sum of all losses, or uses the sum of the gathered gradients.
local function pass(self, s, losses, weights, scales)
  if self.gathered then return self.gathered:give(s.names, scales) end
  local factors <const> = multiplied(weights, scales)
  local gradients <const> = {}
  for i, loss in ipairs(losses) do gradients[i] = core.new({}, loss.dtype, factors[i]) end
  core.backward_rows(losses, gradients)
end

-- Takes T passes, one for each loss, and multiplies each gradient by its factor.
local function differentiate(self, s, losses, weights, scales)
  local shared = self.gathered
  if shared then
    shared:divide(s.names, scales, s.known, self.net)
  else
    shared = Shared(losses, self.method.options.on or "parameters", self.parameters, s.known,
      self.net)
    shared:differentiate(multiplied(weights, scales))
  end
  local gram <const> = shared:gram()
  for i, name in ipairs(s.names) do check_finite(name, "the gradient", gram[i][i]) end
  s.rows, s.layout, s.sampled = shared.rows, shared.layout, shared.sampled or {shared.rows}
  return shared, gram
end

local function weigh_rows(self, s, losses, weights)
  local method <const> = self.method
  local scales <const> = method.scale and listed(self, s, method:scale(s)) or s:list(1)
  local shared <const>, gram <const> = differentiate(self, s, losses, weights, scales)
  s.gram, s.scales = gram, scales
  local vector, given
  if method.combine then
    vector, given = method:combine(s)
  elseif method.weigh then
    given = method:weigh(s)
  end
  local coefficients <const> = given and listed(self, s, given) or s:list(1)
  shared:accumulate(vector or shared:sum(coefficients))
  return multiplied(coefficients, scales), gram
end

-- Runs a user's function. The gram is computed only if the function reads it; otherwise one pass is
-- enough.
local function weigh_lazily(self, s, losses, weights)
  local shared, gram
  s.gram = lazy(s.count, function()
    shared, gram = differentiate(self, s, losses, weights, s:list(1))
    return gram
  end)
  local coefficients <const> = listed(self, s, self.method:weigh(s))
  if shared then
    shared:accumulate(shared:sum(coefficients))
  else
    pass(self, s, losses, weights, coefficients)
  end
  return coefficients, gram
end

local function weigh_losses(self, s, losses, weights)
  local scales <const> = listed(self, s, self.method:scale(s))
  pass(self, s, losses, weights, scales)
  return scales
end

local BY <const> = {losses = weigh_losses, gram = weigh_rows, rows = weigh_rows,
  lazy = weigh_lazily}

-- Keeps the state that a step leaves. A later step may write into the memory of rows that are no
-- longer kept.
function Weighing:commit(s)
  for key, kept in pairs(self.state) do
    local now <const> = s.state[key]
    local rows <const> = type(kept) == "table" and rawget(kept, "rows")
    if rows and (type(now) ~= "table" or now.rows ~= rows) then self.spare[key] = rows end
  end
  self.number, self.state, self.known = s.number, s.state, s.known
end

core.never_interrupt(Weighing.commit)

-- Takes the step's gradient from its losses, or from the gathered gradients.
local function weigh(self, s, losses, weights)
  local coefficients, gram = {}, nil
  if s.count > 0 then
    local _ <close> = grad.no_grad()
    coefficients, gram = BY[self.method.by](self, s, losses, weights)
    if self.method.after then self.method:after(s) end
    self:commit(s)
  end
  self.names, self.gram, self.coefficients = s.names, gram, {}
  for i, name in ipairs(s.names) do self.coefficients[name] = coefficients[i] end
end

--- Accumulates the gradient. It takes outputs and batch as tasks:loss does, or only losses by task.
-- It returns the weighted sum of losses, without a graph, and the loss of each task by name.
-- Without arguments it weighs the gradients that weighing:gather has added up.
function Weighing:backward(outputs, batch)
  if outputs == nil then return gathering.finish(self, weigh) end
  gathering.check_none(self)
  local total <const>, per_task <const> = losses_by.of(self, outputs, batch)
  local s <const>, losses <const>, weights <const> = losses_by.step(self, per_task)
  weigh(self, s, losses, weights)
  return total, per_task
end

--- The number of samples, independent of each other, that a step takes.
function Weighing:samples() return self.method.samples and self.method:samples() or 1 end

--- Gives the losses of the same batch after the optimizer's step to a method that needs them
-- (famo{update = "same"}). It takes outputs and batch, or losses by task.
-- @usage weighing:update(net(batch.image), batch)
function Weighing:update(outputs, batch)
  if not self.method.update then
    check.fail("weighing: update: %s does not ask for losses after the step", tostring(self.method))
  end
  local _ <close> = grad.no_grad()
  local _, per_task <const> = losses_by.of(self, outputs, batch)
  local s <const> = losses_by.step(self, per_task, true)
  self.method:update(s)
  s.number = self.number
  self:commit(s)
end

--- Returns T rows of cosines between the tasks' gradients in the last step, and the tasks' names.
-- It returns nil if the method uses only losses. A gradient of 0 has cosine 0 with all gradients.
function Weighing:cosine()
  local gram <const> = self.gram
  if not gram then return nil end
  local length <const> = matrix.lengths(gram)
  return matrix.each(gram, function(i, j)
    local product <const> = length[i] * length[j]
    return product > 0 and 1 / product or 0
  end), self.names
end

Weighing.gather = gathering.gather
Weighing.state_dict, Weighing.load_state_dict = state.state_dict, state.load_state_dict

local ON <const> = {parameters = "on the gradients of the parameters that tasks share",
  representation = "on the gradients of the last values that tasks share"}

Weighing.__tostring = function(self)
  local method <const> = self.method
  local words <const> = {("weighing of %s"):format(table.concat(self.tasks.names, ", ")),
    ("  by %s, %s"):format(tostring(method), method.by == "losses" and "on losses"
      or ON[method.options.on or "parameters"])}
  if #self.names > 0 then
    words[3] = ("  step %d: %s"):format(self.number, base.shown_map(self.coefficients))
  end
  return table.concat(words, "\n")
end

return Weighing
