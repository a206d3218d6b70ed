--- COCO's people with keypoints (Lin et al. 2014), as JSON.
--
-- data.coco(dir) -> {train =, val =}, as far as there are files. The directory, or annotations in
-- it, has person_keypoints_train2017.json and person_keypoints_val2017.json; pictures are in
-- train2017 and val2017, in images/train2017, or beside the file. If there are files of several
-- years, year = 2017 chooses. A sample is a person; set:rows gives the number of its picture.
-- Labels: landmarks, 17 points (left and right are the person's own; the eyes are 3 and 2);
-- occlusion, the share of the labelled points that are not visible; box_width. A point of
-- visibility 0 is missing; hidden = "missing" makes points of visibility 1 (not visible) missing,
-- too. Crowds (iscrowd = 1), people with fewer than `least` (1) labelled points and people whose
-- box has no area are left out; train.omitted counts them. Decision: points count pixels from 0,
-- and boxes are distances from the picture's upper left corner.
-- The file is read person by person, and takes little more memory than its own size.
-- The loader cuts out each person by its box; crop = "whole" shows the whole picture. size is the
-- side of the result in pixels, channels 1 or 3. orientation = false ignores the EXIF orientation.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.coco("coco").train

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local pictures <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"
local schemes <const> = require "braid.data.schemes"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.coco", pictures.options{
  hidden = check.choice{"kept", "missing"}, least = check.whole{1, from = 1, to = 17},
  year = check.whole{from = 1, to = 9999}})
local NAME <const> = "^person_keypoints_(%a+)(%d*)%.json$"
local DEEPEST <const>, POINTS <const>, NAN <const> = 2, 17, 0 / 0

local function is_number(v) return type(v) == "number" and v == v and math.abs(v) <= 1e6 end

-- The numbers of a list in an annotation.
local function numbers_of(where, a, key, count)
  local list <const> = a[key]
  if type(list) ~= "table" or #list ~= count then
    fail("%s: %s must be a list of %d numbers", where, key, count)
  end
  for i = 1, count do
    if not is_number(list[i]) then
      fail("%s: number %d of %s is not a number from -1e6 to 1e6", where, i, key)
    end
  end
  return list
end

-- A person {points =, occlusion =, box =, image =} of an annotation; nil if it is left out.
local function person_of(where, a, o)
  if type(a) ~= "table" then fail("%s: it is not an object", where) end
  if not math.tointeger(a.image_id) then fail("%s: image_id must be a whole number", where) end
  if a.iscrowd == 1 or a.iscrowd == true then return nil end
  local v <const>, box <const> = numbers_of(where, a, "keypoints", 3 * POINTS),
    numbers_of(where, a, "bbox", 4)
  local person <const> = {points = {}, image = math.tointeger(a.image_id)}
  local labelled, hidden = 0, 0
  for k = 1, POINTS do
    local x <const>, y <const>, seen <const> = table.unpack(v, 3 * k - 2, 3 * k)
    if seen ~= 0 and seen ~= 1 and seen ~= 2 then
      fail("%s: the visibility of point %d must be 0, 1 or 2, not %s", where, k, tostring(seen))
    end
    local known <const> = seen == 2 or seen == 1 and o.hidden == "kept"
    labelled, hidden = labelled + (seen > 0 and 1 or 0), hidden + (seen == 1 and 1 or 0)
    person.points[2 * k - 1], person.points[2 * k] = known and x or NAN, known and y or NAN
  end
  if labelled < o.least or box[3] <= 0 or box[4] <= 0 then return nil end
  person.occlusion = hidden / labelled
  person.box = {box[1] - 0.5, box[2] - 0.5, box[1] + box[3] - 0.5, box[2] + box[4] - 0.5}
  return person
end

