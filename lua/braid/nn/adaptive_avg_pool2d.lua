--- AdaptiveAvgPool2d: the mean of each window of x (n,c,h,w) -> (n,c,oh,ow). The windows divide x
-- as evenly as possible.
-- @usage nn.AdaptiveAvgPool2d(7)   nn.AdaptiveAvgPool2d({3, 5})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local AdaptiveAvgPool2d <const> = class("AdaptiveAvgPool2d", Module)
AdaptiveAvgPool2d.channelwise = true

local OPTIONS <const> = check.declare("AdaptiveAvgPool2d", {
  size = check.argument(check.pair{from = 1}),
})

function AdaptiveAvgPool2d:init(size)
  self.size = check.options(OPTIONS, nil, {size = size}).size
end

function AdaptiveAvgPool2d:forward(x) return core.ops.adaptive_avg_pool2d(x, self.size) end

function AdaptiveAvgPool2d:describe()
  return type(self.size) == "table" and table.concat(self.size, "x") or tostring(self.size)
end

return AdaptiveAvgPool2d
