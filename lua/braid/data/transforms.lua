--- Transforms: what a loader does to pictures and to their labels.
--
-- data.loader takes a list of them as `transforms`; each is also a field of braid.data. Geometric
-- transforms (crop, resize, align, augment, perspective, elastic) that follow each other are done
-- in one interpolation, and points and boxes move with them. Only a resize before anything random
-- makes an intermediate picture of bytes, which a cache can keep. Colours are from 0 to 255 until
-- whiten or normalize, one of which may come last. The random numbers of a sample depend on the
-- seed, the epoch and the sample's place in the epoch.
-- @usage
-- local steps <const> = {data.crop{margin = 1.2}, data.augment{rotate = 15, flip = 0.5,
--   size = 60}, data.brightness(0.2), data.whiten()}

local check <const> = require "braid.check"
local copied <const> = require "braid.copied"
local eyes <const> = require "braid.data.eyes"
local format <const> = require "braid.format"

local argument <const>, choice <const>, flag <const> = check.argument, check.choice, check.flag
local number <const>, size <const> = check.number, check.whole{from = 1, to = 1 << 20}

local M <const> = {}

local FILTER <const> = {area = 1, bilinear = 0}
local BY <const> = {box = 0, points = 1, middle = 2}

-- A step: its name and the numbers for csrc/load/recipe.c.
local STEP <const> = {__name = "transform", __tostring = function(t)
  local words <const> = {}
  for i, value in ipairs(t.step or {t.blend, t.alpha}) do
    words[i] = math.type(value) == "float" and format("%.4g", value) or tostring(value)
  end
  return ("data.%s (%s)"):format(words[1], table.concat(words, ", ", 2))
end}

local function step(...) return setmetatable({step = {...}}, STEP) end

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
-- boxes move along (a box becomes the upright box around its moved edges). A roll and a width
-- change as the middle half of the picture does.
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
    return ("amount is at most %.2f / cells, or the picture folds"):format(UNFOLDED)
  end
end)

--- Bends the picture like rubber, with the given probability (Simard, Steinkraus and Platt 2003; by
-- cubic B-splines, Rueckert et al. 1999). A grid of `cells` x `cells` is moved at random, by up
-- to `amount` of the width and of the height. Nothing folds, so each point and box has one place in
-- the result. A roll and a width change as the middle half of the picture does.
-- @usage data.elastic{amount = 0.06, cells = 5}
function M.elastic(given)
  if type(given) == "number" then given = {amount = given} end
  local o <const> = check.options(ELASTIC, given)
  local result <const> = step("elastic", o.amount, o.cells, o.probability)
  result.turns = o.amount > 0
  return result
end

-- Makes a transform of whole batches (blending.lua).
local function of_batches(name, usual)
  local options <const> = check.declare("data." .. name, {
    alpha = argument(number{usual, above = 0, to = 4}),
  })
  return function(value)
    local o <const> = check.options(options, nil, {alpha = value})
    return setmetatable({blend = name, alpha = o.alpha}, STEP)
  end
end

