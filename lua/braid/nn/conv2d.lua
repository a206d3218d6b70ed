--- Conv2d: x (n,c,h,w) -> (n,o,oh,ow) with weight (o, c/groups, kh, kw).
-- If only one size is given, it is o. The first input then gives c and the type, which is float64
-- for a float64 input and otherwise float32.
-- @usage nn.Conv2d(3, 64, {kernel = 3, padding = 1})   nn.Conv2d(64, {kernel = 3})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"
local weighted <const> = require "braid.nn.weighted"

local argument <const>, choice <const> = check.argument, check.choice
local either <const>, flag <const>, needed <const> = check.either, check.flag, check.needed
local optional <const>, pair <const>, whole <const> = check.optional, check.pair, check.whole

local Conv2d <const> = class("Conv2d", Module)

local OPTIONS <const> = check.declare("Conv2d", {
  inputs = argument(optional(whole{from = 1})), outputs = argument(whole{from = 1}),
  kernel = needed(pair{from = 1}), stride = pair{1, from = 1},
  padding = either(pair{0, from = 0}, choice{"same"}), dilation = pair{1, from = 1},
  groups = whole{1, from = 1}, bias = flag(true),
}, weighted.groups_divide)

function Conv2d:init(inputs, outputs, given)
  -- only the outputs are given
  if given == nil and (outputs == nil or type(outputs) == "table") then
    inputs, outputs, given = nil, inputs, outputs
  end
  local o <const> = check.options(OPTIONS, given, {inputs = inputs, outputs = outputs})
  self.outputs, self.has_bias = o.outputs, o.bias
  self.kernel = type(o.kernel) == "table" and o.kernel or {o.kernel, o.kernel}
  self.options = {stride = o.stride, padding = o.padding, dilation = o.dilation,
    groups = o.groups}
  self.unsized = true
  if inputs then self:set_inputs(inputs) end
end

--- Sets the inputs, and the type: float64 if `like` is float64.
function Conv2d:set_inputs(inputs, like)
  local groups <const> = self.options.groups
  local wrong <const> = weighted.groups_divide{inputs = inputs, outputs = self.outputs,
    groups = groups}
  if wrong then check.fail("Conv2d: %s", wrong) end
  self.unsized = nil
  weighted.make(self, {self.outputs, inputs // groups, self.kernel[1], self.kernel[2]},
    self.has_bias and self.outputs, initial.dtype(like))
end

function Conv2d:forward(x)
  if self.unsized and core.input(x) then self:set_inputs(x:size(2), x) end
  return core.ops.conv2d(x, self.weight, self.bias, self.options)
end

Conv2d.straight = Conv2d.forward

function Conv2d:macs(y) return y:numel() * self.weight:numel() // self.outputs end

function Conv2d:describe()
  local o <const>, words <const> = self.options, {}
  if self.weight then words[1] = self.weight:size(2) * o.groups end
  words[#words + 1] = self.outputs
  words[#words + 1] = ("kernel = %dx%d"):format(self.kernel[1], self.kernel[2])
  for _, name in ipairs{"stride", "padding", "dilation", "groups"} do
    local value <const> = type(o[name]) == "table" and table.concat(o[name], "x") or o[name]
    local usual <const> = name == "padding" and 0 or 1
    if value ~= usual then words[#words + 1] = name .. " = " .. value end
  end
  if not self.has_bias then words[#words + 1] = "bias = false" end
  return table.concat(words, ", ")
end

return Conv2d
