--- SGD: gradient descent with momentum, Nesterov's form and weight decay, as in PyTorch.
-- @usage optim.SGD(net:parameters(), {lr = 0.1, momentum = 0.9})

local class <const> = require "braid.class"
local Optimizer <const> = require "braid.optim.optimizer"

local SGD <const> = class("SGD", Optimizer)

local DEFAULTS <const> = {
  lr = 0.01, momentum = 0, dampening = 0, weight_decay = 0, nesterov = false,
}

function SGD:init(parameters, given)
  Optimizer.init(self, parameters, given, DEFAULTS)
end

function SGD.new_state(_, p, group)
  return {step = 0, momentum = group.momentum ~= 0 and Optimizer.zeros_like(p) or nil}
end

SGD.rule = "sgd_step"

function SGD.update(_, p, state, group, lr)
  state.step = state.step + 1
  return p, state.momentum or false, lr, group.momentum, group.dampening,
    group.weight_decay, group.nesterov and 1 or 0, state.step == 1 and 1 or 0
end

return SGD
