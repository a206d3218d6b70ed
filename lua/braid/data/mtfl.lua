--- MTFL: Multi-Task Facial Landmark data (Zhang, Luo, Loy and Tang 2014), as published.
--
-- data.mtfl(dir) -> {train =, val =, test =}. The directory holds training.txt,
-- testing.txt and the images they name, and perhaps boxes_training.txt and
-- boxes_testing.txt: `path x1 y1 x2 y2` of a face detector. The official test set is
-- `test`; the last `val` rows of a shuffle of the training set (its seed fixed) are
-- `val`.
--
-- A face is cut from its picture by its box, made square about its centre and `margin`
-- times as wide. Where a box is missing, or does not hold the points (the detector found
-- another face), a training face falls back to a square around its points, side three
-- times their extent; a test face, whose points must not place it, to the whole picture.
-- Outside a picture its edge pixels repeat.
--
-- Points are taken to count pixels from 1, as MATLAB does: read from 0, networks trained
-- with mirroring end up about one pixel of the picture off, always to the same side.
--
-- size is the side of the cut face; images are stored `surround` times as wide, so that a
-- rotated or shifted cut has something to show. A row that cannot be read as numbers is
-- an error with file and line; a picture that cannot be read is left out and counted:
-- train.unreadable, and the first message in train.first_unreadable.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local Dataset <const> = require "braid.data.dataset"

local OPTIONS <const> = {
  size = 40, channels = 1, val = 1000, margin = 1.1, surround = 1.6, detail = 1.25,
}
local TASKS <const> = {"gender", "smile", "glasses", "pose"}
local CLASSES <const> = {
  gender = {"male", "female"}, smile = {"yes", "no"}, glasses = {"yes", "no"},
  pose = {"left profile", "left", "frontal", "right", "right profile"},
}

