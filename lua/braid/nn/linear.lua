--- Linear: y (..., out) = x (..., in) weight (out, in)^T + bias (out).
-- With one size, in is taken from the first input, and so is float64.
-- @usage nn.Linear(100, 10, {bias = false})   nn.Linear(10)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Linear <const> = class("Linear", Module)

function Linear:init(inputs, outputs, given)
  if math.type(outputs) ~= "integer" then inputs, outputs, given = nil, inputs, outputs end
  local o <const> = check.options("Linear", given, {bias = true})
  self.outputs, self.has_bias = check.size("Linear", "outputs", outputs), o.bias
  self.unsized = true
  if inputs then self:set_inputs(check.size("Linear", "inputs", inputs)) end
end

--- The size, and the dtype, float64 if that of `like` is.
function Linear:set_inputs(inputs, like)
  local dtype <const> = initial.dtype(like)
  self.unsized = nil
  self.weight = core.new({self.outputs, inputs}, dtype)
  self.bias = self.has_bias and core.new({self.outputs}, dtype) or nil
  initial.default(self.weight, self.bias)
  Module.parameter(self.weight)
  if self.bias then Module.parameter(self.bias) end
end

function Linear:forward(x)
  if self.unsized then self:set_inputs(x:size(-1), x) end
  return core.ops.linear(x, self.weight, self.bias)
end

core.chain_layer(Linear, {operator = "linear", "weight", "bias"})

function Linear:macs(y) return y:numel() * self.weight:size(2) end

function Linear:describe()
  local inputs <const> = self.weight and self.weight:size(2) .. ", " or ""
  return inputs .. self.outputs .. (self.has_bias and "" or ", bias = false")
end

return Linear
