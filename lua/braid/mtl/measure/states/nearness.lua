--- Counts how often each point is near its true place, and how often the distance is known.

local class <const> = require "braid.class"

local Nearness <const> = class("nearness")

function Nearness:init(context, o)
  self.context, self.by, self.alpha = context, o.by, o.alpha
  self.samples, self.missing, self.points = 0, 0, {}
  for p = 1, context.points do self.points[p] = {near = 0, count = 0, named = true} end
end

function Nearness:add(seen)
  local lengths <const> = seen:length(self.by)
  self.samples = self.samples + seen.n
  if not lengths then return end
  local ratios <const> = seen.apart / lengths:reshape(-1, 1)
  local near <const> = ratios:le(self.alpha):sum(1):totable()
  local told <const> = ratios:eq(ratios):sum(1):totable()
  for p, point in ipairs(self.points) do
    point.near, point.count = point.near + near[p], point.count + told[p]
  end
end

function Nearness:fits(other) return #self.points == #other.points end

function Nearness:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  for p, point in ipairs(self.points) do
    point.near = point.near + other.points[p].near
    point.count = point.count + other.points[p].count
  end
end

--- The counts of each point, as a list.
function Nearness:parts() return self.points end

return Nearness
