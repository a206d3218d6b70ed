--- vision.samples: squares cut from pictures with faces, to train a stage of MTCNN (Zhang, Zhang,
-- Li and Qiao 2016, section II.C).
--
-- vision.samples(set, {size = 12}) draws squares at random in each picture of a data set whose
-- samples are faces with boxes (data.scenes, data.wider, data.aflw). By the largest overlap (IoU)
-- with a face, a square is a negative (below 0.3), a part of a face (0.4 to 0.65) or a positive
-- (above 0.65); other squares are left out. detector = vision.detector{P =} or {P =, R =} adds the
-- squares that the earlier stages find: their false alarms are the hard negatives.
--
-- Fields: images, uint8 (n,3,size,size); face (1 no, 2 yes, -100 for parts), box (n,4; the
-- distances of the face box's sides from the square's sides, as shares of the square's side; NaN
-- for negatives), landmarks (n,5,2; in [-1, 1] across the square; NaN except for positives); counts
-- = {negative =, part =, positive =}.
-- samples:loader{batch =, epoch =} gives batches for the networks of models/mtcnn.lua.
-- Decisions: positives have the points, for which the paper has separate samples. For each positive
-- there are at most `ratio` negatives and one part, drawn at random.
--
-- Options: size (12; the side of the network's input in pixels), detector, random (8; the number of
-- squares anywhere in a picture), near (8; the number of squares near each face; every second of
-- them may be further away), ratio (3), seed (1), pictures (the most pictures that are used).
-- @usage
-- local scenes <const> = data.scenes{n = 8, size = 120, seed = 1}
-- local found <const> = braid.vision.samples(scenes.train, {size = 12})
-- for batch in found:loader{batch = 32} do print(batch.image.shape[1]) end

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Detector <const> = require "braid.vision.detector"
local truth_of <const> = require "braid.vision.parts.truth"
local ops <const> = core.ops

local Samples <const> = class "Samples"

local WHAT <const> = "vision.samples"
local NEGATIVE <const>, PART <const>, POSITIVE <const> = 0.3, 0.4, 0.65
local SMALLEST <const> = 13 -- least side of a random square in pixels: P's window and one pixel
local POINTS <const> = {2, 1, 3, 5, 4} -- the point that each point becomes in a mirror image
local OPTIONS <const> = check.declare(WHAT, {
  set = check.argument(check.kind("a data set of faces with boxes", function(v)
    return type(v) == "table" and v.boxes ~= nil
  end)),
  size = check.whole{12, from = 12, to = 512}, random = check.whole{8, from = 0},
  near = check.whole{8, from = 0}, ratio = check.number{3, above = 0},
  seed = check.whole{1, from = 0}, pictures = check.whole{from = 1},
  detector = check.kind("a vision.detector", function(v) return class.is_a(v, Detector) end),
})
local LOADER <const> = check.declare("vision.samples: loader", {
  batch = check.whole{128, from = 1}, epoch = check.whole{1, from = 0},
  shuffle = check.flag(true), flip = check.flag(true),
})

-- ---- squares --------------------------------------------------------------------------------

--- How much two boxes {x1, y1, x2, y2} overlap; the last pixel belongs to a box.
local function overlap(a, b)
  local w <const> = math.min(a[3], b[3]) - math.max(a[1], b[1]) + 1
  local h <const> = math.min(a[4], b[4]) - math.max(a[2], b[2]) + 1
  if w <= 0 or h <= 0 then return 0 end
  local function area(r) return (r[3] - r[1] + 1) * (r[4] - r[2] + 1) end
  return w * h / (area(a) + area(b) - w * h)
end
Samples.overlap = overlap

-- Random whole numbers that depend only on the seed and the picture's number.
local function draws(seed, i)
  local list <const>, at = core.randperm(1 << 12, seed * 1000003 + i):totable(), 0
  return function(low, high)
    at = at % #list + 1
    return low + (list[at] - 1) * (high - low + 1) // #list
  end
end

local function square(x, y, side, h, w)
  if side < SMALLEST or x < 1 or y < 1 or x + side - 1 > w or y + side - 1 > h then return nil end
  return {x, y, x + side - 1, y + side - 1}
