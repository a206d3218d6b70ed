--- Flatten: x (n, ...) -> (n, product of the other sizes).
-- @usage nn.Flatten()(images).shape

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Flatten <const> = class("Flatten", Module)
Flatten.channelwise = true

-- Stacked columns may pass a Pair (mtl/columns/stack/pair.lua), which flattens itself.
function Flatten:forward(x)
  if type(x) == "table" and x.columns then return x:flatten(2) end
  return core.ops.flatten(x, 2)
end

Flatten.straight = Flatten.forward

return Flatten
