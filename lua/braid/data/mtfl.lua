--- data.mtfl: reads MTFL, Multi-Task Facial Landmark data (Zhang, Luo, Loy and Tang 2014).
--
-- data.mtfl(dir) -> {train =, val =, test =}. The directory, or one in it, has training.txt,
-- testing.txt and the images that they name, as published. It may also have boxes from a face
-- detector, `path x1 y1 x2 y2` in boxes_training.txt and boxes_testing.txt. `test` is the official
-- test set. The option val (1000) says how many rows of the training set validate: the last ones
-- after a shuffle with a fixed seed. With val = 0 all rows train.
--
-- split = "kth" is the split of Abrahamsson, Gruneau and Zuber 2017, section 3.1. The square colour
-- pictures of training.txt (7,650) train; 1,000 of testing.txt are `val` and 1,994 are `test`.
-- Pictures are then by default whole, 150 x 150, in colour. Decision: the paper does not say which
-- pictures these are, and which of the 2,995 is left out. Here they are taken in the order of a
-- shuffle with a fixed seed, and its last row is left out.
--
-- crop = "box" cuts a face out by its box, made square about its centre and `margin` times as wide.
-- A box is wrong if it does not contain the points, because the detector found another face.
-- Without a right box, a training face is cut by a square around its points, three times as wide as
-- they extend. A test face must not be placed by its points: without a right box, as six
-- of the 2,995 are, it is the whole picture (a decision of ours). wrong = "omit" leaves out
-- faces with a wrong box; train.omitted counts them. wrong = "whole" treats training faces like
-- test faces, for users who test on a part of them. crop = "whole" takes each picture as a whole,
-- made square about its middle. Outside a picture its edge pixels repeat. The label box_width is
-- the width of the box; it is missing without a right box.
--
-- Points are assumed to count pixels from 1, as in MATLAB. If this reader took them as counted from
-- 0, networks trained with mirroring would be about one pixel of the picture off, always to the
-- same side.
--
-- size (40) is the side of a loader's pictures, channels is 1 or 3. store = "memory" reads and cuts
-- all faces beforehand. The cuts have `detail` times the resolution and, for crops by boxes,
-- `surround` times the width, so that there are pixels around a face that is rotated or shifted.
-- store = "files" lets a loader read each picture when it is needed. The default is "memory" up to
-- a gigabyte (40 x 40 or 64 x 64 in gray), otherwise "files" (150 x 150 in colour). A row that is
-- not made of numbers is an error with file and line. A picture that cannot be read is left out and
-- counted (train.unreadable); train.first_unreadable is the first message.
--
-- Classes count from 1. For your own files, from = 0 says that they count classes from 0, and
-- missing = -1 that -1 marks a missing label. Pictures are turned as their EXIF data say, and
-- points and boxes belong to the turned picture; orientation = false does not turn them.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.mtfl("mtfl", {val = 1}).train[1]

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local places <const> = require "braid.data.places"
local rows <const> = require "braid.data.mtfl_rows"
local schemes <const> = require "braid.data.schemes"

local fail <const> = damage.fail
local LARGEST <const>, MAX_KEPT <const>, DEEPEST <const>, SEED <const> = 4096, 1 << 30, 2, 2014
local OPTIONS <const> = check.declare("data.mtfl", {
  split = check.choice{"published", "kth"}, crop = check.optional(check.choice{"box", "whole"}),
  size = check.whole{from = 1, to = 4096}, channels = check.optional(check.choice{1, 3}),
  store = check.optional(check.choice{"memory", "files"}),
  wrong = check.choice{"points", "omit", "whole"},
  val = check.whole{1000, from = 0}, margin = check.number{1.1, above = 0, to = 100},
  surround = check.number{1.6, from = 1, to = 100},
  detail = check.number{1.25, above = 0, to = 100}, from = check.whole(1), missing = check.whole(),
  orientation = check.flag(true),
})
-- The default options of each split.
local USUAL <const> = {
  published = {crop = "box", size = 40, channels = 1},
  kth = {crop = "whole", size = 150, channels = 3},
}

-- The options with their defaults filled in; `side` is the side of a picture kept in memory.
local function filled(o)
  for key, value in pairs(USUAL[o.split]) do
    if o[key] == nil then o[key] = value end
  end
  if o.crop == "whole" then o.surround = 1 end -- nothing is around a whole picture
  o.side = math.floor(o.size * o.surround * o.detail + 0.5)
  if o.store == "memory" and o.side > LARGEST then
    check.fail("data.mtfl: size * surround * detail must be at most %d in memory, not %d; store = "
      .. "\"files\" keeps no pictures", LARGEST, o.side)
  end
  return o
