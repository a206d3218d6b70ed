--- Makes the readers data.cifar10 and data.cifar100. A record in their files is one or two bytes of
-- labels, and then 3 planes of 32x32 bytes: red, green, blue.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local damage <const> = require "braid.data.damage"
local Dataset <const> = require "braid.data.dataset"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local places <const> = require "braid.data.places"
local texts <const> = require "braid.io.text"

local fail <const> = damage.fail
local SIDE <const>, DEEPEST <const> = 32, 3
local PIXELS <const> = 3 * SIDE * SIDE

local M <const> = {}

-- The names of classes in a file, one a line; nil if there is no file.
local function names_of(path)
  if places.kind(path) ~= "file" then return nil end
  local text <const>, message <const> = files.read(path)
  if not text then fail("%s", message) end
  local names <const> = {}
  for name in text:gmatch("[^\r\n]+") do names[#names + 1] = texts.trimmed(name) end
  return names
end

-- The records in a file, uint8 (n, labels + pixels).
local function records_of(path, width)
  local source <close>, message <const> = files.open(path)
  if not source then fail("%s", message) end
  limits.bound("elements", source.size, "bytes in %s", path)
  local head <const> = source.size > 0 and source:bytes(1, math.min(source.size, 40)) or ""
  local other <const> = head:find("^\x1F\x8B") and "packed by gzip: unpack it" or texts.other(head)
  if other and source.size % width ~= 0 then fail("%s: it is %s", path, other) end
  if source.size == 0 or source.size % width ~= 0 then
    fail("%s: %d bytes are not a whole number of records of %d", path, source.size, width)
  end
  local text <const>, at <const> = source:window(1, source.size)
  if not text then fail("%s", at) end
  return core.from_packed(text, at, {source.size // width, width}, "uint8")
end

-- A column of labels as int64 (n), from 1.
local function labels_of(path, records, column, task)
  local labels <const> = records[{ {}, column }]:to("int64") + 1
  if labels:max():item() > task.classes then
    for i, label in ipairs(labels:totable()) do
      if label > task.classes then
        fail("%s: record %d: %s is %d, not from 0 to %d", path, i, task.name, label - 1,
          task.classes - 1)
      end
    end
  end
  return labels
end

-- Makes a data set from several files.
local function read(dir, names, tasks)
  local images <const>, columns <const>, labels <const>, classes <const> = {}, {}, {}, {}
  for c = 1, #tasks do columns[c] = {} end
  for f, name in ipairs(names) do
    local path <const> = dir .. "/" .. name
    local records <const> = records_of(path, #tasks + PIXELS)
    for c, task in ipairs(tasks) do columns[c][f] = labels_of(path, records, c, task) end
    images[f] = records[{ {}, {#tasks + 1, #tasks + PIXELS} }]:reshape(-1, 3, SIDE, SIDE)
      :channels_last()
  end
  for c, task in ipairs(tasks) do
    labels[task.name] = core.ops.cat(columns[c], 1)
    classes[task.name] = names_of(dir .. "/" .. task.names)
  end
  local rows <const> = {}
  for f, batch in ipairs(images) do rows[f] = batch:permute(1, 3, 4, 2) end
  return Dataset{images = core.ops.cat(rows, 1):permute(1, 4, 2, 3), labels = labels,
    classes = classes}
end

-- Says why files are absent: the directory has another version of the data, or its archive.
local function why_absent(dir, wanted, v)
  if places.kind(dir) == "file" then
    fail("%s: it is a file: unpack %s and give the directory", dir, v.archive)
  end
  local path <const>, name <const> = places.find(dir, v.python, DEEPEST)
  if path then
    fail("%s/%s: this is the version for Python, of pickles, which could run a program; the "
      .. "binary version is read: %s", path, name, v.archive)
  end
  local packed <const>, archive <const> = places.find(dir, v.archives, DEEPEST)
  if packed then
    fail("%s/%s: unpack it: tar xzf %s", packed, archive, archive)
  end
  local matlab <const> = places.find(dir, v.matlab, DEEPEST)
  if matlab then
    fail("%s: this is the version for Matlab; the binary version is read: %s", matlab, v.archive)
  end
  places.absent(dir, ("there is no %s in it"):format(wanted))
end

--- Makes the function that users call.
-- @param v {train = names of files, test = ..., tasks = {{name =, classes = number of classes,
--   names = file of their names}, ...} in the order of the label bytes, python, archives, matlab =
--   names of files in other versions of the data, archive = address of the right version}
function M.reader(name, v)
  local options <const> = check.declare(name, {})
  return damage.reader(name, function(given_dir, given)
    check.options(options, given)
    local dir <const> = damage.path(name, given_dir, "the directory of the data")
    if places.kind(dir) ~= "directory" and places.kind(dir) ~= "file" then places.list(dir) end
    local root <const> = places.kind(dir) == "directory" and places.find(dir, {v.train[1]}, DEEPEST)
    if not root then why_absent(dir, v.train[1], v) end
    return {train = read(root, v.train, v.tasks), test = read(root, v.test, v.tasks)}
  end)
end

return M
