--- A convolution over the concatenated maps of columns, some of which were added late. It sums over
-- columns in the order in which they were added, so that the zeros of late columns come last and
-- change no bit. The weight's channels stay in the columns' order.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Conv2d <const> = require "braid.nn.conv2d"
local ops <const> = core.ops

local Late <const> = class("LateConv2d", Conv2d)

--- `places` are the channels in the order in which their columns were added.
function Late:forward(x)
  local places <const> = core.from_table(self.places, "int64")
  return ops.conv2d(ops.index_select(x, 2, places), ops.index_select(self.weight, 2, places),
    self.bias, self.options)
end

Late.straight = Late.forward

return Late
