--- The face detector of MTCNN (Zhang, Zhang, Li and Qiao 2016). Three networks, P, R and O, work
-- one after the other, and each looks more closely at the squares that the network before it found.
--
-- P slides over a pyramid of the picture; R and O look at squares cut from it. After each network,
-- nms (non-maximum suppression) removes boxes that overlap a box of a higher score. Each remaining
-- box is moved by the network's corrections of its sides, and made square for the next network.
-- Sizes, rounding and cutting follow the authors' code in facenet-pytorch's version: for P and R,
-- overlap is measured without the pixel that the authors add to each side.
-- @usage
-- local function stage(name) return braid.model("models/mtcnn.lua", {stage = name}) end
-- detect = braid.vision.detector({P = stage "P", R = stage "R", O = stage "O"}, {min_face = 40})

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local class_names <const> = require "braid.mtl.tasks.class_names"
local grad <const> = require "braid.grad"
local Module <const> = require "braid.nn.module"
local tensor <const> = require "braid.tensor"
local ops <const> = core.ops

local Detector <const> = class("Detector")

local CELL <const>, STRIDE <const> = 12, 2 -- the window of P, and its step
-- A factor near 1 would make an endless pyramid.
local OPTIONS <const> = check.declare("vision.detector", {
  nets = check.argument(check.kind("the networks {P =, R =, O =}", function(v)
    return type(v) == "table" and not v.is_module
  end)),
  min_face = check.number{20, from = 1}, factor = check.number{0.709, from = 0.1, to = 0.99},
  thresholds = check.list{{0.6, 0.7, 0.7}, n = 3, of = check.number{from = 0, below = 1}},
  batch = check.whole{64, from = 1}, last = check.choice{"O", "P", "R"},
})

--- A detector of three networks, as models/mtcnn.lua makes them. Their outputs are face and box,
-- and for O also landmarks.
-- @param nets {P =, R =, O =}; they run in evaluation mode and have their own mode again afterwards
-- @param given min_face: the side in pixels of the smallest faces to find (20); factor of the
--   pyramid (0.709); thresholds of the three stages ({0.6, 0.7, 0.7}); batch: the number of
--   squares that go through R and O at a time (64); last: the last network that there is ("O");
--   with "P" or "R" the detector only makes proposals, to train the next network
function Detector:init(nets, given)
  self.options = check.options(OPTIONS, given, {nets = nets})
  for _, name in ipairs{"P", "R", "O"} do
    if type(nets[name]) ~= "table" or not nets[name].is_module then
      check.fail("vision.detector: there is no network %s: it wants {P =, R =, O =}, three of "
        .. "models/mtcnn.lua or vision.mtcnn.network", name)
    end
    self[name] = nets[name]
    if name == self.options.last then break end
  end
  if not self.P.slide then check.fail("vision.detector: P cannot slide over an image") end
end

-- ---- boxes (n,4): x1, y1, x2, y2 ---------------------------------------------------------

local function columns(boxes)
  local c <const> = {}
  for i = 1, 4 do c[i] = boxes[{ {}, i }] end
  return table.unpack(c, 1, 4)
end

local function rows(t, places) return ops.index_select(t, 1, places) end

-- The positions, from 1, where a mask (n) is true.
local function where(mask)
  return ops.masked_select(tensor.arange(1, mask:numel()), mask)
end

-- Moves boxes by a network's corrections of their sides. The corrections are shares of the widths
-- and heights; `pixel` is added to widths and heights.
local function moved(boxes, by, pixel)
  local x1 <const>, y1 <const>, x2 <const>, y2 <const> = columns(boxes)
  local size <const> = ops.stack({x2 - x1 + pixel, y2 - y1 + pixel}, 2)
  return boxes + by * ops.cat({size, size}, 2)
end

-- The smallest squares with the same centres that contain the boxes.
local function squared(boxes)
  local x1 <const>, y1 <const>, x2 <const>, y2 <const> = columns(boxes)
  local w <const>, h <const> = x2 - x1, y2 - y1
  local side <const> = ops.maximum(w, h)
  local left <const>, top <const> = x1 + w * 0.5 - side * 0.5, y1 + h * 0.5 - side * 0.5
  return ops.stack({left, top, left + side, top + side}, 2)
end

