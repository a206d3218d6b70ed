--- Adagrad (Duchi, Hazan and Singer 2011), as in PyTorch.
-- @usage optim.Adagrad(net:parameters(), {lr = 0.01, lr_decay = 1e-3})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const> = check.number

local Adagrad <const> = class("Adagrad", Optimizer)

Optimizer.declare(Adagrad, check.declare("Adagrad", {
  lr = number{0.01, from = 0}, lr_decay = number{0, from = 0}, weight_decay = number{0, from = 0},
  initial_accumulator_value = number{0, from = 0}, eps = number{1e-10, from = 0},
}))

function Adagrad.new_state(_, p, group)
  return {step = 0, sum = Optimizer.zeros_like(p, group.initial_accumulator_value)}
end

Adagrad.rule = "adagrad_step"

function Adagrad.update(_, p, state, group, lr)
  state.step = state.step + 1
  return p, state.sum, lr / (1 + (state.step - 1) * group.lr_decay), group.eps,
    group.weight_decay
end

return Adagrad
