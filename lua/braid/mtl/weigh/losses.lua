--- The losses that a weighing gets for a batch, by task, and the step that they make.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Step <const> = require "braid.mtl.weigh.step"

local M <const> = {}

--- Losses by task and their sum: the user's own losses, or the losses of outputs for a batch.
function M.of(self, outputs, batch)
  if batch ~= nil then
    local total <const>, per_task <const> = self.tasks:loss(outputs, batch)
    return total:detach(), per_task
  end
  local per_task <const> = {}
  if type(outputs) ~= "table" then
    check.fail("weighing: backward: wants outputs and a batch, or losses by task, not %s",
      check.shown(outputs))
  end
  for _, name in ipairs(check.sorted_keys(outputs)) do
    local loss <const> = outputs[name]
    if not self.tasks[name] then
      check.fail("weighing: backward: there is no task '%s'; %s", name,
        check.nearest(name, self.tasks.names))
    elseif not core.is_tensor(loss) or loss:numel() ~= 1 then
      check.fail("weighing: backward: the loss of '%s' must be a tensor of one value, not %s", name,
        check.shown(loss))
    end
    if self.tasks:weight_of(name) > 0 then per_task[name] = loss end
  end
  local total = 0.0
  for name, loss in pairs(per_task) do total = total + loss:item() * self.tasks:weight_of(name) end
  return core.new({}, "float32", total), per_task
end

--- Raises an error that names the task if its value is not finite.
function M.check_finite(name, what, value)
  if value == value and value < math.huge and value > -math.huge then return value end
  check.fail("weighing: backward: %s of task '%s' is %s; nothing was weighed (braid.detect_anomaly "
    .. "names the operator that made it)", what, name, check.shown(value))
end

-- A copy of the plain tables in a value, which may contain themselves. Objects and tensors stay.
local function copied(value, seen)
  if type(value) ~= "table" or getmetatable(value) then return value end
  if not seen[value] then
    local copy <const> = {}
    seen[value] = copy
    for key, v in pairs(value) do copy[key] = copied(v, seen) end
  end
  return seen[value]
end

--- A step of the tasks with these losses. The step changes copies of the weighing's state;
-- Weighing:commit keeps the copies after the gradient is computed.
function M.made(self, names, losses)
  local epoch <const>, counted <const> = self.tasks:get_epoch()
  return Step{names = names, count = #names, losses = losses,
    state = copied(self.state, {}), known = copied(self.known, {}), spare = self.spare,
    number = self.number + 1, epoch = counted and epoch or nil, tasks = self.tasks}
end

--- Makes the step from losses by task -> the step, its losses as tensors, and their weights, in the
-- order of the tasks. A loss without a gradient is left out, unless `looks` is true: such a step
-- only uses the losses' values.
function M.step(self, per_task, looks)
  local names <const>, losses <const>, weights <const>, values <const> = {}, {}, {}, {}
  for _, name in ipairs(self.tasks.names) do
    local loss <const> = per_task[name]
    if loss then
      local weight <const> = self.tasks:weight_of(name)
      local value <const> = M.check_finite(name, "the loss", loss:item() * weight)
      if loss.requires_grad or looks then
        local i <const> = #names + 1
        names[i], losses[i], weights[i], values[i] = name, loss, weight, value
      end
    end
  end
  if #names == 0 and next(per_task) and not looks then
    check.fail("weighing: backward: no loss depends on a parameter that trains; are all frozen, or "
      .. "was the forward pass run under braid.no_grad?")
  end
  return M.made(self, names, values), losses, weights
end

return M
