--- The PReLU of T columns, with a slope for each channel.

local class <const> = require "braid.class"
local PReLU <const> = require "braid.nn.prelu"

local Stacked <const> = class("StackedPReLU", PReLU)

--- A single slope for all channels has no stacked form.
function Stacked.can_stack(module) return module.weight:numel() > 1 end

return Stacked
