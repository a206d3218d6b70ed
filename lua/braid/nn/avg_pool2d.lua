--- AvgPool2d: the mean of each window of x (n,c,h,w).
-- @usage nn.AvgPool2d(2)   nn.AvgPool2d(3, {stride = 2, padding = 1, ceil_mode = true})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local AvgPool2d <const> = class("AvgPool2d", Module)

function AvgPool2d:init(kernel, given)
  self.kernel = kernel
  self.options = check.options("AvgPool2d", given,
    {stride = kernel, padding = 0, ceil_mode = false, count_include_pad = true})
end

function AvgPool2d:forward(x) return core.ops.avg_pool2d(x, self.kernel, self.options) end

function AvgPool2d:describe()
  return type(self.kernel) == "table" and table.concat(self.kernel, "x") or tostring(self.kernel)
end

return AvgPool2d
