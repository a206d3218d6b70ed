--- Linear: y (..., out) = x (..., in) weight (out, in)^T + bias (out).
-- @usage nn.Linear(100, 10, {bias = false})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Linear <const> = class("Linear", Module)

function Linear:init(inputs, outputs, given)
  check.size("Linear", "inputs", inputs)
  check.size("Linear", "outputs", outputs)
  local o <const> = check.options("Linear", given, {bias = true})
  self.weight = core.new({outputs, inputs}, "float32")
  self.bias = o.bias and core.new({outputs}, "float32") or nil
  initial.default(self.weight, self.bias)
  Module.parameter(self.weight)
  if self.bias then Module.parameter(self.bias) end
end

function Linear:forward(x) return core.ops.linear(x, self.weight, self.bias) end

function Linear:describe()
  local shape <const> = self.weight.shape
  return ("%d, %d%s"):format(shape[2], shape[1], self.bias and "" or ", bias = false")
end

return Linear
