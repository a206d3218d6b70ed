--- Sums of the absolute and squared differences of numbers from what they should be.

local class <const> = require "braid.class"

local Differences <const> = class("differences")

local FIELDS <const> = {"count", "lost", "apart", "square"}

function Differences:init(context, _)
  self.context, self.samples, self.missing, self.columns = context, 0, 0, {}
  for k = 1, context.problems do
    self.columns[k] = {count = 0, lost = 0, apart = 0.0, square = 0.0, named = context.named}
  end
end

function Differences:add(seen)
  local difference <const> = seen.difference
  local apart <const> = difference:abs():sum(1):totable()
  local square <const> = difference:square():sum(1):totable()
  local known <const> = seen.known and seen.known:sum(1):totable()
  local lost <const> = seen.lost and seen.lost:sum(1):totable()
  for k, column in ipairs(self.columns) do
    column.apart, column.square = column.apart + apart[k], column.square + square[k]
    column.count = column.count + (known and known[k] or seen.n)
    column.lost = column.lost + (lost and lost[k] or 0)
    self.missing = self.missing + (known and seen.n - known[k] or 0)
  end
  self.samples = self.samples + seen.n
end

function Differences:fits(other) return #self.columns == #other.columns end

function Differences:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  for k, column in ipairs(self.columns) do
    for _, key in ipairs(FIELDS) do column[key] = column[key] + other.columns[k][key] end
  end
end

--- The numbers, column by column.
function Differences:parts() return self.columns end

return Differences
