--- RMSprop (Hinton, "Neural networks for machine learning", lecture 6e, 2012), optionally with
-- momentum and centered (Graves 2013), as in PyTorch.
-- @usage optim.RMSprop(net:parameters(), {lr = 1e-3, alpha = 0.9, momentum = 0.9})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const> = check.number

local RMSprop <const> = class("RMSprop", Optimizer)

Optimizer.declare(RMSprop, check.declare("RMSprop", {
  lr = number{0.01, from = 0}, alpha = number{0.99, from = 0, to = 1},
  eps = number{1e-8, from = 0}, weight_decay = number{0, from = 0},
  momentum = number{0, from = 0, to = 1}, centered = check.flag(false),
}))

function RMSprop.new_state(_, p, group)
  return {square = Optimizer.zeros_like(p),
    mean = group.centered and Optimizer.zeros_like(p) or nil,
    momentum = group.momentum ~= 0 and Optimizer.zeros_like(p) or nil}
end

RMSprop.rule, RMSprop.at_times = "rmsprop_step", {mean = true, momentum = true}

function RMSprop.update(_, p, state, group, lr)
  if group.centered and not state.mean then state.mean = Optimizer.zeros_like(p) end
  if group.momentum ~= 0 and not state.momentum then state.momentum = Optimizer.zeros_like(p) end
  return p, state.square, state.mean or false, state.momentum or false, lr, group.alpha,
    group.eps, group.weight_decay, group.momentum
end

return RMSprop
