--- Transforms: what a loader does to pictures and to their labels.
--
-- data.loader takes a list of them as `transforms`; each is also a field of braid.data. Geometric
-- transforms (crop, resize, align, augment, perspective, elastic) that follow each other are done
-- in one interpolation, and points and boxes move with them. Only a resize that comes before all
-- random transforms makes an intermediate picture of bytes, which a cache can keep. Colours are
-- from 0 to 255; the last transform may be whiten or normalize, which change this range. The random
-- numbers of a sample depend on the seed, the epoch and the sample's place in the epoch.
-- @usage
-- local steps <const> = {data.crop{margin = 1.2}, data.augment{rotate = 15, flip = 0.5,
--   size = 60}, data.brightness(0.2), data.whiten()}

local check <const> = require "braid.check"
local copied <const> = require "braid.copied"
local eyes <const> = require "braid.data.eyes"
local format <const> = require "braid.format"
local step <const> = require "braid.data.step"

local argument <const>, choice <const>, flag <const> = check.argument, check.choice, check.flag
local number <const>, size <const> = check.number, check.whole{from = 1, to = 1 << 20}

local M <const> = {}

local FILTER <const> = {area = 1, bilinear = 0}
local BY <const> = {box = 0, points = 1, middle = 2}

local CROP <const> = check.declare("data.crop", {
  margin = number{1, from = 1e-3, to = 1e3}, square = flag(true),
  by = choice{"box", "points", "middle"},
})

--- Crops to the sample's box (without one, the whole picture), or with by = "points" to the
-- rectangle around its points. The rectangle is made `margin` times as wide and high about its
-- middle, and square unless square = false. Outside the picture the edge pixels repeat.
-- @usage data.crop{margin = 1.2}
function M.crop(given)
  if type(given) == "number" then given = {margin = given} end
  local o <const> = check.options(CROP, given)
  return step("crop", o.margin, o.square and 1 or 0, BY[o.by])
end

local RESIZE <const> = check.declare("data.resize", {
  height = argument(size), width = argument(size), filter = choice{"area", "bilinear"},
})

--- Resizes to h x w pixels (by default w = h). filter = "area" (the default) takes means if the
-- picture becomes smaller; "bilinear" does not.
-- @usage data.resize(64)   data.resize(48, 64, {filter = "bilinear"})
function M.resize(h, w, given)
  if given == nil and type(w) == "table" then w, given = nil, w end
  if w == nil then w = h end
  local o <const> = check.options(RESIZE, given, {height = h, width = w})
  return step("resize", w, h, FILTER[o.filter])
end

local ALIGN <const> = check.declare("data.align", {
  eyes = eyes.KIND,
  height = number{0.35, from = 0, to = 1}, distance = number{0.4, from = 0.01, to = 1},
  size = check.needed(size),
})

--- Turns, scales and shifts the picture so that the two eyes are level. They are `height` from the
-- top and `distance` apart, both as shares of the side `size`. If an eye is missing, the picture is
-- only resized. eyes = {i, j} are the eyes' points; eyes = {{...}, {...}} takes the mean of several
-- points for each eye. The default is the eyes that the data set names.
-- @usage data.align{eyes = {1, 2}, size = 40}
function M.align(given)
  local o <const> = check.options(ALIGN, given)
  local result <const> = step("align", 0, o.height, o.distance, o.size)
  result.turns, result.eyes = true, o.eyes
  return result
end

local SHIFT <const> = number{0, from = 0, to = 100}
local AUGMENT <const> = check.declare("data.augment", {
  rotate = number{0, from = 0, to = 180}, scale = number{0, from = 0, to = 0.99},
  shift = check.either(SHIFT, check.list{of = SHIFT, n = 2}), flip = number{0, from = 0, to = 1},
  shear = number{0, from = 0, to = 80}, size = size,
  inner = number{above = 0},
  filter = choice{"area", "bilinear"},
})

