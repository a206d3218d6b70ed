--- MTFL: Multi-Task Facial Landmark data (Zhang, Luo, Loy and Tang 2014), as published.
--
-- data.mtfl(dir) -> {train =, val =, test =}. The directory, or one in it, holds
-- training.txt, testing.txt and the images they name, and perhaps boxes_training.txt and
-- boxes_testing.txt: `path x1 y1 x2 y2` of a face detector. The official test set is
-- `test`; the last `val` rows of a shuffle of the training set (its seed fixed) are
-- `val`.
--
-- A face is cut from its picture by its box, made square about its centre and `margin`
-- times as wide. Where a box is missing, or does not hold the points (the detector found
-- another face), a training face falls back to a square around its points, side three
-- times their extent; a test face, whose points must not place it, to the whole picture.
-- Outside a picture its edge pixels repeat. The label box_width is the width of the box that a face
-- was cut by, missing where it fell back.
--
-- Points are taken to count pixels from 1, as MATLAB does: read from 0, networks trained
-- with mirroring end up about one pixel of the picture off, always to the same side.
--
-- size is the side of the cut face; images are stored `surround` times as wide, so that a
-- rotated or shifted cut has something to show. A row that cannot be read as numbers is
-- an error with file and line; a picture that cannot be read is left out and counted:
-- train.unreadable, and the first message in train.first_unreadable.
--
-- Classes count from 1; from = 0 says that a table of yours counts them from 0, missing = -1
-- which number marks a label that nobody gave. Pictures are turned as their EXIF data say,
-- and points and boxes are those of what is then seen; orientation = false leaves them.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail
local LARGEST <const> = 4096
local OPTIONS <const> = check.declare("data.mtfl", {
  size = check.whole{40, from = 1, to = 4096}, channels = check.choice{1, 3},
  val = check.whole{1000, from = 1}, margin = check.number{1.1, above = 0, to = 100},
  surround = check.number{1.6, from = 1, to = 100},
  detail = check.number{1.25, above = 0, to = 100}, from = check.whole(1), missing = check.whole(),
  orientation = check.flag(true),
}, function(o)
  local side <const> = math.floor(o.size * o.surround * o.detail + 0.5)
  if side > LARGEST then
    return ("size * surround * detail must be at most %d, not %d"):format(LARGEST, side)
  end
end)
local DEEPEST <const> = 2
local TASKS <const> = {"gender", "smile", "glasses", "pose"}
local CLASSES <const> = {
  gender = {"male", "female"}, smile = {"yes", "no"}, glasses = {"yes", "no"},
  pose = {"left profile", "left", "frontal", "right", "right profile"},
}

