--- Conv1d: x (n,c,l) -> (n,o,ol) with weight (o, c/groups, k).
-- @usage nn.Conv1d(3, 64, {kernel = 3, padding = 1})

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local conv1d <const> = require "braid.functional.conv1d"
local Module <const> = require "braid.nn.module"
local weighted <const> = require "braid.nn.weighted"

local argument <const>, choice <const> = check.argument, check.choice
local either <const>, flag <const>, needed <const> = check.either, check.flag, check.needed
local whole <const> = check.whole

local Conv1d <const> = class("Conv1d", Module)

local OPTIONS <const> = check.declare("Conv1d", {
  inputs = argument(whole{from = 1}), outputs = argument(whole{from = 1}),
  kernel = needed(whole{from = 1}), stride = whole{1, from = 1},
  padding = either(whole{0, from = 0}, choice{"same"}), dilation = whole{1, from = 1},
  groups = whole{1, from = 1}, bias = flag(true),
}, weighted.groups_divide)

function Conv1d:init(inputs, outputs, given)
  local o <const> = check.options(OPTIONS, given, {inputs = inputs, outputs = outputs})
  self.options = {stride = o.stride, padding = o.padding, dilation = o.dilation, groups = o.groups}
  weighted.make(self, {outputs, inputs // o.groups, o.kernel}, o.bias and outputs, "float32")
end

function Conv1d:forward(x) return conv1d(x, self.weight, self.bias, self.options) end

function Conv1d:describe()
  local shape <const> = self.weight.shape
  return ("%d, %d, kernel = %d"):format(shape[2] * self.options.groups, shape[1], shape[3])
end

return Conv1d
