--- Adadelta (Zeiler 2012), as in PyTorch.
-- @usage optim.Adadelta(net:parameters(), {rho = 0.9})

local class <const> = require "braid.class"
local Optimizer <const> = require "braid.optim.optimizer"

local Adadelta <const> = class("Adadelta", Optimizer)

function Adadelta:init(parameters, given)
  Optimizer.init(self, parameters, given, {lr = 1, rho = 0.9, eps = 1e-6, weight_decay = 0})
end

function Adadelta.new_state(_, p)
  return {square = Optimizer.zeros_like(p), moved = Optimizer.zeros_like(p)}
end

Adadelta.rule = "adadelta_step"

function Adadelta.update(_, p, state, group, lr)
  return p, state.square, state.moved, lr, group.rho, group.eps, group.weight_decay
end

return Adadelta
