--- Sums of the absolute differences between predicted and true numbers.

local class <const> = require "braid.class"

local Differences <const> = class("differences")

function Differences:init(context, _)
  self.context, self.samples, self.missing, self.columns = context, 0, 0, {}
  for k = 1, context.problems do
    self.columns[k] = {count = 0, lost = 0, total = 0.0, named = context.named}
  end
end

--- The size of each difference. A derived class may replace this method (squares.lua).
function Differences.size(difference) return difference:abs() end

function Differences:add(seen)
  local sizes <const> = self.size(seen.difference):sum(1):totable()
  local known <const> = seen.known and seen.known:sum(1):totable()
  local lost <const> = seen.lost and seen.lost:sum(1):totable()
  for k, column in ipairs(self.columns) do
    column.total = column.total + sizes[k]
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
    local from <const> = other.columns[k]
    column.count, column.lost = column.count + from.count, column.lost + from.lost
    column.total = column.total + from.total
  end
end

--- A list with the sums of each column.
function Differences:parts() return self.columns end

return Differences
