--- AdaptiveAvgPool2d: the means of windows that divide x (n,c,h,w) evenly -> (n,c,oh,ow).
-- @usage nn.AdaptiveAvgPool2d(7)   nn.AdaptiveAvgPool2d({3, 5})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local Module <const> = require "braid.nn.module"

local AdaptiveAvgPool2d <const> = class("AdaptiveAvgPool2d", Module)
AdaptiveAvgPool2d.channelwise = true

function AdaptiveAvgPool2d:init(size)
  if size == nil then error("AdaptiveAvgPool2d: the output's size is missing", 3) end
  self.size = size
end

function AdaptiveAvgPool2d:forward(x) return core.ops.adaptive_avg_pool2d(x, self.size) end

function AdaptiveAvgPool2d:describe()
  return type(self.size) == "table" and table.concat(self.size, "x") or tostring(self.size)
end

return AdaptiveAvgPool2d
