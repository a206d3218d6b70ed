--- The kind of an argument that lists modules and functions, for Sequential, Concat and Parallel.

local check <const> = require "braid.check"
local walk <const> = require "braid.nn.walk"

return check.list{of = check.kind("a module or a function", function(v)
  return walk.is_module(v) or type(v) == "function"
end)}
