--- data.scenes: rendered pictures with several faces in each, their boxes, points and labels, for
-- detectors of faces.
--
-- data.scenes{n = 500, seed = 1} -> {train =, val =, test =}: n pictures to train on; val and test
-- have an eighth of n, or as many as the options `val` and `test` say. A sample is a face: set:rows
-- tells which picture it is in, and the labels are those of data.faces. Its box is a square around
-- the middle of the head. One picture in ten, but not the first, has no face and so no sample.
-- Faces do not overlap; there are other coloured shapes between them. Options: size (240; the side,
-- or {height, width}, in pixels), faces (4; the most in a picture), least and most (24 and 160; the
-- sides of the faces' boxes in pixels, as far as the picture has room). The same seed gives the
-- same pictures for every n.
-- @usage
-- local scenes <const> = data.scenes{n = 8, size = 120, seed = 1}
-- print(#scenes.train, scenes.train.boxes[1])

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local Dataset <const> = require "braid.data.dataset"
local schemes <const> = require "braid.data.schemes"
local tensor <const> = require "braid.tensor"
local ops <const> = core.ops

local FAR <const> = 1 << 32 -- the number of the first validation picture; test pictures: 2 * FAR
local EMPTY <const> = 0.1 -- the share of pictures without a face
local HEAD <const> = 0.8 -- side of the box, as a share of the rendered face's side
local TRIES <const> = 30 -- how many random places are tried for a face
local SMALLEST <const>, LARGEST <const> = 16, 512 -- sides of rendered faces

-- ---- random numbers of a picture ------------------------------------------------------------

-- A function that gives numbers from low to high, for picture i of a seed (splitmix64).
local function numbers(seed, i)
  local state = seed * 0x632BE59BD9B4E019 ~ (i + 1) * -0x61C8864680B583EB
  return function(low, high)
    state = state + -0x61C8864680B583EB
    local z = state
    z = (z ~ z >> 30) * -0x40A7B892E31B1A47
    z = (z ~ z >> 27) * -0x6B2FB644ECCEEE15
    z = z ~ z >> 31
    return low + (high - low) * ((z >> 11) / (1 << 53))
  end
end

local function whole(draw, low, high) return math.min(high, math.floor(draw(low, high + 1))) end

local function colour(draw)
  return {whole(draw, 0, 255), whole(draw, 0, 255), whole(draw, 0, 255)}
end

-- ---- parts of a picture ---------------------------------------------------------------------

-- Coarse colours (rows, columns, 3) around one colour.
local function coarse(draw, rows, columns, spread)
  local middle <const>, list <const> = colour(draw), {}
  for k = 1, rows * columns * 3 do
    list[k] = math.max(0, math.min(255, middle[(k - 1) % 3 + 1] + draw(-spread, spread)))
  end
  return ops.reshape(core.from_table(list, "float32"), rows, columns, 3):to("uint8")
end

local function background(draw, h, w)
  local canvas <const> = core.image_resize(coarse(draw, 4, 5, 90), h, w)
  for _ = 1, whole(draw, 2, 8) do
    local x <const>, y <const> = draw(0, w), draw(0, h)
    local reach <const> = draw(0.05, 0.35) * math.min(h, w)
    local points <const> = {}
    for k = 0, whole(draw, 3, 6) - 1 do
      local angle <const> = k + draw(0, 0.8)
      points[2 * k + 1] = x + reach * math.cos(angle)
      points[2 * k + 2] = y + reach * math.sin(angle)
    end
    core.draw_polygon(canvas, points, draw(0.3, 1), colour(draw))
  end
  return canvas
end

local masks <const> = {} -- the results of mask_of, by side

-- The weight of a face at each pixel of its square: 1 in an ellipse, 0 outside, soft between.
local function mask_of(side)
  if not masks[side] then
    local at <const> = (tensor.arange(1, side):to("float32") - (side + 1) / 2) * (2 / side)
    local x <const>, y <const> = at:reshape(1, side), at:reshape(side, 1)
    local far <const> = ((x * (1 / 0.94)):square() + (y * (1 / 0.98)):square()):sqrt()
    masks[side] = core.keep(((1 - far) * (side / 4)):clamp(0, 1):reshape(side, side, 1))
  end
  return masks[side]
end

-- Blends a square (side,side,3) into a canvas; x, y: its first pixel, from 0.
local function blend(canvas, square, x, y)
  local side <const> = square:size(1)
  local part <const> = ops.narrow(ops.narrow(canvas, 1, y + 1, side), 2, x + 1, side)
  local under <const>, mask <const> = part:to("float32"), mask_of(side)
  ops.copy_(part, (under + (square:to("float32") - under) * mask):round():to("uint8"))
end

-- A place for a square among others, or nil.
local function place(draw, side, taken, h, w)
  for _ = 1, TRIES do
    local x <const>, y <const>, free = whole(draw, 0, w - side), whole(draw, 0, h - side), true
    for _, t in ipairs(taken) do
      local apart <const> = x >= t.x + t.side or t.x >= x + side or y >= t.y + t.side
        or t.y >= y + side
      free = free and apart
    end
    if free then
      taken[#taken + 1] = {x = x, y = y, side = side}
      return x, y
    end
  end
end

-- Paints picture i; adds its faces to `found`.
local function paint(o, i, row, found)
  local draw <const>, h <const>, w <const> = numbers(o.seed, i), o.height, o.width
  local canvas <const>, taken <const> = background(draw, h, w), {}
  local biggest <const> = math.min(o.most / HEAD, h, w, LARGEST)
  local smallest <const> = math.min(biggest, math.max(o.least / HEAD, SMALLEST))
  local function side() return math.floor(math.exp(draw(math.log(smallest), math.log(biggest)))) end
  local empty <const> = draw(0, 1) < EMPTY and i % FAR ~= 0
  local count <const> = empty and 0 or whole(draw, 1, o.faces)
  for k = 1, count do
    local s <const> = side()
    local x <const>, y <const> = place(draw, s, taken, h, w)
    if x then
      local image <const>, points <const>, labels <const> =
        core.faces(o.seed + 1, i * 64 + k, 1, s, 3)
      blend(canvas, ops.permute(image[1], 2, 3, 1), x, y)
      local corner <const> = core.from_table({x, y}, "float32")
      local half <const> = s * HEAD / 2
      local cx <const>, cy <const> = x + (s - 1) / 2, y + (s - 1) / 2
      found[#found + 1] = {row = row, points = core.keep(points[1] + corner),
        labels = labels[1]:totable(), box = {cx - half, cy - half, cx + half, cy + half}}
    end
  end
  for _ = 1, whole(draw, 0, 3) do -- round shapes that are not faces
    local s <const> = side()
    local x <const>, y <const> = place(draw, s, taken, h, w)
    local blob <const> = core.image_resize(coarse(draw, 5, 5, 70), s, s)
    if x then blend(canvas, blob, x, y) end
  end
  return core.keep(canvas)
end

-- ---- data sets ------------------------------------------------------------------------------

local function column(found, k)
  local list <const> = {}
  for i, face in ipairs(found) do list[i] = face.labels[k] end
  return core.from_table(list, "int64")
end

local function set_of(o, first, n)
  local images <const>, found <const> = core.new({n, o.height, o.width, 3}, "uint8"), {}
  for i = 1, n do
    local _ <close> = core.scope()
    ops.copy_(images[i], paint(o, first + i - 1, i, found))
  end
  local rows <const>, boxes <const>, points <const> = {}, {}, {}
  for i, face in ipairs(found) do rows[i], boxes[i], points[i] = face.row, face.box, face.points end
  return Dataset{images = ops.permute(images, 1, 4, 2, 3), index = core.from_table(rows, "int64"),
    boxes = core.from_table(boxes, "float32"), labels = {landmarks = ops.stack(points, 1),
      gender = column(found, 1), smile = column(found, 2), glasses = column(found, 3),
      pose = column(found, 4)}, classes = schemes.CLASSES, points = {landmarks = schemes.FIVE},
    flips = {pose = schemes.POSE}}
end

local SIDE <const> = check.whole{from = 32, to = 8192}
local OPTIONS <const> = check.declare("data.scenes", {
  n = check.whole{500, from = 1, to = FAR}, seed = check.whole{1, from = 0, to = 1 << 48},
  size = check.either(check.whole{240, from = 32, to = 8192}, check.list{n = 2, of = SIDE}),
  faces = check.whole{4, from = 1, to = 60}, least = check.number{24, from = 13, to = 400},
  most = check.number{160, from = 13, to = 400},
  val = check.whole{from = 1, to = FAR}, test = check.whole{from = 1, to = FAR},
}, function(o)
  if o.least > o.most then return "least is above most" end
end)

return function(given)
  local o <const> = check.options(OPTIONS, given)
  local listed <const> = type(o.size) == "table"
  o.height, o.width = listed and o.size[1] or o.size, listed and o.size[2] or o.size
  local eighth <const> = math.max(1, o.n // 8)
  return {train = set_of(o, 0, o.n), val = set_of(o, FAR, o.val or eighth),
    test = set_of(o, 2 * FAR, o.test or eighth)}
end
