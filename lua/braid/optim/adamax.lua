--- Adamax (Kingma and Ba 2015, algorithm 2): Adam by the largest gradient, as in PyTorch.
-- @usage optim.Adamax(net:parameters(), {lr = 2e-3})

local class <const> = require "braid.class"
local Optimizer <const> = require "braid.optim.optimizer"

local Adamax <const> = class("Adamax", Optimizer)

local DEFAULTS <const> = {lr = 2e-3, betas = {0.9, 0.999}, eps = 1e-8, weight_decay = 0}

function Adamax:init(parameters, given)
  Optimizer.init(self, parameters, given, DEFAULTS)
end

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
