--- Transforms of colours and of whole batches, which leave each pixel of a picture in its place.
-- transforms.lua adds them to the transforms of geometry.

local check <const> = require "braid.check"
local step <const> = require "braid.data.step"

local argument <const>, choice <const>, number <const> = check.argument, check.choice, check.number
local SHARE <const> = number{1, from = 0, to = 1}

local M <const> = {}

-- Makes a transform of whole batches (blending.lua).
local function of_batches(name, usual)
  local options <const> = check.declare("data." .. name, {
    alpha = argument(number{usual, above = 0, to = 4}),
  })
  return function(value)
    local o <const> = check.options(options, nil, {alpha = value})
    return step.blend(name, o.alpha)
  end
end

--- Mixes each sample of a batch with another sample of it (Zhang, Cisse, Dauphin and Lopez-Paz
-- 2018): pictures become s x + (1 - s) x', where the share s of a batch is drawn from Beta(alpha,
-- alpha). The labels of x stay as they are, whatever their kind, and the labels of x' are added:
-- batch.mixed = {share = s, other = {name = labels of x'}}. tasks:loss takes s times the loss for
-- the labels of x plus 1 - s times the loss for the labels of x'. For classes this is cross-entropy
-- with soft targets.
-- @usage data.mixup(0.2)
M.mixup = of_batches("mixup", 0.2)

--- Puts a rectangle of another picture of the batch into each (Yun, Han, Oh, Chun, Choe and Yoo
-- 2019). It covers a share 1 - s of the area, with s from Beta(alpha, alpha). If the edge cuts it
-- off, s becomes the share that the picture keeps. batch.mixed has the labels of the other sample,
-- as for data.mixup. If both transforms are given, a batch gets one of them at random.
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

--- Multiplies each colour's distance from the picture's mean gray by a factor from 1 - spread to
-- 1 + spread.
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

--- Adds normal noise. Its standard deviation is a share of the range of colours (255).
-- @usage data.noise(0.05)
M.noise = of_one("noise", "deviation", number{from = 0, to = 10})

--- Blurs by a Gaussian whose standard deviation is random, from 0 to `most` pixels.
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
  if o.least > o.most then return "least must not be above most" end
end)

--- Fills a rectangle at a random place, with the given probability (Zhong, Zheng, Kang, Li and Yang
-- 2017): it has from `least` to `most` of the picture's area, its longer side is up to `ratio`
-- times the shorter one, and it has the colour `value`, or noise with value = "noise". Points that
-- it covers stay labels.
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
  if o.least > o.most then return "least must not be above most" end
end)

--- Compresses the picture as a JPEG of a random quality from `least` to `most`, with the given
-- probability, and decodes it again.
-- @usage data.jpeg{least = 20, most = 60}
function M.jpeg(given)
  if type(given) == "number" then given = {least = given, most = given} end
  local o <const> = check.options(JPEG, given)
  return step("jpeg", o.least, o.most, o.probability)
end

--- Shifts and scales each picture to mean 0 and deviation 1.
-- @usage data.whiten()
function M.whiten() return step("whiten") end

-- Checks one number for all channels, or a list of one number for each channel (1 or 3).
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

--- Computes (x / 255 - mean) / std. mean and std are numbers, or lists {red, green, blue}.
-- @usage data.normalize{mean = {0.485, 0.456, 0.406}, std = {0.229, 0.224, 0.225}}
function M.normalize(given)
  local o <const> = check.options(NORMALIZE, given)
  local m1 <const>, m2 <const>, m3 <const> = channels(o.mean)
  local s1 <const>, s2 <const>, s3 <const> = channels(o.std)
  return step("normalize", m1, m2, m3, 0, s1, s2, s3, 1)
end

return M
