--- Adamax (Kingma and Ba 2015, algorithm 2), as in PyTorch: Adam whose steps are divided by a
-- decaying maximum of the gradients.
-- @usage optim.Adamax(net:parameters(), {lr = 2e-3})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const>, list <const> = check.number, check.list

local Adamax <const> = class("Adamax", Optimizer)

Optimizer.declare(Adamax, check.declare("Adamax", {
  lr = number{2e-3, from = 0}, betas = list{{0.9, 0.999}, n = 2, of = number{from = 0, below = 1}},
  eps = number{1e-8, from = 0}, weight_decay = number{0, from = 0},
}))

function Adamax.new_state(_, p)
  return {step = 0, m = Optimizer.zeros_like(p), largest = Optimizer.zeros_like(p)}
end

Adamax.rule = "adamax_step"

function Adamax.update(_, p, state, group, lr)
  state.step = state.step + 1
  return p, state.m, state.largest, lr, group.betas[1], group.betas[2], group.eps,
    group.weight_decay, state.step
end

return Adamax
