--- Bilinear: y[o] (..., out) = a (..., p) weight[o] b (..., q) + bias[o].
-- @usage nn.Bilinear(10, 20, 5)(a, b)

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local bilinear <const> = require "braid.functional.bilinear"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Bilinear <const> = class("Bilinear", Module)

function Bilinear:init(inputs1, inputs2, outputs, given)
  check.size("Bilinear", "inputs1", inputs1)
  check.size("Bilinear", "inputs2", inputs2)
  check.size("Bilinear", "outputs", outputs)
  local o <const> = check.options("Bilinear", given, {bias = true})
  local bound <const> = 1 / math.sqrt(inputs1)
  self.weight = Module.parameter(initial.uniform(core.new({outputs, inputs1, inputs2}, "float32"),
    -bound, bound))
  if o.bias then
    self.bias = Module.parameter(initial.uniform(core.new({outputs}, "float32"), -bound, bound))
  end
end

function Bilinear:forward(a, b) return bilinear(a, b, self.weight, self.bias) end

function Bilinear:describe()
  local shape <const> = self.weight.shape
  return ("%d, %d, %d%s"):format(shape[2], shape[3], shape[1], self.bias and "" or ", bias = false")
end

return Bilinear
