--- MaxPool2d: the largest of each window of x (n,c,h,w).
-- @usage nn.MaxPool2d(2)   nn.MaxPool2d(3, {stride = 2, padding = 1, ceil_mode = true})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local MaxPool2d <const> = class("MaxPool2d", Module)

function MaxPool2d:init(kernel, given)
  self.kernel = kernel
  self.options = check.options("MaxPool2d", given,
    {stride = kernel, padding = 0, ceil_mode = false, dilation = 1})
end

function MaxPool2d:forward(x) return core.ops.max_pool2d(x, self.kernel, self.options) end

function MaxPool2d:describe()
  return type(self.kernel) == "table" and table.concat(self.kernel, "x") or tostring(self.kernel)
end

return MaxPool2d
