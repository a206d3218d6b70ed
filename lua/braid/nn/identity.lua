--- Identity: x as it is.

local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Identity <const> = class("Identity", Module)
Identity.channelwise = true

function Identity:forward(x) return x end

Identity.straight = Identity.forward

return Identity
