--- Dropout: in training, each value is 0 with probability p and scaled by 1 / (1 - p)
-- otherwise.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local Dropout <const> = class("Dropout", Module)
Dropout.channelwise = true

function Dropout:init(p)
  self.p = p or 0.5
  if type(self.p) ~= "number" or self.p < 0 or self.p > 1 then
    error(("Dropout: p must be between 0 and 1, not %s"):format(tostring(p)), 3)
  end
end

function Dropout:forward(x)
  if not self:is_training() then return x end
  return core.ops.dropout(x, self.p)
end

core.chain_layer(Dropout, {role = "idle"})

function Dropout:describe() return tostring(self.p) end

return Dropout
