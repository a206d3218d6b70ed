--- What MaxPool2d and AvgPool2d share: windows over x (n,c,h,w).

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

--- The class `name` for the operator `operator`; `last` is the option that only it has.
return function(name, operator, last, default)
  local Pool <const> = class(name, Module)
  Pool.channelwise = true

  function Pool:init(kernel, given)
    if kernel == nil then error(name .. ": the size of the window is missing", 3) end
    self.kernel = kernel
    self.options = check.options(name, given,
      {stride = kernel, padding = 0, ceil_mode = false, [last] = default})
  end

  function Pool:forward(x) return core.ops[operator](x, self.kernel, self.options) end

  core.chain_layer(Pool, {operator = operator, options = "options", "kernel",
    role = name == "MaxPool2d" and "pool" or nil})

  function Pool:describe()
    return type(self.kernel) == "table" and table.concat(self.kernel, "x")
      or tostring(self.kernel)
  end

  return Pool
end