--- Mixes each sample of a batch with another one of it (Zhang, Cisse, Dauphin and Lopez-Paz 2018):
-- pictures become s x + (1 - s) x', where the share s of a batch is drawn from Beta(alpha, alpha).
-- Labels of every kind stay, as pairs: batch.mixed = {share = s, other = {name = labels of x'}}.
-- tasks:loss takes s times the loss for the one and 1 - s times that for the other, which for
-- classes is cross-entropy with soft targets.
-- @usage data.mixup(0.2)
M.mixup = of_batches("mixup", 0.2)

--- Puts a rectangle of another picture of the batch into each (Yun, Han, Oh, Chun, Choe and Yoo
-- 2019). Its area is a share 1 - s with s from Beta(alpha, alpha); it is cut off at the edge, and s
-- is then the share that the picture keeps. Labels stay as pairs, as those of data.mixup. With both
-- transforms, a batch gets one of them at random.
-- @usage data.cutmix(1)
M.cutmix = of_batches("cutmix", 1)

-- Makes a transform that has one number, an argument called `key`.
local function of_one(name, key, kind)
  local options <const> = check.declare("data." .. name, {[key] = argument(kind)})
  return function(value) return step(name, check.options(options, nil, {[key] = value})[key]) end
end

--- Multiplies the colours by a random factor from 1 - spread to 1 + spread.
-- @usage data.brightness(0.2)
M.brightness = of_one("brightness", "spread", number{from = 0, to = 1e3})

--- Multiplies each colour's distance from the mean by a factor from 1 - spread to 1 + spread.
-- @usage data.contrast(0.2)
M.contrast = of_one("contrast", "spread", number{from = 0, to = 1e3})

--- Multiplies each colour's distance from gray by a factor from 1 - spread to 1 + spread.
-- @usage data.saturation(0.2)
M.saturation = of_one("saturation", "spread", number{from = 0, to = 1e3})

--- Makes the picture gray, with the given probability (default 1).
-- @usage data.gray(0.1)
M.gray = of_one("gray", "probability", number{1, from = 0, to = 1})

--- Equalises the histogram of each channel, with the given probability (default 1).
-- @usage data.equalize(0.5)
M.equalize = of_one("equalize", "probability", number{1, from = 0, to = 1})

--- Adds normal noise; its deviation is a share of the range of colours.
-- @usage data.noise(0.05)
M.noise = of_one("noise", "deviation", number{from = 0, to = 10})

--- Blurs by a Gaussian whose deviation is random, from 0 to `most` pixels.
-- @usage data.blur(1.5)
M.blur = of_one("blur", "most", number{from = 0, to = 10})

local CUTOUT <const> = check.declare("data.cutout", {
  side = number{0.25, from = 0, to = 2}, probability = number{1, from = 0, to = 1},
  value = number{127.5, from = 0, to = 255},
})

--- Fills a square at a random place with the colour `value` (DeVries and Taylor 2017). `side` is
-- its width as a share of the picture's shorter side.
-- @usage data.cutout(0.25)
function M.cutout(given)
  if type(given) == "number" then given = {side = given} end
  local o <const> = check.options(CUTOUT, given)
  return step("cutout", o.side, o.probability, o.value)
end

local ERASE <const> = check.declare("data.erase", {
  least = number{0.02, from = 0, to = 1}, most = number{0.33, from = 0, to = 1},
  ratio = number{3.3, from = 1, to = 100}, probability = number{0.5, from = 0, to = 1},
  value = check.either(number{127.5, from = 0, to = 255}, choice{"noise"}),
}, function(o)
  if o.least > o.most then return "least at most as large as most" end
end)

--- Fills a rectangle at a random place, with the given probability (Zhong, Zheng, Kang, Li and Yang
-- 2017): from `least` to `most` of the picture's area, up to `ratio` times as wide as high or as
-- high as wide, with the colour `value` or with value = "noise". Points under it stay labels.
-- @usage data.erase{probability = 0.5, value = "noise"}
function M.erase(given)
  if type(given) == "number" then given = {probability = given} end
  local o <const> = check.options(ERASE, given)
  return step("erase", o.least, o.most, o.ratio, o.probability,
    o.value == "noise" and -1 or o.value)
end

--- Takes each colour, as a share of 255, to the power of a random exponent from 1 / (1 + spread) to
-- 1 + spread.
-- @usage data.gamma(0.5)
M.gamma = of_one("gamma", "spread", number{from = 0, to = 100})

--- Turns the hues (of HSV) by a random share of the circle from -spread to spread. A gray picture
-- does not change.
-- @usage data.hue(0.05)
M.hue = of_one("hue", "spread", number{from = 0, to = 0.5})

local JPEG <const> = check.declare("data.jpeg", {
  least = check.whole{30, from = 1, to = 100}, most = check.whole{90, from = 1, to = 100},
  probability = SHARE,
}, function(o)
  if o.least > o.most then return "least at most as large as most" end
end)

--- Compresses the picture as a JPEG of a random quality from `least` to `most`, with the given
-- probability, and shows what is left of it.
-- @usage data.jpeg{least = 20, most = 60}
function M.jpeg(given)
  if type(given) == "number" then given = {least = given, most = given} end
  local o <const> = check.options(JPEG, given)
  return step("jpeg", o.least, o.most, o.probability)
end

--- Shifts and scales each picture to mean 0 and deviation 1.
-- @usage data.whiten()
function M.whiten() return step("whiten") end

-- The kind of a number, or a list of one number for each channel (1 or 3).
local function colours(kind)
  return check.either(kind, check.list{of = kind, n = 1}, check.list{of = kind, n = 3})
end

local NORMALIZE <const> = check.declare("data.normalize", {
  mean = colours(number(0.5)), std = colours(number{0.5, from = 1e-6, to = 1e6}),
})

local function channels(value)
  if type(value) == "number" then return value, value, value end
  return value[1], value[2] or value[1], value[3] or value[1]
end

--- Computes (x / 255 - mean) / std, each a number or {red, green, blue}.
-- @usage data.normalize{mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225}}
function M.normalize(given)
  local o <const> = check.options(NORMALIZE, given)
  local m1 <const>, m2 <const>, m3 <const> = channels(o.mean)
  local s1 <const>, s2 <const>, s3 <const> = channels(o.std)
  return step("normalize", m1, m2, m3, 0, s1, s2, s3, 1)
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
-- around 0; with an even number, two bins meet at 0. The first and last bins have no outer limit.
-- The label is in degrees, unless `unit` says radians. `kind` names the angle if the data set does
-- not (follow.lua). The bin is that of the angle after mirroring and turning.
-- @usage data.pose_bins("yaw", {bins = 5, width = 30})
function M.pose_bins(label, given)
  local o <const> = check.options(POSE_BINS, given, {label = label})
  return {label = o.label, as = o.as, kind = "real", bins = o.bins, bin = o.width, angle = o.kind,
    unit = o.unit == "radians" and 180 / math.pi or nil}
end

-- A transform remembers the call that made it, so that a file can keep it (recipe.lua).
local function remembering(name, f)
  return function(...)
    local made <const> = f(...)
    made.call = copied({name, ...}, function(t) return t end)
    return made
  end
end

for name, f in pairs(M) do M[name] = remembering(name, check.fixed("data." .. name, f)) end

return M
