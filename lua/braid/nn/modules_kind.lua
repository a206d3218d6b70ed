--- The kind of a list of modules and functions, as Sequential, Concat and Parallel take it.

local check <const> = require "braid.check"
local walk <const> = require "braid.nn.walk"

return check.list{of = check.kind("a module or a function", function(v)
  return walk.is_module(v) or type(v) == "function"
end)}
