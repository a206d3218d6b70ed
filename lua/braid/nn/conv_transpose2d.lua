--- ConvTranspose2d: x (n,c,h,w) -> (n,o,oh,ow) with weight (c, o/groups, kh, kw).
-- @usage nn.ConvTranspose2d(64, 3, {kernel = 4, stride = 2, padding = 1})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"
local weighted <const> = require "braid.nn.weighted"

local argument <const>, flag <const>, needed <const> = check.argument, check.flag, check.needed
local pair <const>, whole <const> = check.pair, check.whole

local ConvTranspose2d <const> = class("ConvTranspose2d", Module)

local OPTIONS <const> = check.declare("ConvTranspose2d", {
  inputs = argument(whole{from = 1}), outputs = argument(whole{from = 1}),
  kernel = needed(pair{from = 1}), stride = pair{1, from = 1}, padding = pair{0, from = 0},
  output_padding = pair{0, from = 0}, dilation = pair{1, from = 1}, groups = whole{1, from = 1},
  bias = flag(true),
}, weighted.groups_divide)

function ConvTranspose2d:init(inputs, outputs, given)
  local o <const> = check.options(OPTIONS, given, {inputs = inputs, outputs = outputs})
  local kernel <const> = type(o.kernel) == "table" and o.kernel or {o.kernel, o.kernel}
  self.options = {stride = o.stride, padding = o.padding, output_padding = o.output_padding,
    dilation = o.dilation, groups = o.groups}
  weighted.make(self, {inputs, outputs // o.groups, kernel[1], kernel[2]}, o.bias and outputs,
    "float32")
end

function ConvTranspose2d:forward(x)
  return core.ops.conv_transpose2d(x, self.weight, self.bias, self.options)
end

function ConvTranspose2d:describe()
  local shape <const>, o <const> = self.weight.shape, self.options
  return ("%d, %d, kernel = %dx%d"):format(shape[1], shape[2] * o.groups, shape[3], shape[4])
end

return ConvTranspose2d
