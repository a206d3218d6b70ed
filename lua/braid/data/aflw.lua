--- AFLW: Annotated Facial Landmarks in the Wild (Koestinger, Wohlhart, Roth and Bischof 2011).
--
-- data.aflw(dir) -> {train = all faces}: there is no official split. The directory, or `data` in
-- it, has aflw.sqlite and flickr/, as published. Without the database the reader takes aflw.csv, an
-- export of it. Its columns are FILENAME, FACE_X, FACE_Y, FACE_WIDTH, FACE_HEIGHT, NAME_X and
-- NAME_Y for each point, and optionally ROLL, PITCH, YAW and SEX.
-- Labels: landmarks, 21 points (hidden points are missing; the eyes are 8 and 11); roll, pitch and
-- yaw in degrees (the files have radians); gender (1 male, 2 female), glasses (1 yes, 2 no).
-- FaceRect gives the boxes and box_width. A picture of several faces is a sample for each face.
-- Decision: roll in the files counts anticlockwise, which matters if the loader turns pictures;
-- roll = "clockwise" takes it as clockwise.
-- The loader cuts out each face by its box; crop = "whole" shows the whole picture. size is the
-- side of the result in pixels, channels 1 or 3. orientation = false ignores the EXIF orientation.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.aflw("aflw").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local numbers <const> = require "braid.io.number"
local sheet <const> = require "braid.io.sheet"
local texts <const> = require "braid.io.text"
local damage <const> = require "braid.data.damage"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"
local sqlite <const> = require "braid.data.sqlite"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.aflw", pictures.options{
  roll = check.choice{"anticlockwise", "clockwise"}})
local NAN <const> = 0 / 0
local NAMES <const> = {
  "LeftBrowLeftCorner", "LeftBrowCenter", "LeftBrowRightCorner", "RightBrowLeftCorner",
  "RightBrowCenter", "RightBrowRightCorner", "LeftEyeLeftCorner", "LeftEyeCenter",
  "LeftEyeRightCorner", "RightEyeLeftCorner", "RightEyeCenter", "RightEyeRightCorner",
  "LeftEar", "NoseLeft", "NoseCenter", "NoseRight", "RightEar", "MouthLeftCorner",
  "MouthCenter", "MouthRightCorner", "ChinCenter",
}
local ANGLES <const> = {"roll", "pitch", "yaw"}
local NUMBER_OF <const> = {}
for p, name in ipairs(NAMES) do NUMBER_OF[name] = p end
local POINTS_KNOWN <const> = {eyes = {NUMBER_OF.LeftEyeCenter, NUMBER_OF.RightEyeCenter},
  flip = schemes.mirrored(NAMES)}

local FACES <const> = [[
SELECT Faces.face_id, FaceImages.filepath, FacePose.roll, FacePose.pitch, FacePose.yaw,
  FaceRect.x, FaceRect.y, FaceRect.w, FaceRect.h%s
FROM Faces JOIN FaceImages ON FaceImages.file_id = Faces.file_id
  LEFT JOIN FacePose ON FacePose.face_id = Faces.face_id
  LEFT JOIN FaceRect ON FaceRect.face_id = Faces.face_id%s
GROUP BY Faces.face_id ORDER BY Faces.face_id]]
local POINTS <const> = [[
SELECT FeatureCoords.face_id, FeatureCoordTypes.descr, FeatureCoords.x, FeatureCoords.y
FROM FeatureCoords JOIN FeatureCoordTypes
  ON FeatureCoordTypes.feature_id = FeatureCoords.feature_id]]

-- A number, or NaN for an empty cell.
local function number_of(text, where, what)
  if text == nil or text == "" then return NAN end
  local value <const> = numbers.plain(text)
  if not value or math.abs(value) > 1e6 then
    fail("%s: %s: '%s' is not a number from -1e6 to 1e6", where, what, text:sub(1, 40))
  end
  return value
end

local function gender_of(text)
  local letter <const> = (text or ""):sub(1, 1):lower()
  return letter == "m" and 1 or letter == "f" and 2 or 0
end

-- Makes a face from a row of the database or the .csv file. Its points are added later.
local function new_face(where, path, angles, rect, sex, glasses)
  local face <const> = {path = path, where = where, points = {}, gender = gender_of(sex),
    glasses = glasses == "1" and 1 or glasses == "0" and 2 or 0}
  if path == "" then fail("%s: the picture's path is missing", where) end
  for a, name in ipairs(ANGLES) do face[name] = number_of(angles[a], where, name) end
  local x <const>, y <const> = number_of(rect[1], where, "x"), number_of(rect[2], where, "y")
  local w <const>, h <const> = number_of(rect[3], where, "w"), number_of(rect[4], where, "h")
  face.box = (w > 0 and h > 0) and {x, y, x + w, y + h} or {NAN, NAN, NAN, NAN}
  return face
end

local function rows(path, query)
  local each <const>, message <const> = sqlite.rows(path, query)
  if not each then fail("%s", message) end
  return each
end

local function has_table(path, name)
  return rows(path, ("SELECT name FROM sqlite_master WHERE lower(name) = lower('%s')"):format(
    name))() ~= nil
end

