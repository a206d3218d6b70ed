--- Adadelta (Zeiler 2012), as in PyTorch.
-- @usage optim.Adadelta(net:parameters(), {rho = 0.9})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const> = check.number

local Adadelta <const> = class("Adadelta", Optimizer)

Optimizer.declare(Adadelta, check.declare("Adadelta", {
  lr = number{1, from = 0}, rho = number{0.9, from = 0, to = 1}, eps = number{1e-6, from = 0},
  weight_decay = number{0, from = 0},
}))

function Adadelta.new_state(_, p)
  return {square = Optimizer.zeros_like(p), moved = Optimizer.zeros_like(p)}
end

Adadelta.rule = "adadelta_step"

function Adadelta.update(_, p, state, group, lr)
  return p, state.square, state.moved, lr, group.rho, group.eps, group.weight_decay
end

return Adadelta
