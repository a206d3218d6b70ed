--- Flatten: x (n, ...) -> (n, product of the rest).

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Flatten <const> = class("Flatten", Module)
Flatten.channelwise = true

function Flatten:forward(x) return x:flatten(2) end

core.chain_layer(class.metatable(Flatten), {operator = "flatten", 2})

return Flatten