-- Iterates over line number and words, whatever ends the lines; blank lines are left out.
local function rows_of(path)
  local file <const>, message <const> = io.open(path, "rb")
  if not file then return nil, message end
  local text <const> = file:read("a")
  file:close()
  if not text then return nil, path .. ": cannot be read (is it a directory?)" end
  local lines <const> = {}
  local number = 0
  for line in (text .. "\n"):gmatch("([^\n]*)\n") do
    number = number + 1
    local words <const> = {}
    for word in line:gmatch("%S+") do words[#words + 1] = word end
    if #words > 0 then lines[#lines + 1] = {number = number, words = words} end
  end
  return lines
end

local function numbers_of(path, row, count)
  local values <const> = {}
  if #row.words ~= count + 1 then
    return nil, ("%s:%d: a path and %d numbers wanted, %d words found"):format(path, row.number,
      count, #row.words)
  end
  for i = 1, count do
    local value <const> = tonumber(row.words[i + 1])
    if not value or value ~= value or math.abs(value) > 1e6 then
      return nil, ("%s:%d: '%s' is no number that makes sense here"):format(path, row.number,
        row.words[i + 1])
    end
    values[i] = value
  end
  return values
end

-- path -> {x0, y0, x1, y1}; an absent file gives none.
local function read_boxes(path)
  local boxes <const> = {}
  local rows <const> = rows_of(path)
  for _, row in ipairs(rows or {}) do
    local box <const>, message <const> = numbers_of(path, row, 4)
    if not box then return nil, message end
    if box[3] <= box[1] or box[4] <= box[2] then
      return nil, ("%s:%d: the box has no area"):format(path, row.number)
    end
    boxes[row.words[1]:gsub("\\", "/")] = box
  end
  return boxes
end

-- {image =, points = {x1, y1, ...}, gender =, ...} for each row of an annotation file.
local function read_faces(path)
  local rows <const>, missing <const> = rows_of(path)
  if not rows then return nil, missing end
  local faces <const> = {}
  for i, row in ipairs(rows) do
    local v <const>, message <const> = numbers_of(path, row, 14)
    if not v then return nil, message end
    local face <const> = {image = row.words[1]:gsub("\\", "/"), points = {}}
    for p = 1, 5 do face.points[2 * p - 1], face.points[2 * p] = v[p] - 1, v[5 + p] - 1 end
    for t, task in ipairs(TASKS) do
      local label <const> = v[10 + t]
      if math.tointeger(label) == nil or label < 1 or label > #CLASSES[task] then
        return nil, ("%s:%d: %s is %s, not a class from 1 to %d"):format(path, row.number, task,
          row.words[11 + t], #CLASSES[task])
      end
      face[task] = math.tointeger(label)
    end
    faces[i] = face
  end
  if #faces == 0 then return nil, path .. ": no faces in it" end
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

-- The square that a face is cut from: centre x, y and half its side; or nil and a message
-- when the picture, whose size is wanted, cannot be read.
local function square(path, face, box, training, margin)
  if box and holds(box, face.points) then
    local half <const> = math.max(box[3] - box[1], box[4] - box[2]) / 2 * margin
    return {(box[1] + box[3]) / 2, (box[2] + box[4]) / 2, half}
  end
  if training then
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> = extent(face.points)
    return {(x0 + x1) / 2, (y0 + y1) / 2, 1.5 * math.max(x1 - x0, y1 - y0, 1)}
  end
  local image <const>, message <const> = core.image_read(path, 1)
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
  local labels <const>, points <const> = {}, {}
  for n, i in ipairs(keep) do points[n] = carried(faces[i].points, cuts[i], side) end
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
    paths[i] = dir .. "/" .. face.image
    local cut <const>, message <const> = square(paths[i], face, boxes[face.image], training,
      o.margin)
    cuts[i], unread[i] = cut or {0, 0, 1}, message
    local x <const>, y <const>, half = table.unpack(cuts[i])
    half = half * o.surround
    cuts[i][3] = half
    borders[i] = {x - half, y - half, x + half, y + half}
  end
  local images <const>, failed <const> = core.load_crops(paths, core.from_table(borders, "float64"),
    side, o.channels)
  local keep <const> = {}
  local first_unreadable
  for i = 1, #faces do
    local message <const> = failed[i] or unread[i]
    if message then first_unreadable = first_unreadable or message else keep[#keep + 1] = i end
  end
  if #keep == 0 then return nil, first_unreadable end
  return Dataset{images = #keep < #faces and only(images, keep) or images,
    labels = labels_of(faces, keep, cuts, side), classes = CLASSES, inner = side / o.surround,
    unreadable = #faces - #keep, first_unreadable = first_unreadable}
end

local function read_part(dir, name, training, o)
  local faces <const>, message <const> = read_faces(dir .. "/" .. name .. ".txt")
  if not faces then return nil, message end
  local boxes <const>, bad_box <const> = read_boxes(dir .. "/boxes_" .. name .. ".txt")
  if not boxes then return nil, bad_box end
  if training then -- so that the validation part is drawn from all three sources
    local order <const>, shuffled <const> = core.randperm(#faces, 2014):totable(), {}
    for i, from in ipairs(order) do shuffled[i] = faces[from] end
    return pack(dir, shuffled, boxes, true, o)
  end
  return pack(dir, faces, boxes, false, o)
end

return function(dir, given)
  local o <const> = check.options("data.mtfl", given, OPTIONS)
  if type(dir) ~= "string" then error("data.mtfl: wants the directory of the data", 2) end
  for _, name in ipairs{"training.txt", "testing.txt"} do
    local file <const> = io.open(dir .. "/" .. name)
    if not file then
      return nil, ("%s: not the MTFL data: there is no %s in it"):format(dir, name)
    end
    file:close()
  end
  local train <const>, bad_train <const> = read_part(dir, "training", true, o)
  if not train then return nil, bad_train end
  local test <const>, bad_test <const> = read_part(dir, "testing", false, o)
  if not test then return nil, bad_test end
  if o.val < 1 or o.val >= #train then
    error(("data.mtfl: val must be from 1 to %d, not %s"):format(#train - 1, o.val), 2)
  end
  local rest <const>, val <const> = train:split(o.val)
  rest.unreadable, rest.first_unreadable = train.unreadable, train.first_unreadable
  return {train = rest, val = val, test = test}
end
