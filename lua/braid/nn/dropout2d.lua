--- Dropout2d (Tompson et al. 2015): in training, each channel of x (n,c,h,w) is 0 with
-- probability p and scaled by 1 / (1 - p) otherwise.

local class <const> = require "braid.class"
local dropout2d <const> = require "braid.functional.dropout2d"
local Module <const> = require "braid.nn.module"

local Dropout2d <const> = class("Dropout2d", Module)
Dropout2d.channelwise = true

function Dropout2d:init(p)
  self.p = p or 0.5
  if type(self.p) ~= "number" or self.p < 0 or self.p > 1 then
    error(("Dropout2d: p must be between 0 and 1, not %s"):format(tostring(p)), 3)
  end
end

function Dropout2d:forward(x)
  return (dropout2d(x, self.p, {training = self:is_training()}))
end

function Dropout2d:describe() return tostring(self.p) end

return Dropout2d
