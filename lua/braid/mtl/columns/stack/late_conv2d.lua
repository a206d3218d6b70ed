--- The LateConv2d of T columns, with weight (T*o, c, kh, kw). All columns take the same maps.

local class <const> = require "braid.class"
local Late <const> = require "braid.mtl.columns.late_conv2d"
local Stacked <const> = require "braid.mtl.columns.stack.conv2d"

local StackedLate <const> = class("StackedLateConv2d", Late)
StackedLate.takes_shared, StackedLate.macs = true, Stacked.macs

function StackedLate:describe()
  return ("%d x (%s)"):format(self.stack_size, Late.describe(self))
end

return StackedLate