-- Line number, path and the words after it of each line that is not blank: the last `count`
-- words are numbers, so that a path may have blanks in it.
local function rows_of(path, count)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local rows <const>, number = {}, 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    limits.bound("line", #line, "bytes in line %d of %s", number, path)
    local words <const> = {}
    for word, past in line:gmatch("(%S+)()") do words[#words + 1] = {word, past} end
    if #words > 0 then
      local names <const> = #words - count
      local spare <const> = names > 1 and tonumber(words[names][1])
      if names < 1 or spare then
        fail("%s:%d: a path and %d numbers wanted, %d words found", path, number, count, #words)
      end
      local row <const> = {number = number,
        image = texts.trimmed(line:sub(1, words[names][2] - 1)):gsub("\\", "/")}
      for i = 1, count do row[i] = words[names + i][1] end
      rows[#rows + 1] = row
    end
  end
  return rows
end

local function numbers_of(path, row, count)
  local values <const> = {}
  for i = 1, count do
    local value <const> = tonumber(row[i])
    if not value or value ~= value or math.abs(value) > 1e6 then
      fail("%s:%d: '%s' is no number that makes sense here", path, row.number, row[i]:sub(1, 40))
    end
    values[i] = value
  end
  return values
end

-- path -> {x0, y0, x1, y1}; an absent file gives none.
local function read_boxes(path)
  local boxes <const> = {}
  for _, row in ipairs(places.kind(path) and rows_of(path, 4) or {}) do
    local box <const> = numbers_of(path, row, 4)
    if box[3] <= box[1] or box[4] <= box[2] then
      fail("%s:%d: the box has no area", path, row.number)
    end
    boxes[row.image] = box
  end
  return boxes
end

-- A class from 1, 0 for a missing one.
local function class_of(path, row, task, label, text, o)
  if label == o.missing then return 0 end
  local class <const> = math.tointeger(label - o.from + 1)
  if class and class >= 1 and class <= #CLASSES[task] then return class end
  fail("%s:%d: %s is %s, not a class from %d to %d%s", path, row.number, task, text, o.from,
    o.from + #CLASSES[task] - 1, o.from == 1 and label == 0 and
    " (counted from 0? say from = 0; where it marks a missing label, missing = 0)" or "")
end

-- {image =, points = {x1, y1, ...}, gender =, ...} for each row of an annotation file.
local function read_faces(path, o)
  local faces <const> = {}
  for i, row in ipairs(rows_of(path, 14)) do
    local v <const> = numbers_of(path, row, 14)
    local face <const> = {image = row.image, points = {}}
    for p = 1, 5 do face.points[2 * p - 1], face.points[2 * p] = v[p] - 1, v[5 + p] - 1 end
    for t, task in ipairs(TASKS) do
      face[task] = class_of(path, row, task, v[10 + t], row[10 + t], o)
    end
    faces[i] = face
  end
  if #faces == 0 then fail("%s: no faces in it", path) end
  return faces
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

-- The square that a face is cut from: centre x, y, half its side and the width of the box, if one
-- placed it; or nil and a message when the picture, whose size is wanted, cannot be read.
local function square(path, face, box, training, o)
  if box and holds(box, face.points) then
    local half <const> = math.max(box[3] - box[1], box[4] - box[2]) / 2 * o.margin
    return {(box[1] + box[3]) / 2, (box[2] + box[4]) / 2, half, box[3] - box[1]}
  end
  if training then
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> = extent(face.points)
    return {(x0 + x1) / 2, (y0 + y1) / 2, 1.5 * math.max(x1 - x0, y1 - y0, 1)}
  end
  local image <const>, message <const> = core.image_read(path, 1, not o.orientation)
  if not image then return nil, message end
  local h <const>, w <const> = image:size(2), image:size(3)
  return {(w - 1) / 2, (h - 1) / 2, math.max(w, h) / 2}
end

-- A point of the picture in pixels of the cut; see the mapping in csrc/io/warp.h.
local function carried(points, cut, side)
  local out <const> = {}
  for p = 1, #points // 2 do
    out[p] = {(points[2 * p - 1] - cut[1] + cut[3]) * side / (2 * cut[3]) - 0.5,
      (points[2 * p] - cut[2] + cut[3]) * side / (2 * cut[3]) - 0.5}
  end
  return out
end

-- The images numbered in `keep`, in the same memory format.
local function only(images, keep)
  local rows <const> = images:permute(1, 3, 4, 2)
  return rows:index_select(1, core.from_table(keep, "int64")):permute(1, 4, 2, 3)
end

-- The label tensors of the faces numbered in `keep`.
local function labels_of(faces, keep, cuts, side)
  local labels <const>, points <const>, widths <const> = {}, {}, {}
  for n, i in ipairs(keep) do
    points[n] = carried(faces[i].points, cuts[i], side)
    widths[n] = (cuts[i][4] or 0 / 0) * side / (2 * cuts[i][3])
  end
  labels.box_width = core.from_table(widths, "float32")
  labels.landmarks = core.from_table(points, "float32")
  for _, task in ipairs(TASKS) do
    local column <const> = {}
    for n, i in ipairs(keep) do column[n] = faces[i][task] end
    labels[task] = core.from_table(column, "int64")
  end
  return labels
end

-- Cuts and packs the faces of one annotation file.
local function pack(dir, faces, boxes, training, o)
  local side <const> = math.floor(o.size * o.surround * o.detail + 0.5)
  local paths <const>, cuts <const>, borders <const>, unread <const> = {}, {}, {}, {}
  for i, face in ipairs(faces) do
    paths[i] = face.image:find("^/") and face.image or dir .. "/" .. face.image
    local cut <const>, message <const> = square(paths[i], face, boxes[face.image], training,
      o)
    cuts[i], unread[i] = cut or {0, 0, 1}, message
    local x <const>, y <const>, half = table.unpack(cuts[i])
    half = half * o.surround
    cuts[i][3] = half
    borders[i] = {x - half, y - half, x + half, y + half}
  end
  local images <const>, failed <const> = core.load_crops(paths, core.from_table(borders, "float64"),
    side, o.channels, not o.orientation)
  local keep <const> = {}
  local first_unreadable
  for i = 1, #faces do
    local message <const> = failed[i] or unread[i]
    if message then first_unreadable = first_unreadable or message else keep[#keep + 1] = i end
  end
  if #keep == 0 then fail("%s", first_unreadable) end
  return Dataset{images = #keep < #faces and only(images, keep) or images,
    labels = labels_of(faces, keep, cuts, side), classes = CLASSES, missing = 0,
    points = {landmarks = schemes.FIVE}, flips = {pose = schemes.POSE}, inner = side / o.surround,
    unreadable = #faces - #keep, first_unreadable = first_unreadable}
end

local function read_part(dir, name, training, o)
  local faces <const> = read_faces(dir .. "/" .. name .. ".txt", o)
  local boxes <const> = read_boxes(dir .. "/boxes_" .. name .. ".txt")
  if training then -- so that the validation part is drawn from all three sources
    local order <const>, shuffled <const> = core.randperm(#faces, 2014):totable(), {}
    for i, from in ipairs(order) do shuffled[i] = faces[from] end
    return pack(dir, shuffled, boxes, true, o)
  end
  return pack(dir, faces, boxes, false, o)
end

return damage.reader("data.mtfl", function(given_dir, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.mtfl", given_dir, "the directory of the data")
  local dir <const> = places.find(top, {"training.txt"}, DEEPEST)
  for _, name in ipairs{"training.txt", "testing.txt"} do
    if not dir or places.kind(dir .. "/" .. name) ~= "file" then
      places.absent(dir or top, ("not the MTFL data: there is no %s in it"):format(name))
    end
  end
  local train <const> = read_part(dir, "training", true, o)
  local test <const> = read_part(dir, "testing", false, o)
  if o.val >= #train then
    check.fail("data.mtfl: val must be from 1 to %d, not %s", #train - 1, o.val)
  end
  local rest <const>, val <const> = train:split(o.val)
  rest.unreadable, rest.first_unreadable = train.unreadable, train.first_unreadable
  return {train = rest, val = val, test = test}
end)
