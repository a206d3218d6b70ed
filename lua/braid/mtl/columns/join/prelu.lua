--- PReLU of T columns, one slope for each channel.

local class <const> = require "braid.class"
local PReLU <const> = require "braid.nn.prelu"

local Joined <const> = class("JoinedPReLU", PReLU)

--- A single slope for all channels has no joined form.
function Joined.can_join(module) return module.weight:numel() > 1 end

return Joined
