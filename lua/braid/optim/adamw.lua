--- AdamW (Loshchilov and Hutter 2019): Adam with weight decay that is not part of the gradient.
-- @usage optim.AdamW(net:parameters(), {lr = 1e-3, weight_decay = 0.05})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Adam <const> = require "braid.optim.adam"
local Optimizer <const> = require "braid.optim.optimizer"

local AdamW <const> = class("AdamW", Adam)
AdamW.decoupled = 1

Optimizer.declare(AdamW, Adam.declared:called("AdamW", {
  weight_decay = check.number{0.01, from = 0},
}))

return AdamW
