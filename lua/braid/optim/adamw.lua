--- AdamW (Loshchilov and Hutter 2019): Adam with weight decay apart from the gradient.

local class <const> = require "braid.class"

local AdamW <const> = class("AdamW", require "braid.optim.adam")
AdamW.decoupled, AdamW.default_decay = 1, 0.01

return AdamW
