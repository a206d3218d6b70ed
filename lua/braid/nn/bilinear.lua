--- Bilinear: y[o] (..., out) = a (..., p) weight[o] b (..., q) + bias[o].
-- @usage nn.Bilinear(3, 3, 5)(x, y)

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local bilinear <const> = require "braid.functional.bilinear"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local argument <const>, flag <const>, whole <const> = check.argument, check.flag, check.whole

local Bilinear <const> = class("Bilinear", Module)

local OPTIONS <const> = check.declare("Bilinear", {
  inputs1 = argument(whole{from = 1}), inputs2 = argument(whole{from = 1}),
  outputs = argument(whole{from = 1}), bias = flag(true),
})

function Bilinear:init(inputs1, inputs2, outputs, given)
  local o <const> = check.options(OPTIONS, given,
    {inputs1 = inputs1, inputs2 = inputs2, outputs = outputs})
  local bound <const> = 1 / math.sqrt(inputs1)
  local weight <const> = fresh(self, {outputs, inputs1, inputs2}, "float32")
  self.weight = Module.parameter(initial.uniform(weight, -bound, bound))
  if o.bias then
    self.bias = Module.parameter(initial.uniform(fresh(self, {outputs}, "float32"), -bound, bound))
  end
end

function Bilinear:forward(a, b) return bilinear(a, b, self.weight, self.bias) end

function Bilinear:describe()
  local shape <const> = self.weight.shape
  return ("%d, %d, %d%s"):format(shape[2], shape[3], shape[1], self.bias and "" or ", bias = false")
end

return Bilinear
