--- Moments of predictions and labels: means, sums of squares about the mean, and sums of products.
--
-- Batches are joined without losing digits (Chan, Golub and LeVeque 1983, equation 2.1). The first
-- number of each column is subtracted from all its numbers, so that numbers far from 0 lose no
-- digits either.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local ops <const> = core.ops

local Moments <const> = class("moments")

local function empty(context)
  return {count = 0, lost = 0, mean_truth = 0.0, mean_said = 0.0, truth = 0.0, said = 0.0,
    both = 0.0, square = 0.0, truth_from = math.huge, truth_to = -math.huge, said_from = math.huge,
    said_to = -math.huge, named = context.named}
end

function Moments:init(context, _)
  self.context, self.samples, self.missing, self.columns = context, 0, 0, {}
  self.from = {truth = false, said = false}
  for k = 1, context.problems do self.columns[k] = empty(context) end
end

-- Sets the number that is subtracted in each column. It is the column's first known number.
local function start(self, seen)
  if self.from.truth then return end
  local there <const> = seen.there and seen.there:to("int64"):argmax(1):totable()
  for key in pairs(self.from) do
    local first <const> = {}
    for k = 1, #self.columns do first[k] = seen[key][{there and there[k] or 1, k}]:item() end
    self.from[key] = core.keep(core.from_table({first}, "float64"))
  end
end

-- Adds the moments b of other samples to the moments a.
local function join(a, b)
  a.lost, a.square = a.lost + b.lost, a.square + b.square
  for _, key in ipairs{"truth", "said"} do -- the range shows whether all numbers are equal
    a[key .. "_from"] = math.min(a[key .. "_from"], b[key .. "_from"])
    a[key .. "_to"] = math.max(a[key .. "_to"], b[key .. "_to"])
  end
  if b.count == 0 then return end
  local n <const> = a.count + b.count
  local d <const>, e <const> = b.mean_truth - a.mean_truth, b.mean_said - a.mean_said
  local share <const> = a.count * b.count / n
  a.truth, a.said = a.truth + b.truth + d * d * share, a.said + b.said + e * e * share
  a.both = a.both + b.both + d * e * share
  a.mean_truth, a.mean_said = a.mean_truth + d * b.count / n, a.mean_said + e * b.count / n
  a.count = n
end

-- The mean of each column over its known values, and each value minus the mean (0 for an unknown
-- value).
local function centred(x, seen, count)
  if seen.absent then x = ops.masked_fill(x, seen.absent, 0) end
  local mean <const> = x:sum(1) / count
  local left <const> = x - mean:reshape(1, -1)
  return mean:totable(), seen.absent and ops.masked_fill(left, seen.absent, 0) or left
end

-- x with `value` in place of unknown values.
local function marked(x, seen, value)
  return seen.absent and ops.masked_fill(x, seen.absent, value) or x
end

local function counted(mask, problems, n)
  return mask and mask:sum(1) or core.new({problems}, "int64", n)
end

function Moments:add(seen)
  if seen.n == 0 then return end
  start(self, seen)
  local problems <const> = #self.columns
  local count <const> = counted(seen.there, problems, seen.n)
  local divisor <const> = count:clamp(1):to("float64")
  local mean_truth <const>, truth <const> = centred(seen.truth - self.from.truth, seen, divisor)
  local mean_said <const>, said <const> = centred(seen.said - self.from.said, seen, divisor)
  local sums <const> = {mean_truth = mean_truth, mean_said = mean_said, count = count:totable(),
    lost = counted(seen.lost, problems, 0):totable(), truth = truth:square():sum(1):totable(),
    said = said:square():sum(1):totable(), both = (truth * said):sum(1):totable(),
    square = seen.difference:square():sum(1):totable()}
  for _, key in ipairs{"truth", "said"} do
    sums[key .. "_from"] = (marked(seen[key], seen, math.huge):min(1)):totable()
    sums[key .. "_to"] = (marked(seen[key], seen, -math.huge):max(1)):totable()
  end
  local known <const> = counted(seen.known, problems, seen.n):totable()
  for k, column in ipairs(self.columns) do
    local own <const> = {}
    for key, values in pairs(sums) do own[key] = values[k] end
    join(column, own)
    self.missing = self.missing + seen.n - known[k]
  end
  self.samples = self.samples + seen.n
end

function Moments:fits(other) return #self.columns == #other.columns end

function Moments:merge(other)
  self.samples, self.missing = self.samples + other.samples, self.missing + other.missing
  if not other.from.truth then return end
  if not self.from.truth then self.from = other.from end
  local truth <const> = (other.from.truth - self.from.truth):totable()[1]
  local said <const> = (other.from.said - self.from.said):totable()[1]
  for k, column in ipairs(self.columns) do
    local own <const> = {}
    for key, value in pairs(other.columns[k]) do own[key] = value end
    own.mean_truth, own.mean_said = own.mean_truth + truth[k], own.mean_said + said[k]
    join(column, own)
  end
end

--- A list with the moments of each column.
function Moments:parts() return self.columns end

return Moments
