--- data.wider: WIDER FACE (Yang, Luo, Loy and Tang 2016), and lists of boxes in its form.
--
-- data.wider(dir) -> {train =, val =}, as far as there are lists. A sample is a face; set:rows
-- tells in which picture it is. The directory, or one in it such as wider_face_split, has
-- wider_face_train_bbx_gt.txt and wider_face_val_bbx_gt.txt. Pictures are in WIDER_train/images and
-- WIDER_val/images, in images, or beside the lists. A list has the path of a picture, the number of
-- its faces, and a line for each face: x y w h in pixels from 0, and optionally blur, expression,
-- illumination, invalid, occlusion and pose. All but invalid are labels with classes (blur: 1
-- clear, 2 normal, 3 heavy). Invalid faces and faces without an area are left out; train.omitted
-- counts them. A picture without a face may be followed by a line of zeros.
-- The loader cuts out each face by its box; crop = "whole" shows the whole picture. size is the
-- side of the result in pixels, channels 1 or 3. orientation = false ignores the EXIF orientation.
-- @usage data.wider("WIDER").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local lines <const> = require "braid.data.lines"
local numbers <const> = require "braid.io.number"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.wider", pictures.options{})
local NAME <const>, DEEPEST <const> = "wider_face_%s_bbx_gt.txt", 2
local INVALID <const> = 8 -- the column that marks invalid faces
local CLASSES <const> = {blur = {"clear", "normal", "heavy"},
  expression = {"typical", "exaggerate"}, illumination = {"normal", "extreme"},
  occlusion = {"none", "partial", "heavy"}, pose = {"typical", "atypical"}}
local COLUMNS <const> = {blur = 5, expression = 6, illumination = 7, occlusion = 9, pose = 10}

-- The numbers of a line; nil if it has anything else.
local function numbers_of(text)
  local list <const> = {}
  for word in text:gmatch("%S+") do
    local value <const> = numbers.plain(word)
    if not value or math.abs(value) > 1e6 then return nil end
    list[#list + 1] = math.tointeger(value) or value
  end
  return list
end

local function face_of(path, line)
  local list <const> = line and numbers_of(line[1])
  if not list or #list ~= 4 and #list ~= 10 then
    fail("%s:%s: a face of 4 or 10 numbers wanted%s", path, line and line[2] or "end",
      line and (", not '%s'"):format(line[1]:sub(1, 60)) or "")
  end
  return list
end

local function class_of(path, line, face, name)
  local value <const> = face[COLUMNS[name]]
  return value and lines.class(path, line, name, value, CLASSES[name]) or 0
end

-- Reads a list -> {paths =, rows =, boxes =, labels =, omitted =}.
local function read(path)
  local list <const>, at = lines.read(path), 1
  local all <const> = {paths = {}, lines = {}, rows = {}, boxes = {}, labels = {}, omitted = 0}
  for name in pairs(CLASSES) do all.labels[name] = {} end
  while at <= #list do
    local picture <const>, said <const> = list[at], list[at + 1]
    local count <const> = said and numbers_of(said[1])
    if not count or #count ~= 1 or math.type(count[1]) ~= "integer" or count[1] < 0 then
      fail("%s:%d: the number of faces wanted after '%s'", path, said and said[2] or picture[2],
        picture[1]:sub(1, 60))
    end
    at = at + 2
    local first, faces <const> = true, count[1]
    for _ = 1, faces do
      local line <const> = list[at]
      local face <const> = face_of(path, line)
      at = at + 1
      if face[3] < 1 or face[4] < 1 or face[INVALID] == 1 then
        all.omitted = all.omitted + 1
      else
        if first then
          all.paths[#all.paths + 1] = picture[1]:gsub("\\", "/")
          all.lines[#all.paths] = picture[2]
        end
        first = false
        all.rows[#all.rows + 1] = #all.paths
        table.move({face[1] - 0.5, face[2] - 0.5, face[1] + face[3] - 0.5,
          face[2] + face[4] - 0.5}, 1, 4, #all.boxes + 1, all.boxes)
        for name, column in pairs(all.labels) do
          column[#column + 1] = class_of(path, line, face, name)
        end
      end
    end
    local zeros <const> = faces == 0 and list[at] and numbers_of(list[at][1])
    if zeros and #zeros >= 4 then at = at + 1 end
  end
  return all
end

local function make(top, dir, part, o)
  local list <const> = dir .. "/" .. NAME:format(part)
  local all <const>, labels <const> = read(list), {}
  if #all.rows == 0 then fail("%s: there are no faces in it", list) end
  for name, column in pairs(all.labels) do
    local t <const> = core.from_table(column, "int64")
    if t:ne(0):any():item() then labels[name] = t end
  end
  local set <const> = pictures.dataset(o, {files = all.paths,
    root = places.root({top, dir}, {("/WIDER_%s/images"):format(part), "/images", ""},
      all.paths[1]),
    where = function(i) return ("%s:%d"):format(list, all.lines[i]) end,
    index = core.from_table(all.rows, "int64"),
    boxes = core.from_table(all.boxes, "float32"):reshape(-1, 4), labels = labels,
    classes = CLASSES, missing = 0})
  set.omitted = all.omitted
  return set
end

return damage.reader("data.wider", function(path, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.wider", path, "the directory of the data")
  local sets <const> = {}
  for _, part in ipairs{"train", "val"} do
    local dir <const> = places.find(top, {NAME:format(part)}, DEEPEST)
    if dir then sets[part] = make(top, dir, part, o) end
  end
  if next(sets) == nil then
    places.list(top)
    places.absent(top, ("there is no %s in it"):format(NAME:format("train")))
  end
  return sets
end)
