--- Identity: x as it is.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Identity <const> = class("Identity", Module)
Identity.channelwise = true

function Identity:forward(x) return x end

core.chain_layer(class.metatable(Identity), {role = "idle"})

return Identity
