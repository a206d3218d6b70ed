--- Softmax: e^x divided by its sum along a dimension.
-- @usage nn.Softmax(2)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Softmax <const> = class("Softmax", Module)

function Softmax:init(dim)
  if math.type(dim) ~= "integer" or dim == 0 then
    error(("Softmax: dim must be a dimension (an integer from 1), not %s"):format(tostring(dim)), 3)
  end
  self.dim = dim
end

function Softmax:forward(x) return core.ops.softmax(x, self.dim) end

function Softmax:describe() return tostring(self.dim) end

return Softmax
