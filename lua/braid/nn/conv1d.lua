--- Conv1d: x (n,c,l) -> (n,o,ol) with weight (o, c/groups, k).
-- @usage nn.Conv1d(3, 64, {kernel = 3, padding = 1})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local conv1d <const> = require "braid.functional.conv1d"
local initial <const> = require "braid.nn.initial"
local Module <const> = require "braid.nn.module"

local Conv1d <const> = class("Conv1d", Module)

local OPTIONS <const> = {
  kernel = check.none, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true,
}

function Conv1d:init(inputs, outputs, given)
  check.size("Conv1d", "inputs", inputs)
  check.size("Conv1d", "outputs", outputs)
  local o <const> = check.options("Conv1d", given, OPTIONS)
  if not o.kernel then error("Conv1d: the option kernel is missing", 3) end
  if inputs % o.groups ~= 0 or outputs % o.groups ~= 0 then
    error(("Conv1d: groups = %d must divide %d inputs and %d outputs"):format(o.groups, inputs,
      outputs), 3)
  end
  self.options = {stride = o.stride, padding = o.padding, dilation = o.dilation, groups = o.groups}
  self.weight = core.new({outputs, inputs // o.groups, o.kernel}, "float32")
  self.bias = o.bias and core.new({outputs}, "float32") or nil
  initial.default(self.weight, self.bias)
  Module.parameter(self.weight)
  if self.bias then Module.parameter(self.bias) end
end

function Conv1d:forward(x) return conv1d(x, self.weight, self.bias, self.options) end

function Conv1d:describe()
  local shape <const> = self.weight.shape
  return ("%d, %d, kernel = %d"):format(shape[2] * self.options.groups, shape[1], shape[3])
end

return Conv1d
