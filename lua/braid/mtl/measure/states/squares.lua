--- Sums of the squared differences between predicted and true numbers.

local class <const> = require "braid.class"
local Differences <const> = require "braid.mtl.measure.states.differences"

local Squares <const> = class("squares", Differences)

function Squares.size(difference) return difference:square() end

return Squares
