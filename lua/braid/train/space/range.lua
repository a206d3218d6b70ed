--- A set of values, as the functions of train.space return it. at(u) is the value for a number u
-- from 0 to 1.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local format <const> = require "braid.format"

local Range <const> = class("range")

--- given: kind, at(u), and either low and high or values (a list).
function Range:init(given)
  for key, value in pairs(given) do self[key] = value end
end

Range.__tostring = function(self)
  if self.values then return check.shown(self.values) end
  return format("%s %g to %g", self.kind, self.low, self.high)
end

--- Whether a value is a Range.
function Range.is(value) return class.is_a(value, Range) end

return Range
