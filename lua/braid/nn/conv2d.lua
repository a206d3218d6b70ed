--- Conv2d: x (n,c,h,w) -> (n,o,oh,ow) with weight (o, c/groups, kh, kw).
-- @usage nn.Conv2d(3, 64, {kernel = 3, padding = 1})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Conv2d <const> = class("Conv2d", Module)

local OPTIONS <const> = {
  kernel = check.none, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
}

function Conv2d:init(inputs, outputs, given)
  check.size("Conv2d", "inputs", inputs)
  check.size("Conv2d", "outputs", outputs)
  local o <const> = check.options("Conv2d", given, OPTIONS)
  if not o.kernel then error("Conv2d: the option kernel is missing", 3) end
  if inputs % o.groups ~= 0 or outputs % o.groups ~= 0 then
    error(("Conv2d: groups = %d must divide %d inputs and %d outputs"):format(o.groups, inputs,
      outputs), 3)
  end
  local kernel <const> = type(o.kernel) == "table" and o.kernel or {o.kernel, o.kernel}
  self.options = {stride = o.stride, padding = o.padding, dilation = o.dilation, groups = o.groups}
  self.weight = core.new({outputs, inputs // o.groups, kernel[1], kernel[2]}, "float32")
  self.bias = o.bias and core.new({outputs}, "float32") or nil
  initial.default(self.weight, self.bias)
  Module.parameter(self.weight)
  if self.bias then Module.parameter(self.bias) end
end

function Conv2d:forward(x)
  return core.ops.conv2d(x, self.weight, self.bias, self.options)
end

function Conv2d:describe()
  local shape <const>, o <const> = self.weight.shape, self.options
  local words <const> = {shape[2] * o.groups, shape[1],
    ("kernel = %dx%d"):format(shape[3], shape[4])}
  for _, name in ipairs{"stride", "padding", "dilation", "groups"} do
    local value <const> = type(o[name]) == "table" and table.concat(o[name], "x") or o[name]
    local usual <const> = name == "padding" and 0 or 1
    if value ~= usual then words[#words + 1] = name .. " = " .. value end
  end
  if not self.bias then words[#words + 1] = "bias = false" end
  return table.concat(words, ", ")
end

return Conv2d