local function read_database(path)
  local faces <const>, by_id <const> = {}, {}
  local meta <const> = has_table(path, "FaceMetaData")
  local query <const> = FACES:format(meta and ", FaceMetaData.sex, FaceMetaData.glasses" or "",
    meta and " LEFT JOIN FaceMetaData ON FaceMetaData.face_id = Faces.face_id" or "")
  for c in rows(path, query) do
    local face <const> = new_face(("%s: face %s"):format(path, c[1]), c[2], {c[3], c[4], c[5]},
      {c[6], c[7], c[8], c[9]}, c[10], c[11])
    faces[#faces + 1], by_id[c[1]] = face, face
  end
  for c in rows(path, POINTS) do
    local face <const>, p <const> = by_id[c[1]], NUMBER_OF[c[2]]
    if not p then
      fail("%s: face %s: there is no point '%s' in AFLW", path, c[1], c[2]:sub(1, 40))
    end
    if face then
      local where <const> = ("%s: face %s: %s"):format(path, c[1], c[2])
      face.points[2 * p - 1] = number_of(c[3], where, "x")
      face.points[2 * p] = number_of(c[4], where, "y")
    end
  end
  return faces
end

local function read_csv(path)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  local table_of <const>, wrong <const> = sheet.read(text or "")
  if not (text and table_of) then fail("%s: %s", path, why or wrong) end
  local at <const>, faces <const> = {}, {}
  for c, name in ipairs(table_of[1] or {}) do at[name:gsub("^#", ""):upper()] = c end
  for _, name in ipairs{"FILENAME", "FACE_X", "FACE_Y", "FACE_WIDTH", "FACE_HEIGHT"} do
    if not at[name] then fail("%s:1: there is no column %s", path, name) end
  end
  for p, name in ipairs(NAMES) do
    for d, axis in ipairs{"_X", "_Y"} do
      at[2 * p - 2 + d] = at[name:upper() .. axis]
        or fail("%s:1: there is no column %s%s", path, name, axis)
    end
  end
  for r = 2, #table_of do
    local c <const>, where <const> = table_of[r], ("%s:%d"):format(path, table_of[r].line)
    local face <const> = new_face(where, c[at.FILENAME],
      {c[at.ROLL or 0], c[at.PITCH or 0], c[at.YAW or 0]},
      {c[at.FACE_X], c[at.FACE_Y], c[at.FACE_WIDTH], c[at.FACE_HEIGHT]}, c[at.SEX or 0])
    for k = 1, 2 * #NAMES do
      face.points[k] = number_of(c[at[k]], where, table_of[1][at[k]])
    end
    faces[#faces + 1] = face
  end
  return faces
end

-- The directory that the paths in a list are relative to.
local function picture_root(dir, path)
  for _, inner in ipairs{"/flickr", "/data/flickr", "/data", ""} do
    if places.kind(dir .. inner .. "/" .. path) then return dir .. inner end
  end
  return dir .. (places.kind(dir .. "/data/flickr") and "/data/flickr" or "/flickr")
end

local function make(dir, faces, o)
  local paths <const>, points <const>, boxes <const>, labels <const> = {}, {}, {}, {}
  local function where(i) return faces[i].where end
  local columns <const> = {roll = {}, pitch = {}, yaw = {}, gender = {}, glasses = {}}
  for i, face in ipairs(faces) do
    paths[i] = face.path
    for k = 1, 2 * #NAMES do points[#points + 1] = face.points[k] or NAN end
    for k = 1, 4 do boxes[#boxes + 1] = face.box[k] end
    for name, column in pairs(columns) do column[i] = face[name] end
  end
  for name, column in pairs(columns) do
    local class <const> = name == "gender" or name == "glasses"
    local t <const> = core.from_table(column, class and "int64" or "float32")
    local known <const> = class and t:ne(0) or t:eq(t)
    if known:any():item() then labels[name] = class and t or t * (180 / math.pi) end
  end
  labels.landmarks = core.from_table(points, "float32"):reshape(-1, #NAMES, 2)
  return pictures.dataset(o, {files = paths, root = picture_root(dir, paths[1]),
    where = where, labels = labels, boxes = core.from_table(boxes, "float32"):reshape(-1, 4),
    points = {landmarks = POINTS_KNOWN},
    kinds = {roll = o.roll == "clockwise" and "roll" or "-roll", pitch = "pitch", yaw = "yaw"},
    classes = {gender = {"male", "female"}, glasses = {"yes", "no"}}, missing = 0})
end

local function load(top, o)
  local dir <const> = places.kind(top .. "/data") and top
    or places.find(top, {"aflw.sqlite", "aflw.csv"}, 2) or top
  for _, path in ipairs{"/aflw.sqlite", "/data/aflw.sqlite", "/aflw.csv", "/data/aflw.csv"} do
    if places.kind(dir .. path) then
      local read <const> = path:find("csv$") and read_csv or read_database
      local faces <const> = read(dir .. path)
      if #faces == 0 then fail("%s%s: there are no faces in it", dir, path) end
      return {train = make(dir, faces, o)}
    end
  end
  places.list(dir)
  places.absent(dir, "there is no aflw.sqlite in it, nor aflw.csv")
end

return damage.reader("data.aflw", function(dir, given)
  local o <const> = check.options(OPTIONS, given)
  return load(damage.path("data.aflw", dir, "the directory of the data"), o)
end)
