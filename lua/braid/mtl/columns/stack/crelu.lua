--- The CReLU of T columns, x (n, T*c, h, w) -> (n, T*2c, h, w). The two halves of a column stay
-- together.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local CReLU <const> = require "braid.nn.crelu"
local ops <const> = core.ops

local Stacked <const> = class("StackedCReLU", CReLU)

function Stacked:forward(x)
  local parts <const>, c <const> = {}, x:size(2) // self.stack_size
  for i = 1, self.stack_size do
    local own <const> = ops.narrow(x, 2, (i - 1) * c + 1, c)
    parts[2 * i - 1], parts[2 * i] = ops.relu(own), ops.relu(-own)
  end
  return ops.cat(parts, 2)
end

return Stacked
