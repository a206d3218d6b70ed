--- mtl.landmarks: the landmark task, points (n,points,2) in [-1, 1] across the image. NaN is a
-- missing coordinate.
--
-- The loss is half the squared error, summed over coordinates, divided by n (Abrahamsson, Gruneau
-- and Zuber, equation 2, after Zhang et al. 2014). With reduction = "mean" it is the mean squared
-- error over the coordinates that are not missing (Matsui et al. 2019, section 3.2). loss = "l1",
-- "smooth_l1" or "wing" (Feng et al. 2018) takes another function of a coordinate's difference, in
-- half widths of the image. loss = "relative" is the landmark error: the distance between the
-- predicted and the true point, divided by the distance between the eyes. This loss differs from
-- the metric in two ways: it is smooth for distances below 0.01 half widths, and eyes that are
-- nearer than 0.15 half widths count as 0.15 half widths apart. Faces without eyes have no such
-- loss. Here reduction = "mean" takes the mean over points, "sum" the sum over a face's points.
--
-- In the metrics, distances are divided by the distance between the true centres of the eyes
-- (Trottier et al. 2018, section 4.1):
--   error          the landmark error: the mean over a face's points, and then over faces
--   failure        the share of faces whose landmark error is above 0.10
--   auc            the area under the curve of errors up to 0.10, divided by 0.10 (mtl.ced)
--   points         for each point, the share of faces in which it is off by at most `alpha` (0.10)
--                  (Matsui et al. 2019, equation 2); point_accuracy is the mean of these shares
--   errors         the landmark error of each face
--   without_eyes   the number of faces left out, because an eye is missing or both are at one place
-- If the batch has `box_width` (n), there are also box_error, box_failure (errors above 0.05) and
-- box_errors, whose distances are divided by the width of the face's box; without_box counts faces
-- without a box. `distance` is in half widths of the image. without_points counts faces without a
-- point. An output of NaN is infinitely far away: it is a failure, and never left out. Distances
-- are measured in the batch's image; if the image is higher than wide, a unit of y is longer than a
-- unit of x.
--
-- Options:
--   weight, flip
--   metrics   metrics by name, such as {"failure.0.08", "error.diagonal"} (mtl.metric)
--   metric    the metric that judges the task, if it is not the first
--   eyes      {i, j}: the points that are the eyes; {{...}, {...}}: the eyes are means of points;
--             by default the first two of five points; false: no eyes, and no metrics that need
--             them. Decision: an eye is missing if any of its points is missing
--   of        a data set that gives points, flip and eyes (ds.points)
-- @usage mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 1}
-- @usage mtl.landmarks{of = faces.train, weight = 0.5}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local eyes <const> = require "braid.mtl.tasks.eyes"
local judged <const> = require "braid.mtl.measure.parts.judged"
local point_losses <const> = require "braid.mtl.tasks.point_losses"
local as_points <const> = require "braid.mtl.measure.forms.points"
local flips <const> = require "braid.mtl.tasks.flips"
local weight <const> = require "braid.mtl.tasks.weight"

local Landmarks <const> = class.guarded(class "Landmarks")
Landmarks.option_of = {loss_kind = "loss"} -- "loss" is a method

local OPTIONS <const> = check.declare("mtl.landmarks", {
  points = check.whole{5, from = 1}, flip = check.list{of = check.whole{from = 1}},
  eyes = eyes.KIND, of = eyes.OF, weight = weight.OPTION,
  alpha = check.number{0.10, above = 0}, reduction = check.choice{"sum", "mean"},
  loss = check.choice{"l2", "l1", "smooth_l1", "wing", "relative"},
  metric = judged.OPTIONS.metric, metrics = judged.OPTIONS.metrics,
}, function(o)
  if o.loss == "relative" and o.eyes == false then
    return "loss = \"relative\" is relative to the eyes, and eyes is false"
  end
  return o.flip and flips.wrong(o.flip, o.points, "points") or eyes.wrong(o.eyes, o.points)
end)

--- The fields that every task of points has, from declared options.
function Landmarks:take(declared, given)
  local o <const> = check.options(declared, eyes.told(declared.what, given))
  self.points, self.flip, self.weight = o.points, o.flip, o.weight
  self.alpha, self.reduction, self.eyes = o.alpha, o.reduction, eyes.own(o.eyes, o.points)
  judged.take(self, o)
  return o
