--- A schedule sets an optimizer's factor from the step or epoch. The learning rate of every group
-- is multiplied by the factor.
--
-- The function is f(step, epoch, metrics) -> factor. step is the number of calls of :step() so far,
-- epoch the number of complete epochs, and metrics the argument of :step(). optim.step, multistep,
-- exponential, cosine, poly, one_cycle, warmup and plateau make such functions. Your own function
-- works too.
-- @usage
-- local schedule = optim.schedule(opt, optim.cosine(30))
-- for epoch = 1, 30 do
--   schedule:step()      -- at the end of each epoch
-- end
-- @usage optim.schedule(opt, function(step) return 0.9 ^ step end)

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Schedule <const> = class("schedule")

local OPTIONS <const> = check.declare("optim.schedule", {epoch_steps = check.whole{1, from = 1}})
local STATE <const> = check.declare("optim.schedule: load_state_dict", {
  steps = check.needed(check.whole{from = 0}), factor = check.needed(check.number{from = 0}),
  memory = check.any(),
})
local FACTOR <const>, FUNCTION <const> = check.number{from = 0}, check.call()

local function apply(self, metrics)
  local factor <const> = self.f(self.steps, self.steps // self.epoch_steps, metrics)
  check.value("optim.schedule", "the factor that the function returns", factor, FACTOR)
  self.optimizer.factor = factor
  return factor
end

--- Makes a schedule. Option: epoch_steps (1), the number of calls of :step() in an epoch.
function Schedule:init(optimizer, f, given)
  if type(optimizer) ~= "table" or not optimizer.groups then
    check.fail("optim.schedule: the first argument must be an optimizer, not %s",
      check.shown(optimizer))
  end
  if not FUNCTION.accepts(f) then
    check.fail("optim.schedule: the second argument must be a function(step, epoch, metrics), "
      .. "not %s", check.shown(f))
  end
  local o <const> = check.options(OPTIONS, given)
  self.optimizer, self.f, self.steps = optimizer, f, 0
  self.epoch_steps = o.epoch_steps
  apply(self)
end

--- Counts a step. Sets the optimizer's new factor and returns it.
-- @treturn number
function Schedule:step(metrics)
  self.steps = self.steps + 1
  return apply(self, metrics)
end

--- Returns {steps, factor, memory}, where memory is the state of the function if it has one.
-- @treturn table
function Schedule:state_dict()
  local f <const> = self.f
  return {steps = self.steps, factor = self.optimizer.factor,
    memory = type(f) == "table" and f.state_dict and f:state_dict() or nil}
end

function Schedule:load_state_dict(dict)
  local o <const> = check.options(STATE, dict)
  if (o.memory ~= nil) ~= (type(self.f) == "table" and self.f.load_state_dict ~= nil) then
    check.fail("optim.schedule: load_state_dict: %s", o.memory
      and "the state has a memory, but the schedule's function keeps none"
      or "the state lacks the memory of the schedule's function")
  end
  if o.memory then self.f:load_state_dict(o.memory) end
  self.steps, self.optimizer.factor = o.steps, o.factor
end

return Schedule
