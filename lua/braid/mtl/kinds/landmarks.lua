--- The landmark task: points (n,points,2) in [-1, 1] across the image, NaN missing.
--
-- Loss: half the squared error, summed over coordinates, over n (Abrahamsson, Gruneau and
-- Zuber, equation 2, after Zhang et al. 2014); with reduction = "mean" the mean squared error over
-- the coordinates that are there (Matsui et al. 2019, section 3.2). Metrics, of distances over the
-- true inter-ocular distance, between the centres of the eyes (Trottier et al. 2018, section 4.1):
--   error     the landmark error, the mean over a face's points, of all faces
--   failure   the share of faces whose landmark error is above 0.10
--   auc       the area under the curve of errors up to 0.10, over 0.10 (see mtl.ced)
--   points    for each point the share of faces where it is off by `alpha` (0.10) at most
--             (Matsui et al. 2019, equation 2), and point_accuracy, their mean
--   errors    each face's landmark error
--   without_eyes   how many faces are not in these: an eye is missing, or both are in one place
-- Of distances over the width of the face's box, where the batch has `box_width` (n), as a loader
-- gives it of data with boxes: box_error, box_failure, the share of faces above 0.05, box_errors,
-- and without_box, how many faces have no box. Of distances alone, in half widths of the image:
-- distance. without_points counts faces that have no point. An output that is NaN is infinitely
-- far from where it should be: a failure, never left out. Distances are as in the batch's image,
-- in which a unit down is longer than one across where it is higher than wide.
--
-- eyes = {i, j} names the points that are the eyes, {{...}, {...}} those whose means are; of five
-- points they are the first two. eyes = false: there are none, and no metrics by them. of = a data
-- set takes points, flip and eyes from what its reader knows (ds.points).
-- Decision: an eye is missing where any of its points is, for the mean of the others is elsewhere.
-- @usage mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 1}
-- @usage mtl.landmarks{of = data.aflw(dir).train, weight = 0.5}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local eyes <const> = require "braid.mtl.tasks.eyes"
local ratio <const> = require "braid.mtl.tasks.ratio"
local flips <const> = require "braid.mtl.tasks.flips"
local ops <const> = core.ops

local Landmarks <const> = class.guarded(class "Landmarks")
Landmarks.FAILURE, Landmarks.BOX_FAILURE = 0.10, 0.05

local OPTIONS <const> = check.declare("mtl.landmarks", {
  points = check.whole{5, from = 1}, flip = check.list{of = check.whole{from = 1}},
  eyes = eyes.KIND, of = eyes.OF, weight = check.number{1, from = 0},
  alpha = check.number{0.10, above = 0}, reduction = check.choice{"sum", "mean"},
}, function(o)
  return o.flip and flips.wrong(o.flip, o.points, "points") or eyes.wrong(o.eyes, o.points)
end)

--- The fields that every task of points has, from options declared like those above.
function Landmarks:take(declared, given)
  local o <const> = check.options(declared, eyes.told(declared.what, given))
  self.points, self.flip, self.weight = o.points, o.flip, o.weight
  self.alpha, self.reduction, self.eyes = o.alpha, o.reduction, eyes.own(o.eyes, o.points)
  return o
end

function Landmarks:init(given)
  self:take(OPTIONS, given)
  self.size = 2 * self.points
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
  local filled <const> = known and ops.masked_fill(target, known:logical_not(), 0) or target
  local loss <const> = ops.mse(output, filled:reshape(n, -1),
    {reduction = self.reduction, mask = known and known:reshape(n, -1)})
  if self.reduction == "mean" then return loss end
  return loss * (0.5 / (known and math.max(self:labelled(target), 1) or n))
end

--- How many faces have a point.
function Landmarks.labelled(_, target)
  return target:eq(target):reshape(target:size(1), -1):any(2):sum():item()
end

-- The distance of each point (n,points), NaN where there is none in the target, infinite where
-- the output is NaN.
local function distances(self, output, target, aspect)
  local places <const> = self:places(output)
  local lost <const> = places:ne(places):any(3):logical_and(target:eq(target):all(3))
  return eyes.lengths(places - target, aspect):masked_fill(lost, math.huge)
end

-- How many times as high as wide the images of a batch are.
local function aspect_of(batch)
  local image <const> = batch and batch.image
  return core.is_tensor(image) and image:dim() == 4 and image:size(3) / image:size(4) or 1
end

-- The mean over a face's points (n).
local function mean_of(apart)
  local there <const> = apart:eq(apart)
  if there:all():item() then return apart:mean(2) end
  return ops.masked_fill(apart, there:logical_not(), 0):sum(2) / there:sum(2)
