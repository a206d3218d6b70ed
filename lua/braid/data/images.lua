--- Image folders: a folder for each class.
--
-- data.images(dir) -> {train =, val =, test =}: pictures are .png, .jpg and .jpeg files in
-- dir/CLASS/, or deeper. Where dir holds folders called train, test, or val (valid,
-- validation), each of them has the classes, and is a data set; otherwise all is `train`.
-- Pictures right in the folder of a data set have no class. Classes are sorted by
-- name, the same numbers in all data sets. Other files, and names that start with a dot,
-- are passed over. The label is called `class`, or what `label` says; channels is 1, 3 or
-- nil for what each file has.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local Dataset <const> = require "braid.data.dataset"

local OPTIONS <const> = {label = "class", channels = check.none}
local SETS <const> = {
  train = "train", test = "test", val = "val", valid = "val", validation = "val",
}
local ENDINGS <const> = {png = true, jpg = true, jpeg = true}
local DEEPEST <const> = 32

-- Adds the pictures of a folder, sorted, then those of the folders in it.
local function gather(root, folder, class, into, depth)
  local files <const>, folders <const> = core.list_folder(root .. "/" .. folder)
  if not files then return nil, folders end
  if depth > DEEPEST then
    return nil, ("%s/%s: folders in folders without end"):format(root, folder)
  end
  table.sort(files)
  table.sort(folders)
  for _, name in ipairs(files) do
    if ENDINGS[(name:match("%.(%w+)$") or ""):lower()] then
      into.paths[#into.paths + 1] = folder .. name
      into.names[#into.names + 1] = class
    end
  end
  for _, name in ipairs(folders) do
    local inner <const> = class or name
    if not class then into.classes[name] = true end
    local ok <const>, message <const> = gather(root, folder .. name .. "/", inner, into, depth + 1)
    if not ok then return nil, message end
  end
  return true
end

local function make(root, found, classes, o)
  local numbers <const>, labels <const> = {}, {}
  for i, name in ipairs(classes) do numbers[name] = i end
  for i = 1, #found.paths do labels[i] = numbers[found.names[i]] or 0 end
  return Dataset{files = found.paths, root = root, channels = o.channels,
    labels = {[o.label] = core.from_table(labels, "int64")}, classes = {[o.label] = classes},
    missing = 0}
end

return function(dir, given)
  local o <const> = check.options("data.images", given, OPTIONS)
  if type(dir) ~= "string" then error("data.images: wants the directory of the data", 2) end
  local files <const>, folders <const> = core.list_folder(dir)
  if not files then return nil, folders end
  local starts <const> = {}
  table.sort(folders)
  for _, name in ipairs(folders) do
    local set <const> = SETS[name:lower()]
    if set and starts[set] then
      return nil, ("%s: both %s and %s hold the set '%s'"):format(dir, starts[set], name, set)
    end
    if set then starts[set] = name end
  end
  if not next(starts) then starts.train = "" end
  local found <const>, all <const> = {}, {}
  for _, set in ipairs(check.sorted_keys(starts)) do
    -- A class is known by a folder's name, `false` is none: the files of the set itself.
    found[set] = {paths = {}, names = {}, classes = all}
    local inner <const> = starts[set] == "" and "" or starts[set] .. "/"
    local ok <const>, message <const> = gather(dir, inner, false, found[set], 0)
    if not ok then return nil, message end
    if #found[set].paths == 0 then
      return nil, ("%s/%s: there is no picture in it (.png, .jpg, .jpeg)"):format(dir, inner)
    end
  end
  local sets <const>, classes <const> = {}, check.sorted_keys(all)
  for set, pictures in pairs(found) do sets[set] = make(dir, pictures, classes, o) end
  return sets
end
