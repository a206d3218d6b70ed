--- Finds the picture files that a table names.
--
-- People write paths with backslashes, in another case than on disk, with another ending or none,
-- or relative to a folder beside the table. If there is no file at the path as written, this file
-- tries these variants. If they do not exist either, the path stays as written.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local columns <const> = require "braid.data.columns"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local places <const> = require "braid.data.places"

local fail <const> = damage.fail

local M <const> = {}

-- Options of all readers of picture files: the channels to read (1, 3, or nil for each file's own),
-- the size of a loader's pictures, whether the loader shows the whole picture or its box, and
-- whether pictures are turned as their EXIF data say.
local OF_FILES <const> = {
  channels = check.optional(check.choice{1, 3}), size = check.whole{from = 1, to = 4096},
  crop = check.optional(check.choice{"box", "whole"}), orientation = check.flag(true),
}

--- Adds the options of all readers of picture files to a reader's own options.
function M.options(own)
  for key, kind in pairs(OF_FILES) do own[key] = kind end
  return own
end

--- Gives up if a path of a published list leads out of the directory of the data. where(i) says
-- where path i is in the list.
function M.check_inside(paths, where)
  -- Most lists have only names of files; then no path can lead out.
  if paths.each and not paths.text:find("/", 1, true) and not paths.text:find("..", 1, true) then
    return
  end
  for i, path in (paths.each or ipairs)(paths) do
    if not places.is_inside(path) then
      fail("%s: the path '%s' leads out of the directory of the data", where(i), path:sub(1, 60))
    end
  end
end

--- Makes a data set of files from the fields of a Dataset and the options about pictures. The field
-- `where`, a function that says where in a list path i is, makes it an error if a path leads out of
-- the root.
function M.dataset(o, fields)
  if fields.where then M.check_inside(fields.files, fields.where) end
  fields.where = nil
  for key in pairs(OF_FILES) do fields[key] = o[key] end
  return Dataset(fields)
end

local SAMPLED <const>, DEEPEST <const> = 20, 2
local ENDINGS <const> = {".png", ".jpg", ".jpeg", ".PNG", ".JPG", ".JPEG"}

local function joined(root, path)
  return (root == "" or path:byte() == 47) and path or root .. "/" .. path
end

-- Looks at the first 20 paths: whether there is a file at each of them, and at any of them.
local function sample(root, paths)
  local n <const>, found = math.min(#paths, SAMPLED), 0
  for i = 1, n do
    if places.kind(joined(root, paths[i])) == "file" then found = found + 1 end
  end
  return found == n, found > 0
end

local function stem_of(name) return name:match("^(.+)%.%w+$") or name end

-- The folder in `root` to which the first path is relative; nil if there is none.
local function other_root(root, paths)
  local dir <const>, names <const> = root == "" and "." or root, {}
  if paths[1]:byte() == 47 or places.kind(dir) ~= "directory" then return nil end
  for _, path in ipairs{paths[1], paths[1]:lower()} do
    names[#names + 1] = path
    for _, ending in ipairs(ENDINGS) do
      names[#names + 1], names[#names + 2] = path .. ending, stem_of(path) .. ending
    end
  end
  return (places.find(dir, names, DEEPEST))
end

-- The files of a folder by their names in lower case (`whole`), and by these names without ending
-- (`stems`). A name that two files share gives false.
local function known(folders, folder)
  if folders[folder] then return folders[folder] end
  local whole <const>, stems <const> = {}, {}
  local files <const> = core.list_folder(folder) or {}
  for _, name in ipairs(files) do
    local lower <const> = name:lower()
    local stem <const> = stem_of(lower)
    whole[lower] = whole[lower] == nil and name or false
    if lower:find("%.png$") or lower:find("%.jpe?g$") then
      stems[stem] = stems[stem] == nil and name or false
    end
  end
  folders[folder] = {whole = whole, stems = stems}
  return folders[folder]
end

-- The paths as they are on disk, if a file has another case or ending than written.
local function resolved(root, paths)
  local folders <const>, out <const> = {}, {}
  for i, path in ipairs(paths) do
    local full <const> = joined(root, path)
    out[i] = path
    if places.kind(full) ~= "file" then
      local inner <const>, name <const> = path:match("^(.*/)([^/]*)$")
      local k <const> = known(folders, full:match("^(.*)/[^/]*$") or ".")
      local lower <const> = (name or path):lower()
      local file <const> = k.whole[lower] or k.stems[stem_of(lower)] or k.stems[lower]
      if file then out[i] = (inner or "") .. file end
    end
  end
  return out
end

--- The files that the column `image` of a table names: {paths =, root =}.
function M.of(t, image, root)
  local values <const>, paths <const> = columns.of(t, image), {}
  for row = 1, t.n do
    local value = values[row]
    if math.type(value) == "integer" then value = ("%d"):format(value) end
    if type(value) ~= "string" or value == "" then
      fail("%s: a path is missing", columns.place(t, row, image))
    end
    local path <const> = value:gsub("\\", "/")
    if path:find("^%a:/") or path:find("^//") then
      fail("%s: '%s' is a path of Windows, which does not exist here: write paths relative to a "
        .. "folder, and give that folder as root", columns.place(t, row, image), value:sub(1, 60))
    end
    if path:find("^%a+://") and not path:find("^file://") then
      fail("%s: '%s' is an address: pictures are read from files", columns.place(t, row, image),
        value:sub(1, 60))
    end
    paths[row] = path:gsub("^file://", "")
  end
  local all <const>, any <const> = sample(root, paths)
  if all then return {paths = paths, root = root} end
  if not any then root = other_root(root, paths) or root end
  return {paths = resolved(root, paths), root = root}
end

--- The numbers of the samples whose pictures can be read, how many cannot be read, and the message
-- about the first of these.
function M.readable(ds)
  local whole <const>, rows <const> = {}, {}
  for i = 1, #ds do whole[i] = ds:path(i) end
  local bad <const> = core.probe_images(whole)
  local first
  for i = 1, #ds do
    if bad[i] then first = first or bad[i] else rows[#rows + 1] = i end
  end
  return rows, #ds - #rows, first
end

return M