end

function Landmarks:init(given)
  self.loss_kind = self:take(OPTIONS, given).loss
  self.size = 2 * self.points
end

--- The points that an output predicts (n,points,2), in [-1, 1].
function Landmarks:places(output) return output:reshape(-1, self.points, 2) end

-- A mask of the coordinates that are not missing; nil if none is missing.
local function known_of(target)
  local known <const> = target:eq(target)
  return not known:all():item() and known or nil
end

--- The loss, a tensor without dimensions, of output (n, 2 points) and target (n,points,2).
function Landmarks:loss(output, target)
  return point_losses[self.loss_kind].of(self, output, target, known_of(target))
end

--- Turns the output for a mirror image into the output for the image.
function Landmarks:mirrored(output, name)
  if not self.flip then flips.unknown("mtl.landmarks", name) end
  local places <const> = flips.back(self:places(output), self.flip)
  return (places * core.from_table({-1, 1}, output.dtype)):reshape(output.shape)
end

--- The number of faces with a point.
function Landmarks.labelled(_, target)
  return target:eq(target):reshape(target:size(1), -1):any(2):sum():item()
end

--- The number of values over which the loss is a mean.
function Landmarks:divisor(target) return point_losses[self.loss_kind].divisor(self, target) end

local function want_eyes(self)
  if not self.eyes then
    check.fail("mtl.landmarks: errors are relative to the eyes, and eyes is false: make the task "
      .. "with eyes = {i, j}")
  end
end

--- The landmark error of each face (n); NaN if it is undefined. Images are taken as square, unless
-- a batch is given.
function Landmarks:errors(output, target, batch)
  want_eyes(self)
  local aspect <const> = as_points.aspect(batch)
  return as_points.mean(as_points.distances(self:places(output), target, aspect))
    / eyes.distance(target, self.eyes, aspect)
end

-- The default metrics; `finish` hides the box metrics if the batches have no boxes.
local function usual(self)
  local list = {}
  if self.eyes then
    list = {"error", "failure", "auc",
      {name = "point_accuracy", options = {alpha = self.alpha}}}
  end
  table.move({"distance", "box_error", "box_failure"}, 1, 3, #list + 1, list)
  return list
end

-- Adds lists of errors and counts of left-out faces to the metrics.
local function finish(self, m, set)
  local by_eyes <const>, by_box <const> = set:errors("eyes"), set:errors("box")
  local any <const> = set:errors("none") or by_eyes or by_box
  m.without_points = any and any.missing
  m.points, m.point_accuracy_each = m.point_accuracy_each, nil
  if by_eyes and self.eyes then m.errors, m.without_eyes = by_eyes.errors, by_eyes:without() end
  if by_box and by_box.told then
    m.box_errors, m.without_box = by_box.errors, by_box:without()
  elseif not self.chosen and m.undefined then
    m.undefined.box_error, m.undefined.box_failure = nil, nil
    if next(m.undefined) == nil then m.undefined = nil end
  end
end

-- The errors as text: "0.0812 (fail 20.1%, 3 without eyes)".
local function words(error, failure, without, what)
  if not error then return ("no error (%d without %s)"):format(without, what) end
  return format("%.4f (fail %4.1f%%%s)", error, 100 * failure,
    without > 0 and format(", %d without %s", without, what) or "")
end

local function show(_, m)
  local by_eyes <const> = m.errors and words(m.error, m.failure, m.without_eyes, "eyes")
  local by_box <const> = m.box_errors and words(m.box_error, m.box_failure, m.without_box, "a box")
  if not (by_eyes or by_box) then
    return m.distance and format("%.4f off", m.distance) or "no points"
  end
  return (by_eyes or "") .. (by_eyes and by_box and ", " or "") .. (by_box and "of the box "
    .. by_box or "")
end

judged.kind(Landmarks, {what = "mtl.landmarks", metrics = usual, finish = finish, show = show,
  known = function(_, target)
    return target:eq(target):reshape(target:size(1), -1):any(2)
  end,
  forms = {points = {
    told = function(self)
      return {points = self.points, problems = 1,
        eyes = self.eyes or nil}
    end,
    shown = function(self, output, target) return self:places(output), target end,
  }}})

return Landmarks
