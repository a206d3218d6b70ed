--- data.images: reads image folders, with a folder of pictures for each class.
--
-- data.images(dir) -> {train =, val =, test =}. Pictures are .png, .jpg and .jpeg files in
-- dir/CLASS/, or deeper. If dir has folders called train, test or val (training, testing, valid,
-- validation), each of them is a data set and has the classes; otherwise all pictures are `train`.
-- If there are other folders with pictures, or pictures, beside these folders, an option must say
-- what they are: sets = true takes the data sets only, and sets = false makes every folder a class.
-- If dir has only one folder, and this folder has folders but no pictures, it is read in place of
-- dir. Pictures directly in a data set's folder have no class (label 0).
--
-- Classes are sorted by name and have the same numbers in all data sets. A folder without pictures
-- is not a class. Pictures that cannot be read are left out and counted: those of another format
-- (GIF, WebP, TIFF ...), and files that are damaged (train.unreadable, first_unreadable). With
-- check = false they stay in the data set, and a loader that reads them raises the error. Other
-- files, names that start with a dot, and folders that archives leave behind (__MACOSX) are
-- ignored. `label` is the name of the label (class). channels is 1, 3, or nil for each file's own.
-- size is the side of a loader's pictures. orientation = false ignores the EXIF orientation of
-- pictures.
-- @treturn {train: data.dataset, val?: data.dataset, test?: data.dataset}
-- @usage data.images("images").train[1]

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local readers <const> = require "braid.data.pictures"
local places <const> = require "braid.data.places"

local fail <const> = damage.fail
local OPTIONS <const> = check.declare("data.images", readers.options{label = check.text("class"),
  check = check.flag(true), sets = check.flag()})
local SETS <const> = {train = "train", training = "train", test = "test", testing = "test",
  val = "val", valid = "val", validation = "val"}
local ENDINGS <const> = {png = true, jpg = true, jpeg = true, jpe = true, jfif = true}
-- Formats that Braid does not read; such pictures are counted as unreadable.
local OTHERS <const> = {gif = true, bmp = true, webp = true, tif = true, tiff = true, heic = true,
  heif = true, avif = true, jp2 = true, ppm = true, pgm = true}

local function ending_of(name) return (name:match("%.(%w+)$") or ""):lower() end

local function is_picture(name)
  local ending <const> = ending_of(name)
  return ENDINGS[ending] or OTHERS[ending]
end

local function any_picture(files)
  for _, name in ipairs(files) do
    if is_picture(name) then return true end
  end
  return false
end

-- The directory that has the classes or sets: dir itself, or its only folder if dir has no pictures
-- and that folder has folders but no pictures.
local function root_of(dir)
  for _ = 1, 8 do
    local files <const>, folders <const> = places.list(dir)
    if any_picture(files) or #folders ~= 1 or SETS[folders[1]:lower()] then break end
    local inner <const> = dir .. "/" .. folders[1]
    local inner_files <const>, inner_folders <const> = places.list(inner)
    if any_picture(inner_files) or #inner_folders == 0 then break end
    dir = inner
  end
  return dir
end

-- The pictures below root/folder, and for each the name of its class or false.
local function gather(root, folder)
  local found <const> = {paths = {}, names = {}}
  local start <const> = root .. (folder == "" and "" or "/" .. folder:sub(1, -2))
  places.walk(start, function(inner, files, _, above)
    local class <const> = above or inner ~= "" and inner:match("^([^/]*)/") or false
    for _, name in ipairs(files) do
      if is_picture(name) then
        found.paths[#found.paths + 1] = folder .. inner .. name
        found.names[#found.names + 1] = class
      end
    end
    return class
  end)
  return found
end

-- Leaves out files that cannot be read as pictures, and counts them.
local function checked(root, found)
  local whole <const> = {}
  for i, path in ipairs(found.paths) do whole[i] = root .. "/" .. path end
  local bad <const> = core.probe_images(whole)
  local good <const> = {paths = {}, names = {}, unreadable = 0}
  for i, path in ipairs(found.paths) do
    if bad[i] then
      good.unreadable = good.unreadable + 1
      good.first = good.first or bad[i]
    else
      good.paths[#good.paths + 1], good.names[#good.names + 1] = path, found.names[i]
    end
  end
  return good
end

local function make(root, found, classes, o)
  local numbers <const>, labels <const> = {}, {}
  for i, name in ipairs(classes) do numbers[name] = i end
  for i = 1, #found.paths do labels[i] = numbers[found.names[i]] or 0 end
  return readers.dataset(o, {files = found.paths, root = root,
    labels = {[o.label] = core.from_table(labels, "int64")}, classes = {[o.label] = classes},
    missing = 0, unreadable = found.unreadable or 0,
    first_unreadable = found.first})
end

-- Which folder is which set: {train = "Train/", ...}, or "" for the directory itself.
local function starts_of(dir, given)
  local files <const>, folders <const> = places.list(dir)
  local starts <const>, others <const> = {}, {}
  for _, name in ipairs(given ~= false and folders or {}) do
    local set <const> = SETS[name:lower()]
    if set and starts[set] then
      fail("%s: both %s and %s hold the set '%s'", dir, starts[set]:sub(1, -2), name, set)
    end
    if set then starts[set] = name .. "/" else others[#others + 1] = name end
  end
  if not next(starts) then
    if given then fail("%s: there is no folder train, val or test in it", dir) end
    return {train = ""}
  end
  if given == nil then
    local other
    for _, name in ipairs(others) do
      other = other or #gather(dir, name .. "/").paths > 0 and name
    end
    if other or any_picture(files) then
      fail("%s: is %s a data set or a class? %s beside it: sets = true takes the data sets only, "
        .. "sets = false makes it a class", dir, starts[check.sorted_keys(starts)[1]]:sub(1, -2),
        other and ("There is a folder '%s' with pictures"):format(other) or "There are pictures")
    end
  end
  return starts
end

local function none_in(path, found)
  if found.unreadable and found.unreadable > 0 then
    fail("%s: none of its %d pictures can be read: %s", path, found.unreadable, found.first)
  end
  places.absent(path, "there is no picture in it (.png, .jpg, .jpeg)")
end

return damage.reader("data.images", function(given_dir, given)
  local o <const> = check.options(OPTIONS, given)
  local top <const> = damage.path("data.images", given_dir, "the directory of the data")
  if o.label == "" or Dataset.taken[o.label] then
    check.fail("data.images: label must be a name for the labels, not \"%s\"", o.label)
  end
  local dir <const> = root_of(top)
  local starts <const>, found <const>, all <const> = starts_of(dir, o.sets), {}, {}
  for _, set in ipairs(check.sorted_keys(starts)) do
    local pictures <const> = gather(dir, starts[set])
    found[set] = o.check and checked(dir, pictures) or pictures
    if #found[set].paths == 0 then none_in(dir .. "/" .. starts[set], found[set]) end
    for _, name in ipairs(found[set].names) do
      if name then all[name] = true end
    end
  end
  local sets <const>, classes <const> = {}, check.sorted_keys(all)
  for set, pictures in pairs(found) do sets[set] = make(dir, pictures, classes, o) end
  return sets
end)