end

-- Random squares of a picture: anywhere in it, and near each face.
local function drawn(o, i, faces, h, w)
  local draw <const>, list <const> = draws(o.seed, i), {}
  local largest <const> = math.max(SMALLEST, math.min(h, w) // 2)
  for _ = 1, o.random do
    local side <const> = draw(SMALLEST, largest)
    list[#list + 1] = square(draw(1, math.max(1, w - side)), draw(1, math.max(1, h - side)), side,
      h, w)
  end
  for _, face in ipairs(faces) do
    local b <const> = face.box
    local long <const> = math.floor(math.max(b[3] - b[1], b[4] - b[2]) + 1)
    local cx <const>, cy <const> = (b[1] + b[3]) / 2, (b[2] + b[4]) / 2
    for k = 1, o.near do
      -- Every second square is far enough away to be a part or a negative.
      local reach <const> = k % 2 == 0 and 0.9 or 0.2
      local side <const> = math.max(SMALLEST, long * draw(80, 125) // 100)
      local dx <const>, dy <const> = draw(-100, 100) / 100 * reach * long,
        draw(-100, 100) / 100 * reach * long
      list[#list + 1] = square(math.floor(cx + dx - side / 2 + 0.5),
        math.floor(cy + dy - side / 2 + 0.5), side, h, w)
    end
  end
  return list
end

-- The kind of a box among the faces of a picture, or nil if its overlap is between the kinds; and
-- the face that it overlaps most.
local function kind_of(box, faces)
  local best, of = 0, nil
  for _, face in ipairs(faces) do
    local o <const> = overlap(box, face.box)
    if o > best then best, of = o, face end
  end
  if best < NEGATIVE then return "negative" end
  if best > POSITIVE then return "positive", of end
  return best >= PART and "part" or nil, of
end

local NAN <const> = 0 / 0

-- The labels of a square: the distances of four sides, and ten coordinates of points.
local function labels_of(kind, box, face)
  local side <const>, tall <const> = box[3] - box[1] + 1, box[4] - box[2] + 1
  local moves <const>, points <const> = {NAN, NAN, NAN, NAN}, {}
  for k = 1, 10 do points[k] = NAN end
  if face and kind ~= "negative" then
    for k = 1, 4 do moves[k] = (face.box[k] - box[k]) / (k % 2 == 1 and side or tall) end
  end
  if face and kind == "positive" and face.points then
    for k, p in ipairs(face.points) do -- a point's pixel k has its edges at k - 1 and k
      points[2 * k - 1] = (p[1] - box[1] + 1) / side * 2 - 1
      points[2 * k] = (p[2] - box[2] + 1) / tall * 2 - 1
    end
  end
  return moves, points
end

-- ---- the samples of a data set ----------------------------------------------------------------

-- Adds the squares of a picture to the samples; parts[i] is what is cut out for boxes[i].
local function add(self, canvas, boxes, parts, faces)
  local chosen <const> = {}
  for i, box in ipairs(boxes) do
    local kind <const>, face <const> = kind_of(box, faces)
    if kind then
      local moves <const>, points <const> = labels_of(kind, box, face)
      chosen[#chosen + 1] = parts[i]
      self.list[#self.list + 1] = {kind = kind, moves = moves, points = points}
    end
  end
  if #chosen == 0 then return end
  local size <const> = self.options.size
  local cut <const> = core.area(canvas, core.from_table(chosen, "int64"), size, size)
  self.cuts[#self.cuts + 1] = core.keep(cut:round():clamp(0, 255):to("uint8"))
end

-- The numbers of the samples that stay: at most `ratio` negatives and one part for each positive.
local function balanced(list, o)
  local of <const>, kept <const> = {negative = {}, part = {}, positive = {}}, {}
  for _, i in ipairs(core.randperm(#list, o.seed):totable()) do
    table.insert(of[list[i].kind], i)
  end
  local positives <const> = math.max(1, #of.positive)
  local most <const> = {negative = math.floor(o.ratio * positives), part = positives,
    positive = positives}
  for _, kind in ipairs{"negative", "part", "positive"} do
    for k = 1, math.min(#of[kind], most[kind]) do kept[#kept + 1] = of[kind][k] end
  end
  table.sort(kept)
  return kept
end

function Samples:init(set, given)
  local o <const> = check.options(OPTIONS, given, {set = set})
  self.options, self.list, self.cuts = o, {}, {}
  local count = 0
  for picture in truth_of.pictures(set) do
    count = count + 1
    if o.pictures and count > o.pictures then break end
    local _ <close> = core.scope()
    local canvas <const> = Detector.canvas(picture.image)
    local boxes <const> = drawn(o, count, picture.faces, canvas:size(1), canvas:size(2))
    add(self, canvas, boxes, boxes, picture.faces)
    if o.detector then
      local parts <const>, squares <const> = o.detector:proposals(picture.image)
      add(self, canvas, squares:totable(), parts:totable(), picture.faces)
    end
  end
  local kept <const> = balanced(self.list, o)
  if #kept == 0 then check.fail("%s: no picture has a square that is of use", WHAT) end
  local faces <const>, moves <const>, points <const> = {}, {}, {}
  self.counts = {negative = 0, part = 0, positive = 0}
  for k, i in ipairs(kept) do
    local s <const> = self.list[i]
    self.counts[s.kind] = self.counts[s.kind] + 1
    faces[k] = s.kind == "positive" and 2 or s.kind == "negative" and 1 or core.missing_class
    moves[k], points[k] = s.moves, s.points
  end
  self.n = #kept
  self.images = core.keep(ops.cat(self.cuts, 1):index_select(1, core.from_table(kept, "int64")))
  self.face = core.keep(core.from_table(faces, "int64"))
  self.box = core.keep(core.from_table(moves, "float32"))
  self.landmarks = core.keep(core.from_table(points, "float32"):reshape(-1, 5, 2))
  self.list, self.cuts = nil, nil
end

Samples.__len = function(self) return self.n end

-- ---- batches ----------------------------------------------------------------------------------

local function rows(self, places)
  local image <const> = self.images:index_select(1, places):to("float32")
  return {image = (image - 127.5) / 128, face = self.face:index_select(1, places),
    box = self.box:index_select(1, places), landmarks = self.landmarks:index_select(1, places)}
end

-- The same samples seen in a mirror: left and right change places.
local function mirrored(batch)
  local sides <const> = batch.box:index_select(2, core.from_table({3, 2, 1, 4}, "int64"))
  local points <const> = batch.landmarks:index_select(2, core.from_table(POINTS, "int64"))
  return {image = ops.flip(batch.image, {4}), face = batch.face,
    box = sides * core.from_table({-1, 1, -1, 1}, "float32"),
    landmarks = points * core.from_table({-1, 1}, "float32")}
end

local function joined(a, b)
  local both <const> = {}
  for key in pairs(a) do both[key] = ops.cat({a[key], b[key]}, 1) end
  return both
end

--- The batches {image, face, box, landmarks, count} of an epoch, to call or to loop over.
-- Options: batch (128), epoch (1; the order, and which samples are mirrored, depend on it), shuffle
-- (true), flip (true).
function Samples:loader(given)
  local o <const> = check.options(LOADER, given)
  local order <const> = o.shuffle and core.randperm(self.n, self.options.seed * 1000003 + o.epoch)
    :totable()
  local total <const>, at = (self.n + o.batch - 1) // o.batch, 0
  local function next_batch()
    if at == total then return nil end
    at = at + 1
    local as_is <const>, turned <const> = {}, {}
    for k = (at - 1) * o.batch + 1, math.min(at * o.batch, self.n) do
      local place <const> = order and order[k] or k
      local mirror <const> = o.flip and (place + o.epoch) % 2 == 0
      table.insert(mirror and turned or as_is, place)
    end
    local plain <const> = #as_is > 0 and rows(self, core.from_table(as_is, "int64"))
    local other <const> = #turned > 0 and mirrored(rows(self, core.from_table(turned, "int64")))
    local batch <const> = plain and other and joined(plain, other) or plain or other
    batch.count = #as_is + #turned
    return batch
  end
  return setmetatable({}, {__call = next_batch, __len = function() return total end})
end

return Samples
