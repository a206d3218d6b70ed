--- The base of MaxPool2d and AvgPool2d, which make one value of each window of x (n,c,h,w).

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local Module <const> = require "braid.nn.module"

local argument <const>, flag <const>, pair <const> = check.argument, check.flag, check.pair

--- Makes the class `name` of the operator `operator`. `last` is an option that only this class has,
-- and `kind` its kind.
return function(name, operator, last, kind)
  local Pool <const> = class(name, Module)
  Pool.channelwise = true

  local OPTIONS <const> = check.declare(name, {
    kernel = argument(pair{from = 1}), stride = pair{from = 1}, padding = pair{0, from = 0},
    ceil_mode = flag(false), [last] = kind,
  })

  function Pool:init(kernel, given)
    local o <const> = check.options(OPTIONS, given, {kernel = kernel})
    self.kernel = o.kernel
    self.options = {stride = o.stride or o.kernel, padding = o.padding, ceil_mode = o.ceil_mode,
      [last] = o[last]}
  end

  function Pool:forward(x) return core.ops[operator](x, self.kernel, self.options) end

  Pool.straight = Pool.forward

  function Pool:describe()
    return type(self.kernel) == "table" and table.concat(self.kernel, "x")
      or tostring(self.kernel)
  end

  return Pool
end