end

local function extent(points)
  local x0, y0, x1, y1 = math.huge, math.huge, -math.huge, -math.huge
  for p = 1, #points, 2 do
    x0, x1 = math.min(x0, points[p]), math.max(x1, points[p])
    y0, y1 = math.min(y0, points[p + 1]), math.max(y1, points[p + 1])
  end
  return x0, y0, x1, y1
end

local function holds(box, points)
  local x0 <const>, y0 <const>, x1 <const>, y1 <const> = extent(points)
  return x0 >= box[1] and y0 >= box[2] and x1 <= box[3] and y1 <= box[4]
end

-- The height and width of a picture after turning it; or nil and a message.
local function size_of(path, o)
  local h <const>, w <const> = core.image_probe(path)
  if h and (h == w or not o.orientation) then return h, w end
  local image <const>, message <const> = core.image_read(path, 1, not o.orientation)
  if not image then return nil, message end
  return image:size(2), image:size(3)
end

-- The square that is cut out for a face: its centre x, y, half its side, and the width of the
-- face's box if the box is right; or nil and a message if the picture cannot be read.
local function square(path, face, box, training, o)
  local good <const> = box and holds(box, face.points)
  local width <const> = good and box[3] - box[1] or nil
  if good and o.crop == "box" then
    local half <const> = math.max(box[3] - box[1], box[4] - box[2]) / 2 * o.margin
    return {(box[1] + box[3]) / 2, (box[2] + box[4]) / 2, half, width}
  end
  if training and o.crop == "box" and o.wrong ~= "whole" then
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> = extent(face.points)
    return {(x0 + x1) / 2, (y0 + y1) / 2, 1.5 * math.max(x1 - x0, y1 - y0, 1)}
  end
  local h <const>, w <const> = size_of(path, o)
  if not h then return nil, w end
  return {(w - 1) / 2, (h - 1) / 2, math.max(w, h) / 2, width}
end

-- Converts points from pixels of the picture to pixels of the cut (csrc/image/warp.h).
local function carried(points, cut, side)
  local out <const> = {}
  for p = 1, #points // 2 do
    out[p] = {(points[2 * p - 1] - cut[1] + cut[3]) * side / (2 * cut[3]) - 0.5,
      (points[2 * p] - cut[2] + cut[3]) * side / (2 * cut[3]) - 0.5}
  end
  return out
end

local function as_pairs(points)
  local out <const> = {}
  for p = 1, #points // 2 do out[p] = {points[2 * p - 1], points[2 * p]} end
  return out
end

-- The images whose numbers are in `keep`, with channels last in memory, as before.
local function only(images, keep)
  local last <const> = images:permute(1, 3, 4, 2)
  return last:index_select(1, core.from_table(keep, "int64")):permute(1, 4, 2, 3)
end

-- The label tensors of faces. Points are in pixels of the cuts, which are `side` wide, or in pixels
-- of whole pictures.
local function labels_of(faces, keep, cuts, side)
  local labels <const>, points <const>, widths <const> = {}, {}, {}
  for n, i in ipairs(keep) do
    points[n] = side and carried(faces[i].points, cuts[i], side) or as_pairs(faces[i].points)
    widths[n] = (cuts[i][4] or 0 / 0) * (side and side / (2 * cuts[i][3]) or 1)
  end
  labels.box_width = core.from_table(widths, "float32")
  labels.landmarks = core.from_table(points, "float32")
  for _, task in ipairs(rows.TASKS) do
    local column <const> = {}
    for n, i in ipairs(keep) do column[n] = faces[i][task] end
    labels[task] = core.from_table(column, "int64")
  end
  return labels
end

