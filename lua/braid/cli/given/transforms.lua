--- Draws each transform of braid.data on a picture: a rendered face with its points and a box, or
-- the picture in a file.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local Dataset <const> = require "braid.data.dataset"
local schemes <const> = require "braid.data.schemes"

local M <const> = {}

local SIDE <const>, ACROSS <const>, MARGIN <const> = 128, 3, 8
local SEED <const> = 11 -- of the faces
local EPOCHS <const> = {1, 2, 8} -- of a transform's draws: their random numbers are far apart
-- Each transform with settings that can be seen.
local SHOWN <const> = {
  {"crop", {by = "points", margin = 1.4}}, {"resize", 24},
  {"align", {size = SIDE, height = 0.4, distance = 0.4}},
  {"augment", {rotate = 30}}, {"augment", {scale = 0.4}}, {"augment", {shift = 0.2}},
  {"augment", {shear = 25}}, {"augment", {flip = 1}}, {"perspective", 0.5},
  {"elastic", {amount = 0.08, cells = 5}}, {"brightness", 0.5}, {"contrast", 0.7},
  {"saturation", 0.9}, {"hue", 0.2}, {"gamma", 1}, {"gray", 0.5}, {"equalize", 1}, {"blur", 3},
  {"noise", 0.1}, {"jpeg", {least = 5, most = 20}}, {"cutout", 0.4},
  {"erase", {probability = 1}}, {"erase", {probability = 1, value = "noise"}}, {"mixup", 1},
  {"cutmix", 1}, {"whiten"}, {"normalize", {}},
}
-- Transforms whose results are not from 0 to 255, by {factor, shift}: the picture that is drawn is
-- result * factor + shift.
local STRETCHED <const> = {whiten = {48, 128}, normalize = {127.5, 127.5}}

local function call_text(row)
  local name <const>, value <const> = row[1], row[2]
  if type(value) ~= "table" then return ("%s(%s)"):format(name, value or "") end
  local words <const> = {}
  for _, key in ipairs(check.sorted_keys(value)) do
    words[#words + 1] = ("%s = %s"):format(key, check.shown(value[key]))
  end
  return ("%s{%s}"):format(name, table.concat(words, ", "))
end

-- Two rendered faces; the box is a square around the points.
local function faces()
  local set <const> = data.faces{n = 2, size = SIDE, channels = 3, seed = SEED,
    val = 1, test = 1}.train
  local points <const> = set.labels.landmarks
  local low <const>, high <const> = points:min(2) - MARGIN, points:max(2) + MARGIN
  return Dataset{images = set.images, points = {landmarks = schemes.FIVE},
    labels = {landmarks = points, face = core.ops.cat({low, high}, 2)}, kinds = {face = "box"}}
end

-- The picture of a file and its mirror image, which mixup and cutmix take.
local function of_file(path)
  local image <const> = require("braid.io").load(path)
  if not core.is_tensor(image) or image:dim() ~= 3 then
    check.fail("show transforms: %s is not a picture", path)
  end
  local both <const> = core.ops.stack({image, image:flip{3}})
  local shown <const> = data.loader(Dataset{images = both, labels = {}}, {batch = 2, enlarge = true,
    transforms = {data.crop{by = "middle"}, data.resize(SIDE)}})().image
  return Dataset{images = shown:round():to("uint8"), labels = {}}
end

-- One draw of a transform: the picture as bytes, its points and box in pixels or nil.
local function drawn(set, row, draw)
  local steps <const> = {data[row[1]](row[2])}
  if row[1] == "resize" or row[1] == "crop" then steps[2] = data.resize(SIDE) end
  local batch <const> = data.loader(set, {batch = 2, epoch = EPOCHS[draw], enlarge = true,
    transforms = steps})()
  local stretch <const> = STRETCHED[row[1]] or {1, 0}
  local image <const> = (batch.image[1] * stretch[1] + stretch[2]):clamp(0, 255):round()
    :to("uint8")
  local function pixels(t) return t and (t[1] + 1) * (SIDE / 2) - 0.5 end
  return image, pixels(batch.landmarks), pixels(batch.face)
end

-- Whether a transform can be drawn on these pictures: some need points.
local function fits(set, row)
  local value <const> = row[2]
  return set.labels.landmarks ~= nil
    or row[1] ~= "align" and not (type(value) == "table" and value.by == "points")
end

--- Draws the transforms on the picture at a path, or on a rendered face, into the PNG `out`.
-- Returns their calls as texts.
function M.draw(path, out)
  local set <const> = path and of_file(path) or faces()
  local images <const>, points <const>, boxes <const>, captions <const>, calls <const> =
    {}, {}, {}, {}, {}
  for _, row in ipairs(SHOWN) do
    if fits(set, row) then
      calls[#calls + 1] = call_text(row)
      for draw = 1, #EPOCHS do
        local at <const> = (#calls - 1) * #EPOCHS + draw
        images[at], points[at], boxes[at] = drawn(set, row, draw)
        captions[at] = draw == 1 and calls[#calls]:gsub(" = ", "=") or ""
      end
    end
  end
  local marked <const> = #points > 0
  local all <const> = Dataset{images = core.ops.stack(images),
    labels = {landmarks = marked and core.ops.stack(points) or nil},
    boxes = marked and core.ops.stack(boxes) or nil}
  data.show(all, #images, out, {columns = ACROSS * #EPOCHS, side = SIDE, captions = captions})
  return calls
end

return M
