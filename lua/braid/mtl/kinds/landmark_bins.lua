--- mtl.landmark_bins: the landmark task as classification (Trottier, Giguere and Chaib-draa 2018).
-- The class of a coordinate is the pixel that contains it. The predicted coordinate is the middle
-- of the predicted pixel.
--
-- Labels and metrics are as in mtl.landmarks: points (n,points,2) in [-1, 1] across the image,
-- and errors that are computed from the true coordinates. Outputs are (n, points * 2 * pixels): for
-- each point the scores of x, then of y. The loss is the mean cross-entropy over the coordinates
-- inside the image. With reduction = "sum" it is the sum of these cross-entropies, divided by the
-- number of faces with a point. Decision: the mean is the default, so that landmarks count as much
-- as any other classification.
-- @usage mtl.landmark_bins{points = 5, pixels = 40, flip = {2, 1, 3, 5, 4}, weight = 1}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local judged <const> = require "braid.mtl.measure.parts.judged"
local flips <const> = require "braid.mtl.tasks.flips"
local Landmarks <const> = require "braid.mtl.kinds.landmarks"
local ops <const> = core.ops

local LandmarkBins <const> = class("LandmarkBins", Landmarks)
LandmarkBins.classifies = true -- its outputs are scores of classes

local OPTIONS <const> = check.declared["mtl.landmarks"]:called("mtl.landmark_bins", {
  pixels = check.needed(check.whole{from = 1}), reduction = check.choice{"mean", "sum"},
  loss = false,
})

function LandmarkBins:init(given)
  self.pixels = self:take(OPTIONS, given).pixels
  self.size = 2 * self.points * self.pixels
end

--- The bins of target (n,points,2), from 1; -100 for a coordinate that is missing or outside.
function LandmarkBins:bins(target)
  local filled <const> = ops.masked_fill(target, target:eq(target):logical_not(), -2)
  local place <const> = ((filled + 1) * (0.5 * self.pixels)):floor() + 1
  local outside <const> = place:lt(1):logical_or(place:gt(self.pixels))
  return ops.masked_fill(place, outside, core.missing_class):to("int64")
end

--- The points (n,points,2) that an output predicts, in [-1, 1]. A coordinate with a NaN among its
-- scores is NaN.
function LandmarkBins:places(output)
  local scores <const> = output:reshape(-1, self.points, 2, self.pixels)
  local places <const> = (scores:argmax(4):to(output.dtype) - 0.5) * (2 / self.pixels) - 1
  return places:masked_fill(scores:ne(scores):any(4), 0 / 0)
end

--- Turns the output for a mirror image into the output for the image.
function LandmarkBins:mirrored(output, name)
  if not self.flip then flips.unknown("mtl.landmark_bins", name) end
  local scores <const> = flips.back(output:reshape(-1, self.points, 2, self.pixels), self.flip)
  local x <const>, y <const> = scores[{ {}, {}, 1 }]:flip(3), scores[{ {}, {}, 2 }]
  return ops.stack({x, y}, 3):reshape(output.shape)
end

function LandmarkBins:loss(output, target)
  local loss <const> = ops.cross_entropy(output:reshape(-1, self.pixels),
    self:bins(target):reshape(-1), {reduction = self.reduction})
  return self.reduction == "mean" and loss or loss / math.max(self:labelled(target), 1)
end

--- The number of values over which the loss is a mean.
function LandmarkBins:divisor(target)
  if self.reduction == "sum" then return self:labelled(target) end
  return self:bins(target):ne(core.missing_class):sum():item()
end

judged.derived(LandmarkBins, "mtl.landmark_bins")

return LandmarkBins
