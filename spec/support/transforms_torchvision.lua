--- Compares transforms with torchvision's of the same settings, on a rendered face:
-- `TORCH_PYTHON=python build/braid spec/support/transforms_torchvision.lua`. Random settings (an
-- exponent, a turn of hue, places of corners) are computed from the results, and torchvision gets
-- the same settings.

local braid <const> = require "braid"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

local PYTHON <const> = os.getenv("TORCH_PYTHON") or "python3"
local SIDE <const> = 96
local EDGES <const> = { {-0.5, -0.5}, {SIDE - 0.5, -0.5}, {SIDE - 0.5, SIDE - 0.5},
  {-0.5, SIDE - 0.5} } -- the corners of a picture, clockwise

local face <const> = data.faces{n = 1, size = SIDE, channels = 3, val = 1, test = 1}.train.images
local set <const> = Dataset{images = face, labels = {corners = braid.tensor{EDGES}},
  points = {corners = {flip = {2, 1, 4, 3}}}}

local function seen(...)
  return data.loader(set, {batch = 1, transforms = {...}})()
end

local file <const> = os.tmpname() .. ".npz"
local bent <const> = seen(data.perspective(0.4)) -- averages pixels where it shrinks
local skipping <const> = seen(data.augment{filter = "bilinear"}, data.perspective(0.4))
braid.save(file, {picture = face[1], gamma = seen(data.gamma(0.7)).image[1],
  hue = seen(data.hue(0.3)).image[1], blur = seen(data.blur(2)).image[1],
  jpeg = seen(data.jpeg(35)).image[1], perspective = bent.image[1],
  skipping = skipping.image[1], corners2 = (skipping.corners[1] + 1) * (SIDE / 2),
  corners = (bent.corners[1] + 1) * (SIDE / 2)})
local ok <const> = os.execute(("%s %s %s"):format(PYTHON,
  arg[0]:gsub("%.lua$", ".py"), file))
os.remove(file)
os.exit(ok and 0 or 1)
