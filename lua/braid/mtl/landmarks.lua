--- The landmark task: points (n,points,2) in [-1, 1] across the image, NaN missing.
--
-- Loss: half the squared error, summed over coordinates, over n (Abrahamsson, Gruneau and
-- Zuber, equation 2, after Zhang et al. 2014). Metrics, of distances over the inter-ocular
-- distance (the true one, between the first two points):
--   error     the landmark error, the mean over a face's points, of all faces
--   failure   the share of faces whose landmark error is above 0.10
--   auc       the area under the curve of errors up to 0.10, over 0.10 (see mtl.ced)
--   points    for each point the share of faces where it is off by `alpha` (0.10) at most
--             (Matsui et al. 2019, equation 2), and point_accuracy, their mean
--   errors    each face's landmark error
-- An output that is NaN is infinitely far from where it should be: a failure, never left out.
-- With box = 1.1, an image that shows 1.1 widths of the face's box, also box_error, distances
-- over the box's width, and box_failure, the share of faces above 0.05.
-- @usage mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}, weight = 1}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local ratio <const> = require "braid.mtl.ratio"
local flips <const> = require "braid.mtl.flips"
local ops <const> = core.ops

local Landmarks <const> = class.guarded(class "Landmarks")
Landmarks.FAILURE, Landmarks.BOX_FAILURE = 0.10, 0.05

local OPTIONS <const> = check.declare("mtl.landmarks", {
  points = check.whole{5, from = 1}, flip = check.list{of = check.whole{from = 1}},
  weight = check.number{1, from = 0}, alpha = check.number{0.10, above = 0},
  box = check.number{above = 0},
}, function(o) return o.flip and flips.wrong(o.flip, o.points, "points") end)

function Landmarks:init(given)
  local o <const> = check.options(OPTIONS, given)
  self.points, self.flip, self.weight = o.points, o.flip, o.weight
  self.alpha, self.box = o.alpha, o.box
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

-- The distance of each point (n,points), NaN where there is none in the target, infinite where
-- the output is NaN; and the eyes' (n).
local function distances(self, output, target)
  local places <const> = self:places(output)
  local lost <const> = places:ne(places):any(3):logical_and(target:eq(target):all(3))
  local apart <const> = (places - target):square():sum(3):sqrt():masked_fill(lost, math.huge)
  return apart, (target[{ {}, 1 }] - target[{ {}, 2 }]):square():sum(2):sqrt()
end

-- The mean over a face's points (n).
local function mean_of(apart)
  local there <const> = apart:eq(apart)
  if there:all():item() then return apart:mean(2) end
  return ops.masked_fill(apart, there:logical_not(), 0):sum(2) / there:sum(2)
end

--- The landmark error of each face (n); NaN where it cannot be told.
function Landmarks:errors(output, target)
  local apart <const>, eyes <const> = distances(self, output, target)
  return mean_of(apart) / eyes
end

-- Adds each number that is one to a list.
local function append(list, values)
  for _, v in ipairs(values:totable()) do
    if v == v then list[#list + 1] = v end
  end
end

--- Adds a batch to running sums.
function Landmarks:observe(sums, output, target)
  local apart <const>, eyes <const> = distances(self, output, target)
  sums.errors, sums.box = sums.errors or {}, sums.box or {}
  append(sums.errors, self:errors(output, target))
  if self.box then append(sums.box, mean_of(apart) * (self.box / 2)) end
  local relative <const> = apart / eyes:reshape(-1, 1)
  local near <const> = relative:le(self.alpha):sum(1):totable()
  local told <const> = relative:eq(relative):sum(1):totable()
  sums.near, sums.told = sums.near or {}, sums.told or {}
  for p = 1, self.points do
    sums.near[p] = (sums.near[p] or 0) + near[p]
    sums.told[p] = (sums.told[p] or 0) + told[p]
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

--- Metrics by name, from the sums.
function Landmarks:metrics(sums)
  local m <const> = {points = {}, errors = sums.errors}
  m.error, m.failure, m.auc = summary(sums.errors, self.FAILURE)
  local total, seen = 0.0, 0
  for p = 1, self.points do
    m.points[p] = ratio(sums.near[p], sums.told[p])
    if sums.told[p] > 0 then total, seen = total + m.points[p], seen + 1 end
  end
  m.point_accuracy = ratio(total, seen)
  if self.box then m.box_error, m.box_failure = summary(sums.box, self.BOX_FAILURE) end
  return m
end

function Landmarks.show(_, m)
  return format("%.4f (fail %4.1f%%)", m.error, 100 * m.failure)
end

return Landmarks
