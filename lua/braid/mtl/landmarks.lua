--- The landmark task: points (n,points,2) in [-1, 1] across the image, NaN missing.
--
-- Loss: half the squared error, summed over coordinates, over n (Abrahamsson, Martin and
-- Zuber, equation 2, after Zhang et al. 2014). Metrics: landmark error, the mean over
-- points of the distance over the inter-ocular distance (the true one, between the first
-- two points); and failure, the share of faces whose landmark error is above 0.10.
-- @usage mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 1}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local ops <const> = core.ops

local Landmarks <const> = class("Landmarks")
Landmarks.FAILURE = 0.10

function Landmarks:init(given)
  local o <const> = check.options("mtl.landmarks", given,
    {points = 5, flip = check.none, weight = 1})
  self.points, self.flip, self.weight = o.points, o.flip, o.weight
  self.size = 2 * o.points
end

--- output -> the points that it says (n,points,2), in [-1, 1]
function Landmarks:places(output) return output:reshape(-1, self.points, 2) end

-- Where there is a number, unless that is everywhere: then nil.
local function known_of(target)
  local known <const> = target:eq(target)
  return not known:all():item() and known or nil
end

--- output (n, 2 points), target (n,points,2) -> a tensor without dimensions
function Landmarks:loss(output, target)
  local n <const>, known <const> = target:size(1), known_of(target)
  if not known then
    return ops.mse(output, target:reshape(n, -1), {reduction = "sum"}) * (0.5 / n)
  end
  local filled <const> = ops.masked_fill(target, known:logical_not(), 0)
  return ops.mse(output, filled:reshape(n, -1), {reduction = "sum", mask = known:reshape(n, -1)})
    * (0.5 / math.max(self:labelled(target), 1))
end

--- How many faces have a point.
function Landmarks.labelled(_, target)
  return target:eq(target):reshape(target:size(1), -1):any(2):sum():item()
end

--- The landmark error of each face (n); NaN where it cannot be told.
function Landmarks.errors(_, output, target)
  local n <const>, known <const> = target:size(1), known_of(target)
  local apart = (output:reshape(n, -1, 2) - target):square():sum(3):sqrt()
  if known then
    local there <const> = apart:eq(apart)
    apart = ops.masked_fill(apart, there:logical_not(), 0):sum(2) / there:sum(2)
  else
    apart = apart:mean(2)
  end
  local eyes <const> = (target[{ {}, 1 }] - target[{ {}, 2 }]):square():sum(2):sqrt()
  return apart / eyes
end

--- Adds a batch to running sums.
function Landmarks:observe(sums, output, target)
  local errors = self:errors(output, target)
  local told <const> = errors:eq(errors)
  errors = ops.masked_fill(errors, told:logical_not(), 0)
  sums.count = (sums.count or 0) + told:sum():item()
  sums.error = (sums.error or 0) + errors:sum():item()
  sums.failed = (sums.failed or 0) + (errors:gt(self.FAILURE)):sum():item()
end

--- Metrics by name, from the sums.
function Landmarks.metrics(_, sums)
  return {error = sums.error / sums.count, failure = sums.failed / sums.count}
end

function Landmarks.show(_, m)
  return ("%.4f (fail %4.1f%%)"):format(m.error, 100 * m.failure)
end

return Landmarks
