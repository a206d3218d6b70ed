--- Transforms: what a loader does to pictures, and with them to their labels.
--
-- A list of them goes to data.loader as `transforms`; each is also a field of braid.data.
-- Those of geometry (crop, resize, align, augment) that follow each other are carried out
-- in one interpolation, and points follow them; only a resize that comes before anything
-- random makes a picture of bytes of its own, which a cache can keep. Colours count from 0
-- to 255 until whiten or normalize, one of which may stand last. The random numbers of a
-- sample depend on seed, epoch and its place in the epoch.
-- @usage
-- local steps <const> = {data.crop{margin = 1.2}, data.augment{rotate = 15, flip = 0.5,
--   size = 60}, data.brightness(0.2), data.whiten()}

local check <const> = require "braid.check"

local M <const> = {}

local function number(what, value, least, most)
  if type(value) ~= "number" or value ~= value or value < least or value > most then
    error(("data.%s: must be a number from %g to %g, not %s"):format(what, least, most,
      tostring(value)), 3)
  end
  return value
end

local function choice(what, value, names)
  if names[value] then return names[value] end
  error(("data.%s must be %s, not %s"):format(what,
    table.concat(check.sorted_keys(names), " or "), tostring(value)), 3)
end

local FILTER <const> = {area = 1, bilinear = 0}
local BY <const> = {box = 0, points = 1, middle = 2}

-- A step: its name and the numbers that csrc/io/recipe.c wants.
local function step(...) return {step = {...}} end

--- The sample's box (the whole picture where there is none), or with by = "points" the
-- rectangle around its points; `margin` times as wide and high about its middle, made
-- square unless square = false. Outside the picture its edge pixels repeat.
function M.crop(given)
  if type(given) == "number" then given = {margin = given} end
  local o <const> = check.options("data.crop", given, {margin = 1, square = true, by = "box"})
  return step("crop", number("crop: margin", o.margin, 1e-3, 1e3), o.square and 1 or 0,
    choice("crop: by", o.by, BY))
end

--- To h x w pixels (w = h unless given), averaging where it shrinks with filter = "area",
-- which it is unless it is "bilinear".
function M.resize(h, w, given)
  if type(w) == "table" then w, given = nil, w end
  w = w or h
  local o <const> = check.options("data.resize", given, {filter = "area"})
  check.size("data.resize", "height", h)
  check.size("data.resize", "width", w)
  return step("resize", w, h, choice("resize: filter", o.filter, FILTER))
end

--- Turned, scaled and shifted so that the two eyes, points of those numbers, come to lie
-- level, `height` from the top and `distance` apart, in shares of the side `size`. Where
-- one is missing the picture is only resized.
function M.align(given)
  local o <const> = check.options("data.align", given,
    {eyes = {1, 2}, height = 0.35, distance = 0.4, size = check.none})
  check.size("data.align", "size", o.size)
  return step("align", check.size("data.align", "eyes", o.eyes[1]) - 1,
    check.size("data.align", "eyes", o.eyes[2]) - 1, number("align: height", o.height, 0, 1),
    number("align: distance", o.distance, 0.01, 1), o.size)
end

--- A random rotation (degrees, either way), scale (1 +- scale), shift (of the side; {across,
-- down} where they differ), mirror image (with probability flip) and shear (degrees), as one
-- map. The result has `size`
-- pixels a side (unless given: as many as there are) and shows the middle `inner` pixels
-- (unless given: what the data set calls the picture proper, or all).
function M.augment(given)
  local o <const> = check.options("data.augment", given, {rotate = 0, scale = 0, shift = 0,
    flip = 0, shear = 0, size = check.none, inner = check.none, filter = "area"})
  if o.size then check.size("data.augment", "size", o.size) end
  local shift <const> = type(o.shift) == "table" and o.shift or {o.shift, o.shift}
  local result <const> = step("augment", number("augment: rotate", o.rotate, 0, 180),
    number("augment: scale", o.scale, 0, 0.99), number("augment: shift", shift[1], 0, 100),
    number("augment: flip", o.flip, 0, 1), number("augment: shear", o.shear, 0, 80),
    o.size or 0, o.size or 0, o.inner or -1, choice("augment: filter", o.filter, FILTER),
    number("augment: shift", shift[2], 0, 100))
  result.flips = o.flip > 0
  return result
