--- A schedule: sets an optimizer's factor, by which every group's rate is multiplied, from a
-- function of how far training has come.
--
-- The function is f(step, epoch, metrics) -> factor. step counts the calls of :step(), 0
-- before the first; epoch the whole epochs in them, and metrics is what :step() was given.
-- The functions made by optim.step, multistep, exponential, cosine, poly, one_cycle, warmup
-- and plateau are such; so is any other.
-- @usage
-- local schedule = optim.schedule(opt, optim.cosine(epochs))
-- for epoch = 1, epochs do
--   train_an_epoch()
--   schedule:step(validation_loss)
-- end
-- @usage optim.schedule(opt, function(step) return 0.9 ^ step end)

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Schedule <const> = class("schedule")

local function is_callable(f)
  local meta <const> = type(f) ~= "function" and getmetatable(f)
  return type(f) == "function" or type(meta) == "table" and meta.__call ~= nil
end

local function apply(self, metrics)
  local factor <const> = self.f(self.steps, self.steps // self.epoch_steps, metrics)
  if type(factor) ~= "number" then
    error("schedule: the function must return a number, not " .. type(factor), 3)
  end
  self.optimizer.factor = factor
  return factor
end

--- {epoch_steps = calls of :step() in an epoch, 1 unless given}
function Schedule:init(optimizer, f, given)
  if type(optimizer) ~= "table" or not optimizer.groups then
    error("schedule: the first argument must be an optimizer", 3)
  end
  if not is_callable(f) then
    error("schedule: the second argument must be a function(step, epoch, metrics)", 3)
  end
  local o <const> = check.options("schedule", given, {epoch_steps = 1})
  self.optimizer, self.f, self.steps = optimizer, f, 0
  self.epoch_steps = check.size("schedule", "epoch_steps", o.epoch_steps)
  apply(self)
end

--- One step further; returns the factor, which the optimizer has from now on.
function Schedule:step(metrics)
  self.steps = self.steps + 1
  return apply(self, metrics)
end

--- {steps, factor, and what the function remembers, if it does}
function Schedule:state_dict()
  local f <const> = self.f
  return {steps = self.steps, factor = self.optimizer.factor,
    memory = type(f) == "table" and f.state_dict and f:state_dict() or nil}
end

function Schedule:load_state_dict(dict)
  self.steps, self.optimizer.factor = dict.steps, dict.factor
  if dict.memory then self.f:load_state_dict(dict.memory) end
end

return Schedule