--- Applies a random rotation (degrees, either way), scale (1 +- scale), shift (as a share of the
-- side; {across, down} for two values), mirror image (with probability flip) and shear (degrees),
-- all in one step. The result has `size` pixels a side (default: the picture's size) and shows the
-- middle `inner` pixels (default: the data set's `inner`, or all).
-- @usage data.augment{rotate = 15, scale = 0.1, flip = 0.5, size = 40}
function M.augment(given)
  local o <const> = check.options(AUGMENT, given)
  local shift <const> = type(o.shift) == "table" and o.shift or {o.shift, o.shift}
  local result <const> = step("augment", o.rotate, o.scale, shift[1], o.flip, o.shear,
    o.size or 0, o.size or 0, o.inner or -1, FILTER[o.filter], shift[2])
  result.flips, result.turns = o.flip > 0, o.rotate > 0 or o.shear > 0
  return result
end

local SHARE <const> = number{1, from = 0, to = 1}
local PERSPECTIVE <const> = check.declare("data.perspective", {
  amount = number{0.3, from = 0, to = 0.6}, probability = SHARE,
})

--- Shows the picture as a plane seen from another side, with the given probability: each corner
-- moves inwards at random, by up to half of `amount` of the width and of the height. Points and
-- boxes move along (a box becomes the upright box around its moved edges). Labels of the kinds roll
-- and width change as the middle half of the picture does.
-- @usage data.perspective(0.3)
function M.perspective(given)
  if type(given) == "number" then given = {amount = given} end
  local o <const> = check.options(PERSPECTIVE, given)
  local result <const> = step("perspective", o.amount, o.probability)
  result.turns = o.amount > 0
  return result
end

-- A displacement of more than this share of a cell may fold the picture.
local UNFOLDED <const> = 0.48
local ELASTIC <const> = check.declare("data.elastic", {
  amount = number{0.05, from = 0, to = UNFOLDED}, cells = check.whole{4, from = 1, to = 12},
  probability = SHARE,
}, function(o)
  if o.amount * o.cells > UNFOLDED then
    return format("amount is at most %.2f / cells, or the picture folds", UNFOLDED)
  end
end)

--- Bends the picture like rubber, with the given probability (Simard, Steinkraus and Platt 2003; by
-- cubic B-splines, Rueckert et al. 1999). A grid of `cells` x `cells` is moved at random, by up
-- to `amount` of the width and of the height. Nothing folds, so each point and box has one place in
-- the result. Labels of the kinds roll and width change as the middle half of the picture does.
-- @usage data.elastic{amount = 0.06, cells = 5}
function M.elastic(given)
  if type(given) == "number" then given = {amount = given} end
  local o <const> = check.options(ELASTIC, given)
  local result <const> = step("elastic", o.amount, o.cells, o.probability)
  result.turns = o.amount > 0
  return result
end

local LANDMARK_BINS <const> = check.declare("data.landmark_bins", {
  label = argument(check.text("landmarks")), pixels = number{1, from = 0.01, to = 1e4},
  as = check.text(),
})

--- Turns each coordinate of the points `label` into a class from 1: the bin that it is in. A bin is
-- `pixels` pixels of the result; a point that is missing or outside gives -100. The classes become
-- the label `as`, or replace the points.
-- @usage data.landmark_bins("landmarks")
function M.landmark_bins(label, given)
  local o <const> = check.options(LANDMARK_BINS, given, {label = label})
  return {label = o.label, as = o.as, kind = "points", bin = o.pixels, bins = 0}
end

local POSE_BINS <const> = check.declare("data.pose_bins", {
  label = argument(check.text("yaw")), width = number{30, from = 1e-6, to = 360},
  bins = check.whole{5, from = 1, to = 9999}, as = check.text(),
  unit = choice{"degrees", "radians"},
  kind = check.optional(choice{"yaw", "pitch", "roll", "-roll"}),
})

--- Turns an angle into a class: one of `bins` bins, each `width` degrees wide. The middle bin is
-- around 0; with an even number of bins, two meet at 0. The first and the last bin have no outer
-- limit. The label is in degrees, unless `unit` says radians. `kind` names the angle if the data
-- set does not (follow.lua). The bin is that of the angle after mirroring and turning.
-- @usage data.pose_bins("yaw", {bins = 5, width = 30})
function M.pose_bins(label, given)
  local o <const> = check.options(POSE_BINS, given, {label = label})
  return {label = o.label, as = o.as, kind = "real", bins = o.bins, bin = o.width, angle = o.kind,
    unit = o.unit == "radians" and 180 / math.pi or nil}
end

-- Stores in each transform the call that made it, so that a file can keep it (recipe.lua).
local function remembering(name, f)
  return function(...)
    local made <const> = f(...)
    made.call = copied({name, ...}, function(t) return t end)
    return made
  end
end

for name, f in pairs(require "braid.data.colours") do M[name] = f end
for name, f in pairs(M) do M[name] = remembering(name, check.fixed("data." .. name, f)) end

return M
