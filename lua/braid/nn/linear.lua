--- Linear: y (..., out) = x (..., in) weight (out, in)^T + bias (out).
-- If only one size is given, it is `out`. The first input then gives `in` and the type, which is
-- float64 for a float64 input and otherwise float32.
-- @usage nn.Linear(100, 10, {bias = false})   nn.Linear(10)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"
local weighted <const> = require "braid.nn.weighted"

local argument <const>, flag <const> = check.argument, check.flag
local optional <const>, whole <const> = check.optional, check.whole

local Linear <const> = class("Linear", Module)

local OPTIONS <const> = check.declare("Linear", {
  inputs = argument(optional(whole{from = 1})), outputs = argument(whole{from = 1}),
  bias = flag(true),
})

function Linear:init(inputs, outputs, given)
  -- only the outputs are given
  if given == nil and (outputs == nil or type(outputs) == "table") then
    inputs, outputs, given = nil, inputs, outputs
  end
  local o <const> = check.options(OPTIONS, given, {inputs = inputs, outputs = outputs})
  self.outputs, self.has_bias = o.outputs, o.bias
  self.unsized = true
  if inputs then self:set_inputs(inputs) end
end

--- Sets the inputs, and the type: float64 if `like` is float64.
function Linear:set_inputs(inputs, like)
  self.unsized = nil
  weighted.make(self, {self.outputs, inputs}, self.has_bias and self.outputs, initial.dtype(like))
end

function Linear:forward(x)
  if self.unsized and core.input(x) then self:set_inputs(x:size(-1), x) end
  return core.ops.linear(x, self.weight, self.bias)
end

Linear.straight = Linear.forward

function Linear:macs(y) return y:numel() * self.weight:size(2) end

function Linear:describe()
  local inputs <const> = self.weight and self.weight:size(2) .. ", " or ""
  return inputs .. self.outputs .. (self.has_bias and "" or ", bias = false")
end

return Linear