-- The rows of the found {boxes, scores, moves, points} at the given positions.
local function keep(found, places)
  local kept <const> = {}
  for key, t in pairs(found) do kept[key] = rows(t, places) end
  return kept
end

local function suppressed(found, threshold)
  return keep(found, ops.nms(found.boxes, found.scores, threshold))
end

-- ---- stages ------------------------------------------------------------------------------

-- The probability of the class "yes", or of the class that the network's task calls positive.
-- Without class names, as in the public weights, it is the second class.
local function face_probability(net, y)
  local tasks <const> = rawget(net, "tasks")
  local yes <const> = tasks and tasks.face and class_names.positive(tasks.face) or 2
  return ops.narrow(ops.softmax(y, 2), 2, yes, 1)
end

local function input(canvas, parts, h, w) return core.area(canvas, parts, h, w, 127.5, 1 / 128) end

-- The windows in which P finds faces at one scale.
local function slide(self, canvas, scale)
  local h <const>, w <const> = canvas:size(1), canvas:size(2)
  local whole <const> = core.from_table({{1, 1, w, h}}, "int64")
  local y <const> = self.P:slide(input(canvas, whole, math.floor(h * scale + 1),
    math.floor(w * scale + 1)))
  local wide <const> = y.face:size(4)
  local p <const> = ops.reshape(face_probability(self.P, y.face), -1)
  local at <const> = where(ops.ge(p, self.options.thresholds[1]))
  local moves <const> = ops.reshape(ops.permute(y.box, 1, 3, 4, 2), -1, 4)
  local place <const> = at - 1
  local corner <const> = ops.stack({place % wide, place // wide}, 2):to("float32") * STRIDE
  local first <const> = ops.floor((corner + 1) / scale)
  local last <const> = ops.floor((corner + CELL) / scale)
  return suppressed({boxes = ops.cat({first, last}, 2), scores = rows(p, at),
    moves = rows(moves, at)}, 0.5)
end

local function joined(list)
  local all <const> = {}
  for key in pairs(list[1]) do
    local parts <const> = {}
    for i, found in ipairs(list) do parts[i] = found[key] end
    all[key] = ops.cat(parts, 1)
  end
  return all
end

local function first_stage(self, canvas)
  local o <const>, list <const> = self.options, {}
  local scale = CELL / o.min_face
  local side = math.min(canvas:size(1), canvas:size(2)) * scale
  while side >= CELL do
    list[#list + 1] = slide(self, canvas, scale)
    scale, side = scale * o.factor, side * o.factor
  end
  if #list == 0 then return nil end
  local found <const> = suppressed(joined(list), 0.7)
  return squared(moved(found.boxes, found.moves, 0))
end

-- The part of each box that is inside the picture, in whole pixels from 1. Boxes outside are left
-- out. -> parts (m,4) int64, boxes (m,4)
local function inside(boxes, h, w)
  local limit <const> = core.from_table({w, h}, "int64")
  -- The values are bounded before they become integers, so that they cannot overflow.
  local whole <const> = ops.clamp(boxes, -1e9, 1e9):to("int64")
  local first <const> = ops.clamp(ops.narrow(whole, 2, 1, 2), 1)
  local last <const> = ops.minimum(ops.narrow(whole, 2, 3, 2), limit)
  local there <const> = where(ops.all(ops.ge(last, first), 2))
  return rows(ops.cat({first, last}, 2), there), rows(boxes, there)
end

-- A network's results for squares, without those whose score is not above the threshold.
local function look(self, net, canvas, boxes, size, threshold)
  local parts <const>, kept <const> = inside(boxes, canvas:size(1), canvas:size(2))
  local n <const>, list <const> = parts:size(1), {}
  for from = 1, n, self.options.batch do
    local count <const> = math.min(self.options.batch, n - from + 1)
    local y <const> = net(input(canvas, ops.narrow(parts, 1, from, count), size, size))
    list[#list + 1] = {scores = ops.reshape(face_probability(net, y.face), -1), moves = y.box,
      points = y.landmarks}
  end
  if n == 0 then return nil end
  local found <const> = joined(list)
  found.boxes = kept
  return keep(found, where(ops.gt(found.scores, threshold)))
end

-- Converts points from [-1, 1] across boxes to pixels.
local function placed(points, boxes)
  local n <const> = boxes:size(1)
  local x1 <const>, y1 <const>, x2 <const>, y2 <const> = columns(boxes)
  local size <const> = ops.stack({x2 - x1 + 1, y2 - y1 + 1}, 2):reshape(n, 1, 2)
  local corner <const> = ops.stack({x1, y1}, 2):reshape(n, 1, 2) - 1
  return (ops.reshape(points, n, -1, 2) + 1) * 0.5 * size + corner
end

local function nothing()
  return {boxes = core.new({0, 4}, "float32"), scores = core.new({0}, "float32"),
    points = core.new({0, 5, 2}, "float32")}
end

-- The squares from P in which R finds a face, corrected, as input for O; nil if there are none.
local function second_stage(self, canvas, squares)
  local found = squares and look(self, self.R, canvas, squares, 24, self.options.thresholds[2])
  if not found then return nil end
  found = suppressed(found, 0.7)
  return squared(moved(found.boxes, found.moves, 1))
end

local function run(self, canvas)
  local squares <const> = second_stage(self, canvas, first_stage(self, canvas))
  local found <const> = squares and look(self, self.O, canvas, squares, 48,
    self.options.thresholds[3])
  if not found or found.boxes:size(1) == 0 then return nothing() end
  local points <const> = placed(found.points, found.boxes)
  local boxes <const> = moved(found.boxes, found.moves, 1)
  -- the last pixel belongs to the box
  local pixel <const> = core.from_table({0, 0, 1, 1}, "float32")
  local best <const> = ops.nms(boxes + pixel, found.scores, 0.7, true)
  return {boxes = rows(boxes, best), scores = rows(found.scores, best), points = rows(points, best)}
end

-- The picture as the core needs it: (h,w,3), with the channels of a pixel side by side.
function Detector.canvas(image)
  if not core.is_tensor(image) or image.dtype ~= "uint8" or image:dim() ~= 3 or
    (image:size(1) ~= 1 and image:size(1) ~= 3) then
    check.fail("vision.detector: wants a picture, uint8 (3, h, w) or (1, h, w), not %s",
      core.is_tensor(image) and ("%s (%s)"):format(image.dtype, table.concat(image.shape, ", "))
        or type(image))
  end
  local rgb <const> = image:size(1) == 3 and image or
    ops.expand(image, 3, image:size(2), image:size(3))
  return ops.contiguous_copy(ops.permute(rgb, 2, 3, 1))
end

-- Calls f(self, canvas) without gradients and in evaluation mode -> its table of tensors, kept.
local function looking(self, f, image)
  local canvas <const> = Detector.canvas(image)
  local found
  do
    local _ <close> = Module.evaluating(self.P)
    local _ <close> = Module.evaluating(self.R or self.P)
    local _ <close> = Module.evaluating(self.O or self.P)
    local _ <close> = grad.no_grad()
    local _ <close> = core.scope()
    found = f(self, canvas)
    for _, t in pairs(found) do core.keep(t) end
  end
  return found
end

--- The faces in a picture, uint8 (3,h,w) or (1,h,w), best first: {boxes (n,4), scores (n), points
-- (n,5,2)}. A box is x1, y1, x2, y2: the pixels at its edges, counted from 1, so that
-- image[{ {}, {y1, y2}, {x1, x2} }] cuts it out (after rounding; a box may leave the picture). A
-- point is x, y, where the left or upper edge of pixel k is at k - 1.
function Detector:detect(image)
  if not self.O then
    check.fail("vision.detector: with last = \"%s\" it only proposes", self.options.last)
  end
  return looking(self, run, image)
end

--- The input of the network after P (with last = "P") or after R, for a picture: the part of each
-- square that is inside the picture, as first column, first row, last column, last row, int64
-- (n,4); and the squares, float32 (n,4).
function Detector:proposals(image)
  local found <const> = looking(self, function(_, canvas)
    local squares = first_stage(self, canvas)
    if self.options.last ~= "P" then squares = second_stage(self, canvas, squares) end
    if not squares then return {core.new({0, 4}, "int64"), core.new({0, 4}, "float32")} end
    return {inside(squares, canvas:size(1), canvas:size(2))}
  end, image)
  return found[1], found[2]
end

Detector.__call = function(self, image) return self:detect(image) end

return Detector