-- The numbers of the faces whose pictures can be read, and the message about the first picture that
-- cannot.
local function readable(faces, failed)
  local keep <const> = {}
  local first
  for i = 1, #faces do
    if failed[i] then first = first or failed[i] else keep[#keep + 1] = i end
  end
  if #keep == 0 then fail("%s", first) end
  return keep, first
end

-- Makes the data set of some faces, with pictures in memory or as files.
local function make(faces, o)
  local paths <const>, cuts <const>, borders <const>, unread <const> = {}, {}, {}, {}
  for i, face in ipairs(faces) do
    paths[i] = face.path
    cuts[i], unread[i] = square(face.path, face, face.box, face.training, o)
    cuts[i] = cuts[i] or {0, 0, 1}
    local cut <const> = cuts[i]
    if o.store == "memory" then cut[3] = cut[3] * o.surround end
    borders[i] = {cut[1] - cut[3], cut[2] - cut[3], cut[1] + cut[3], cut[2] + cut[3]}
  end
  local images, failed
  if o.store == "memory" then
    images, failed = core.load_crops(paths, core.from_table(borders, "float64"), o.side,
      o.channels, not o.orientation)
  else
    failed = core.probe_images(paths)
  end
  for i, message in pairs(unread) do failed[i] = failed[i] or message end
  local keep <const>, first <const> = readable(faces, failed)
  local given <const> = {classes = rows.CLASSES, missing = 0, points = {landmarks = schemes.FIVE},
    flips = {pose = schemes.POSE}, size = o.size, unreadable = #faces - #keep,
    first_unreadable = first}
  if images then
    given.images = #keep < #faces and only(images, keep) or images
    given.inner, given.labels = o.side / o.surround, labels_of(faces, keep, cuts, o.side)
  else
    given.files, given.boxes = {}, {}
    for n, i in ipairs(keep) do given.files[n], given.boxes[n] = paths[i], borders[i] end
    given.boxes = core.from_table(given.boxes, "float32")
    given.channels, given.orientation = o.channels, o.orientation
    given.labels = labels_of(faces, keep, cuts)
  end
  return Dataset(given)
end

-- ---- choosing faces ----------------------------------------------------------------------------

-- The faces of one file, with their paths and boxes.
local function read(dir, name, o)
  local path <const> = dir .. "/" .. name .. ".txt"
  local faces <const> = rows.faces(path, o)
  local boxes <const> = rows.boxes(dir .. "/boxes_" .. name .. ".txt")
  for _, face in ipairs(faces) do
    face.path = face.image:find("^/") and face.image or dir .. "/" .. face.image
    face.box, face.training = boxes[face.image], name == "training"
  end
  return faces
end

-- The faces in the order of a shuffle that is always the same, so that each part has faces from all
-- sources.
local function shuffled(faces)
  local list <const> = {}
  for i, from in ipairs(core.randperm(#faces, SEED):totable()) do list[i] = faces[from] end
  return list
end

-- The faces for which f is true, and the number of the others.
local function only_where(faces, f)
  local list <const> = {}
  for _, face in ipairs(faces) do
    if f(face) then list[#list + 1] = face end
  end
  return list, #faces - #list
end

-- Whether a picture is square and in colour. For a picture that cannot be read this is true, so
-- that it is reported later.
local function is_square_and_coloured(face)
  local h <const>, w <const>, channels <const> = core.image_probe(face.path)
  return not h or h == w and channels ~= 1
end

local function bounded(o, count)
  if o.val < count then return o.val end
  check.fail("data.mtfl: val must be from 0 to %d, not %s", count - 1, o.val)
end

-- The faces of each part: {train =, val =, test =}.
local function parts_of(dir, o)
  local train <const>, test <const> = read(dir, "training", o), read(dir, "testing", o)
  if o.split == "published" then
    local all <const>, n <const> = shuffled(train), #train - bounded(o, #train)
    return {train = table.move(all, 1, n, 1, {}), val = table.move(all, n + 1, #all, 1, {}),
      test = test}
  end
  local square_ones <const> = only_where(train, is_square_and_coloured)
  if #square_ones == 0 then fail("%s: no picture of training.txt is square and in colour", dir) end
  local all <const>, val <const> = shuffled(test), bounded(o, #test - 1)
  return {train = square_ones, val = table.move(all, 1, val, 1, {}),
    test = table.move(all, val + 1, #all - 1, 1, {})}
end

return damage.reader("data.mtfl", function(given_dir, given)
  local o <const> = filled(check.options(OPTIONS, given))
  local top <const> = damage.path("data.mtfl", given_dir, "the directory of the data")
  local dir <const> = places.find(top, {"training.txt"}, DEEPEST)
  for _, name in ipairs{"training.txt", "testing.txt"} do
    if not dir or places.kind(dir .. "/" .. name) ~= "file" then
      places.absent(dir or top, ("not the MTFL data: there is no %s in it"):format(name))
    end
  end
  local parts <const>, sets <const>, count = parts_of(dir, o), {}, 0
  local omitted = 0
  if o.wrong == "omit" then
    parts.train, omitted = only_where(parts.train, function(face)
      return not face.box or holds(face.box, face.points)
    end)
  end
  for _, faces in pairs(parts) do count = count + #faces end
  local fits <const> = o.side <= LARGEST and count * o.side ^ 2 * o.channels <= MAX_KEPT
  o.store = o.store or fits and "memory" or "files"
  for name, faces in pairs(parts) do
    if #faces > 0 then sets[name] = make(faces, o) end
  end
  if not sets.train then fail("%s: no face is left to train on", dir) end
  sets.train.omitted = omitted
  return sets
end)
