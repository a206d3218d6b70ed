--- The landmark task: points (n,points,2) in [-1, 1] across the image.
--
-- Loss: half the squared error, summed over coordinates, over n (Abrahamsson, Martin and
-- Zuber, equation 2, after Zhang et al. 2014); a face with a NaN among its points has no
-- label, and n counts the others. Metrics: landmark error, the mean over points of the
-- distance over the inter-ocular distance (the true one, between the first two points); and
-- failure, the share of faces whose landmark error is above 0.10.
-- @usage mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 1}

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local labelled <const> = require "braid.mtl.labelled"

local Landmarks <const> = class("Landmarks")
Landmarks.FAILURE = 0.10

function Landmarks:init(given)
  local o <const> = check.options("mtl.landmarks", given,
    {points = 5, flip = check.none, weight = 1})
  self.points, self.flip, self.weight = o.points, o.flip, o.weight
  self.size = 2 * o.points
end

--- output (n, 2 points), target (n,points,2) -> a tensor without dimensions
function Landmarks.loss(_, output, target) return labelled.squared(output, target) end

--- The landmark error of each face (n); NaN where the label is missing.
function Landmarks.errors(_, output, target)
  local n <const> = target:size(1)
  local apart <const> = (output:reshape(n, -1, 2) - target):square():sum(3):sqrt():mean(2)
  local eyes <const> = (target[{ {}, 1 }] - target[{ {}, 2 }]):square():sum(2):sqrt()
  return apart / eyes
end

--- Adds a batch to running sums.
function Landmarks:observe(sums, output, target)
  local errors <const> = self:errors(output, target)
  local known <const>, count <const> = labelled.rows(target)
  local missing <const> = known:reshape(-1):logical_not()
  sums.count = (sums.count or 0) + count
  sums.error = (sums.error or 0) + errors:masked_fill(missing, 0):sum():item()
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
