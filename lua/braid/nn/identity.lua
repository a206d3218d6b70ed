--- Identity: returns x unchanged.
-- @usage nn.Identity()(x)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Identity <const> = class("Identity", Module)
Identity.channelwise = true

function Identity:forward(x)
  if x == nil then core.input(x) end
  return x
end

Identity.straight = Identity.forward

return Identity