end

--- Times a factor from 1 - spread to 1 + spread.
function M.brightness(spread)
  return step("brightness", number("brightness", spread, 0, 1e3))
end

--- Distances from the mean times such a factor.
function M.contrast(spread) return step("contrast", number("contrast", spread, 0, 1e3)) end

--- Distances from gray times such a factor.
function M.saturation(spread)
  return step("saturation", number("saturation", spread, 0, 1e3))
end

--- Colours become gray, with that probability (1 unless given).
function M.gray(probability) return step("gray", number("gray", probability or 1, 0, 1)) end

--- Equalises the histogram of each channel, with that probability (1 unless given).
function M.equalize(probability)
  return step("equalize", number("equalize", probability or 1, 0, 1))
end

--- Adds normal noise; its deviation is a share of the range of colours.
function M.noise(deviation) return step("noise", number("noise", deviation, 0, 10)) end

--- Gaussian blur, its deviation drawn from 0 to `most` pixels.
function M.blur(most) return step("blur", number("blur", most, 0, 10)) end

--- A square somewhere in the picture, `side` of the shorter side wide, becomes the colour
-- `value` (DeVries and Taylor 2017).
function M.cutout(given)
  if type(given) == "number" then given = {side = given} end
  local o <const> = check.options("data.cutout", given, {side = 0.25,
    probability = 1, value = 127.5})
  return step("cutout", number("cutout: side", o.side, 0, 2),
    number("cutout: probability", o.probability, 0, 1), number("cutout: value", o.value, 0, 255))
end

--- Each picture to mean 0 and deviation 1.
function M.whiten() return step("whiten") end

local function channels(what, value)
  if type(value) == "number" then value = {value, value, value} end
  if type(value) ~= "table" or (#value ~= 1 and #value ~= 3) then
    error(("data.normalize: %s must be a number or one for each channel"):format(what), 3)
  end
  return value[1], value[2] or value[1], value[3] or value[1]
end

--- (x / 255 - mean) / std, each a number or {red, green, blue}.
function M.normalize(given)
  local o <const> = check.options("data.normalize", given, {mean = 0.5, std = 0.5})
  local m1 <const>, m2 <const>, m3 <const> = channels("mean", o.mean)
  local s1 <const>, s2 <const>, s3 <const> = channels("std", o.std)
  for _, s in ipairs{s1, s2, s3} do number("normalize: std", s, 1e-6, 1e6) end
  return step("normalize", m1, m2, m3, 0, s1, s2, s3, 1)
end

--- The points `label` as classes for each coordinate: from 1, bins of `pixels` pixels of
-- the result; -100 where the point is missing or outside. As label `as`, or in their place.
function M.landmark_bins(label, given)
  local o <const> = check.options("data.landmark_bins", given, {pixels = 1, as = check.none})
  return {label = label or "landmarks", as = o.as, kind = "points",
    bin = number("landmark_bins: pixels", o.pixels, 0.01, 1e4), bins = 0}
end

--- An angle in degrees as a class: `bins` of them, `width` wide, the middle one around 0;
-- what lies beyond belongs to the first and last.
function M.pose_bins(label, given)
  local o <const> = check.options("data.pose_bins", given, {width = 30, bins = 5, as = check.none})
  if check.size("data.pose_bins", "bins", o.bins) % 2 == 0 then
    error(("data.pose_bins: bins must be odd, not %d"):format(o.bins), 2)
  end
  return {label = label or "yaw", as = o.as, kind = "real", bins = o.bins,
    bin = number("pose_bins: width", o.width, 1e-6, 360)}
end

return M
