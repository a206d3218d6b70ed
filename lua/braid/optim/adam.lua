--- Adam (Kingma and Ba 2015); with amsgrad = true, AMSGrad (Reddi et al. 2018).
-- @usage optim.Adam(net:parameters(), {lr = 1e-3, betas = {0.9, 0.999}})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Optimizer <const> = require "braid.optim.optimizer"

local number <const>, list <const> = check.number, check.list

local Adam <const> = class("Adam", Optimizer)
Adam.decoupled = 0 -- weight decay is added to the gradient

Optimizer.declare(Adam, check.declare("Adam", {
  lr = number{1e-3, from = 0}, betas = list{{0.9, 0.999}, n = 2, of = number{from = 0, below = 1}},
  eps = number{1e-8, from = 0}, weight_decay = number{0, from = 0}, amsgrad = check.flag(false),
}))

function Adam.new_state(_, p, group)
  return {step = 0, m = Optimizer.zeros_like(p), v = Optimizer.zeros_like(p),
    largest = group.amsgrad and Optimizer.zeros_like(p) or nil}
end

Adam.rule, Adam.at_times = "adam_step", {largest = true}

function Adam:update(p, state, group, lr)
  state.step = state.step + 1
  if group.amsgrad and not state.largest then state.largest = Optimizer.zeros_like(p) end
  return p, state.m, state.v, state.largest or false, lr, group.betas[1], group.betas[2],
    group.eps, group.weight_decay, self.decoupled, state.step
end

return Adam