end

local function want_eyes(self)
  if not self.eyes then
    check.fail("mtl.landmarks: errors are relative to the eyes, and eyes is false")
  end
end

--- The landmark error of each face (n); NaN where it cannot be told. Images are square, but for
-- those of a batch.
function Landmarks:errors(output, target, batch)
  want_eyes(self)
  local aspect <const> = aspect_of(batch)
  return mean_of(distances(self, output, target, aspect))
    / eyes.distance(target, self.eyes, aspect)
end

-- Adds each number that is one to the list sums[name].
local function append(sums, name, values)
  local list <const> = sums[name] or {}
  sums[name] = list
  for _, v in ipairs(values:totable()) do
    if v == v then list[#list + 1] = v end
  end
end

-- Adds for each point how often it is near, and how often that can be told.
local function add_points(self, sums, relative)
  local near <const> = relative:le(self.alpha):sum(1):totable()
  local told <const> = relative:eq(relative):sum(1):totable()
  sums.near, sums.told = sums.near or {}, sums.told or {}
  for p = 1, self.points do
    sums.near[p] = (sums.near[p] or 0) + near[p]
    sums.told[p] = (sums.told[p] or 0) + told[p]
  end
end

local function check_widths(widths, n)
  if not core.is_tensor(widths) or widths:dim() ~= 1 or widths:size(1) ~= n then
    check.fail("mtl.landmarks: box_width of the batch must be a tensor (%d), the width of each "
      .. "face's box, not %s", n, check.shown(widths))
  end
end

--- Adds a batch to running sums.
function Landmarks:observe(sums, output, target, batch)
  local aspect <const>, widths <const> = aspect_of(batch), batch and batch.box_width
  local apart <const> = distances(self, output, target, aspect)
  local mean <const> = mean_of(apart)
  sums.faces = (sums.faces or 0) + target:size(1)
  append(sums, "distances", mean)
  if self.eyes then
    local between <const> = eyes.distance(target, self.eyes, aspect)
    append(sums, "errors", mean / between)
    add_points(self, sums, apart / between:reshape(-1, 1))
  end
  if widths then
    check_widths(widths, target:size(1))
    append(sums, "box_errors", mean / widths:masked_fill(widths:le(0), 0 / 0))
  end
end

-- The mean of numbers, the share above a limit, and the mean of 1 - v/limit where it is above
-- 0, which is the area under the curve of v up to the limit, over the limit.
local function summary(list, limit)
  local sum, above, area = 0.0, 0, 0.0
  for _, v in ipairs(list) do
    sum = sum + v
    if v > limit then above = above + 1 else area = area + 1 - v / limit end
  end
  return ratio(sum, #list), ratio(above, #list), ratio(area, #list)
end

-- The metrics by the eyes into m.
local function add_by_eyes(self, m, sums)
  m.errors, m.points, m.without_eyes = sums.errors, {}, #sums.distances - #sums.errors
  m.error, m.failure, m.auc = summary(sums.errors, self.FAILURE)
  local total, seen = 0.0, 0
  for p = 1, self.points do
    m.points[p] = ratio(sums.near[p], sums.told[p])
    if sums.told[p] > 0 then total, seen = total + m.points[p], seen + 1 end
  end
  m.point_accuracy = ratio(total, seen)
end

--- Metrics by name, from the sums.
function Landmarks:metrics(sums)
  local m <const> = {without_points = sums.faces - #sums.distances}
  m.distance = summary(sums.distances, math.huge)
  if self.eyes then add_by_eyes(self, m, sums) end
  if sums.box_errors then
    m.box_errors, m.without_box = sums.box_errors, #sums.distances - #sums.box_errors
    m.box_error, m.box_failure = summary(sums.box_errors, self.BOX_FAILURE)
  end
  return m
end

-- "0.0812 (fail 20.1%, 3 without eyes)"
local function words(error, failure, without, what)
  return format("%.4f (fail %4.1f%%%s)", error, 100 * failure,
    without > 0 and format(", %d without %s", without, what) or "")
end

function Landmarks.show(_, m)
  local by_eyes <const> = m.error and words(m.error, m.failure, m.without_eyes, "eyes")
  local by_box <const> = m.box_error and words(m.box_error, m.box_failure, m.without_box, "a box")
  if not (by_eyes or by_box) then return format("%.4f off", m.distance) end
  return (by_eyes or "") .. (by_eyes and by_box and ", " or "") .. (by_box and "of the box "
    .. by_box or "")
end

return Landmarks
