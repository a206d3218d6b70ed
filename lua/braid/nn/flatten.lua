--- Flatten: x (n, ...) -> (n, product of the rest).

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Flatten <const> = class("Flatten", Module)
Flatten.channelwise = true

function Flatten:forward(x) return core.ops.flatten(x, 2) end

Flatten.straight = Flatten.forward

return Flatten