-- Reads a file -> the list of people, how many were left out, the pictures' names by their numbers.
local function read(path, o)
  local bytes <const>, message <const> = files.read(path)
  if not bytes then fail("%s", message) end
  local text <const>, why <const> = texts.decode(bytes)
  if not text then fail("%s: %s", path, why) end
  local people <const>, names <const>, omitted, seen = {}, {}, 0, false
  local ok <const>, wrong <const> = json.elements(text, {
    images = function(image, i)
      local where <const> = ("picture %d"):format(i)
      local id <const> = type(image) == "table" and math.tointeger(image.id)
      if not id then fail("%s: id must be a whole number", where) end
      if type(image.file_name) ~= "string" or image.file_name == "" then
        fail("%s: file_name is missing", where)
      end
      names[id] = image.file_name
    end,
    annotations = function(a, i)
      local person <const> = person_of(("annotation %d"):format(i), a, o)
      seen = true
      omitted = omitted + (person and 0 or 1)
      if person then person.number, people[#people + 1] = i, person end
    end,
  })
  if not ok then fail("%s: %s", path, wrong) end
  if #people == 0 then
    fail("%s: %s", path, seen and ("all of its %d annotations are left out"):format(omitted)
      or "there are no annotations in it")
  end
  return people, omitted, names
end

-- The pictures of people, each once: their names, and for each person the number of its picture.
local function pictures_of(path, people, names)
  local paths <const>, index <const>, number_of <const>, first <const> = {}, {}, {}, {}
  for i, person in ipairs(people) do
    if not number_of[person.image] then
      paths[#paths + 1] = names[person.image] or fail("%s: annotation %d: there is no picture %d",
        path, person.number, person.image)
      number_of[person.image], first[#paths] = #paths, person.number
    end
    index[i] = number_of[person.image]
  end
  return paths, index, first
end

local function make(top, found, o)
  local path <const> = found.dir .. "/" .. found.name
  local people <const>, omitted <const>, names <const> = read(path, o)
  local paths <const>, index <const>, first <const> = pictures_of(path, people, names)
  local points <const>, boxes <const>, occlusion <const> = {}, {}, {}
  for i, person in ipairs(people) do
    table.move(person.points, 1, 2 * POINTS, #points + 1, points)
    table.move(person.box, 1, 4, #boxes + 1, boxes)
    occlusion[i] = person.occlusion
  end
  local part <const> = found.part .. found.year
  local set <const> = pictures.dataset(o, {files = paths,
    root = places.root({top, found.dir}, {"/" .. part, "/images/" .. part, "/images", ""},
      paths[1]),
    where = function(i) return ("%s: annotation %d"):format(path, first[i]) end,
    index = core.from_table(index, "int64"),
    boxes = core.from_table(boxes, "float32"):reshape(-1, 4),
    labels = {landmarks = core.from_table(points, "float32"):reshape(-1, POINTS, 2),
      occlusion = core.from_table(occlusion, "float32")},
    points = {landmarks = schemes.COCO}, missing = 0})
  set.omitted = omitted
  return set
end

-- The files of keypoints in a directory and its folders: {train = {dir =, name =, ...}, val = ...}.
local function find(top, o)
  local found <const> = {}
  local function look(dir, depth)
    local names <const>, folders <const> = places.list(dir)
    for _, name in ipairs(names) do
      local part <const>, year <const> = name:match(NAME)
      if part and (not o.year or tonumber(year) == o.year) then
        local other <const> = found[part]
        if other and other.year ~= year then
          fail("%s: there are files of %s and of %s: say year = %s", top, other.year, year, year)
        end
        found[part] = other or {dir = dir, name = name, part = part, year = year}
      end
    end
    for _, folder in ipairs(depth < DEEPEST and folders or {}) do
      look(dir .. "/" .. folder, depth + 1)
    end
  end
  look(top, 0)
  return found
end

return damage.reader("data.coco", function(path, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.coco", path, "the directory of the data")
  local found <const>, sets <const> = find(top, o), {}
  if not found.train and not found.val then
    places.absent(top, ("there is no person_keypoints_train%s.json in it"):format(o.year or 2017))
  end
  for _, part in ipairs{"train", "val"} do
    -- The folders of pictures are beside `annotations`.
    local above <const> = found[part] and found[part].dir:match("^(.*)/annotations$") or top
    if found[part] then sets[part] = make(above, found[part], o) end
  end
  return sets
end)
