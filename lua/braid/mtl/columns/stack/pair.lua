--- A pair stands for T concatenations (n, c + d, h, w) without making them. x (n, T*c, h, w) has
-- the maps of T columns, and z (n, d, h, w) follows in each concatenation.
--
-- A stacked convolution of a pair is the sum of two convolutions: of x in groups, and of z for all
-- columns.

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local ops <const> = core.ops

local Pair <const> = class("Pair")

function Pair:init(x, z, columns) self.x, self.z, self.columns = x, z, columns end

function Pair.is(value) return getmetatable(value) == Pair end

--- The maps of t columns, in one tensor or a pair, as a list of dense tensors.
function Pair.each(x, t)
  local list <const>, whole <const> = {}, not Pair.is(x)
  local c <const> = whole and x:size(2) // t
  for i = 1, t do
    list[i] = whole and ops.clone(ops.narrow(x, 2, (i - 1) * c + 1, c)) or x:column(i)
  end
  return list
end

--- The i-th concatenation.
function Pair:column(i)
  local c <const> = self.x:size(2) // self.columns
  return ops.cat({ops.narrow(self.x, 2, (i - 1) * c + 1, c), self.z}, 2)
end

--- All concatenations in one tensor (n, T*(c + d), h, w).
function Pair:whole()
  local parts <const> = {}
  for i = 1, self.columns do parts[i] = self:column(i) end
  return ops.cat(parts, 2)
end

--- Flattens each concatenation to one row for each image, as Flatten does.
function Pair:flatten(first)
  return Pair(ops.flatten(self.x, first), ops.flatten(self.z, first), self.columns)
end

return Pair
