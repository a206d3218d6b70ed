--- SGD: gradient descent with momentum, Nesterov's form and weight decay, as in PyTorch.
-- @usage optim.SGD(net:parameters(), {lr = 0.1, momentum = 0.9})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const> = check.number

local SGD <const> = class("SGD", Optimizer)

Optimizer.declare(SGD, check.declare("SGD", {
  lr = number{1e-3, from = 0}, momentum = number{0, from = 0, to = 1},
  dampening = number{0, from = 0, to = 1}, weight_decay = number{0, from = 0},
  nesterov = check.flag(false),
}, function(o)
  if o.nesterov and o.momentum == 0 then return "nesterov = true needs a momentum above 0" end
  if o.nesterov and o.dampening ~= 0 then return "nesterov = true needs dampening = 0" end
end))

function SGD.new_state(_, p, group)
  return {step = 0, momentum = group.momentum ~= 0 and Optimizer.zeros_like(p) or nil}
end

-- Momentum may begin in the middle of training. It then starts from the present gradient.

SGD.rule, SGD.at_times = "sgd_step", {momentum = true}

function SGD.update(_, p, state, group, lr)
  local begins <const> = group.momentum ~= 0 and not state.momentum
  if begins then state.momentum = Optimizer.zeros_like(p) end
  state.step = state.step + 1
  return p, state.momentum or false, lr, group.momentum, group.dampening,
    group.weight_decay, group.nesterov and 1 or 0, (begins or state.step == 1) and 1 or 0
end

return SGD
