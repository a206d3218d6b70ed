--- ConvTranspose2d: x (n,c,h,w) -> (n,o,oh,ow) with weight (c, o/groups, kh, kw).
-- @usage nn.ConvTranspose2d(64, 3, {kernel = 4, stride = 2, padding = 1})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local fresh <const> = require "braid.nn.fresh"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local argument <const>, flag <const>, needed <const> = check.argument, check.flag, check.needed
local pair <const>, whole <const> = check.pair, check.whole

local ConvTranspose2d <const> = class("ConvTranspose2d", Module)

local OPTIONS <const> = check.declare("ConvTranspose2d", {
  inputs = argument(whole{from = 1}), outputs = argument(whole{from = 1}),
  kernel = needed(pair{from = 1}), stride = pair{1, from = 1}, padding = pair{0, from = 0},
  output_padding = pair{0, from = 0}, dilation = pair{1, from = 1}, groups = whole{1, from = 1},
  bias = flag(true),
}, function(o)
  if o.inputs % o.groups ~= 0 or o.outputs % o.groups ~= 0 then
    return ("groups = %d must divide %d inputs and %d outputs"):format(o.groups, o.inputs,
      o.outputs)
  end
end)

function ConvTranspose2d:init(inputs, outputs, given)
  local o <const> = check.options(OPTIONS, given, {inputs = inputs, outputs = outputs})
  local kernel <const> = type(o.kernel) == "table" and o.kernel or {o.kernel, o.kernel}
  self.options = {stride = o.stride, padding = o.padding, output_padding = o.output_padding,
    dilation = o.dilation, groups = o.groups}
  self.weight = fresh(self, {inputs, outputs // o.groups, kernel[1], kernel[2]}, "float32")
  self.bias = o.bias and fresh(self, {outputs}, "float32") or nil
  initial.default(self.weight, self.bias)
  Module.parameter(self.weight)
  if self.bias then Module.parameter(self.bias) end
end

function ConvTranspose2d:forward(x)
  return core.ops.conv_transpose2d(x, self.weight, self.bias, self.options)
end

function ConvTranspose2d:describe()
  local shape <const>, o <const> = self.weight.shape, self.options
  return ("%d, %d, kernel = %dx%d"):format(shape[1], shape[2] * o.groups, shape[3], shape[4])
end

return ConvTranspose2d
