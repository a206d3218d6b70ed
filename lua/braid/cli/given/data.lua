--- Opens the data that an argument names: a published directory, a file that lists pictures, an
-- archive, a table of numbers, or "faces".

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local data <const> = require "braid.data"
local known <const> = require "braid.data.known"
local settings <const> = require "braid.cli.given.settings"

local M <const> = {}

local READERS <const> = {"auto", "faces", "mtfl", "celeba", "aflw", "wider", "wflw",
  "cofw", "pts", "coco", "utkface", "cifar10", "cifar100", "idx", "csv", "jsonl", "images",
  "table", "tar"}

--- The options of commands that read data.
M.OPTIONS = {data = check.text(), reader = READERS, read = ""}
M.SAID = {
  data = "directory or file of data, or faces (which are rendered)",
  reader = "reader of the data",
  read = "settings of the reader: \"val=500 wrong=omit\"; for faces: \"n=4000 seed=1\"; for a "
    .. "table without pictures: \"reals={age} val=0.2\"",
}

-- The reader for a path.
local function reader_of(path)
  local kind <const> = core.path_kind(path)
  if not kind and path == "faces" then return "faces" end
  if not kind then check.fail("--data: there is no %s", path) end
  if kind == "directory" then return known.directory(path) or "images" end
  return known.file(path) or check.fail("--data: %s is not a directory, nor a .csv or .jsonl file; "
    .. "choose its reader with --reader", path)
end

local function reader_by(o) return o.reader == "auto" and reader_of(o.data) or o.reader end

--- The kinds of the options that the reader takes, and the options that the user gave.
function M.takes(o)
  local name <const> = reader_by(o)
  local _ <const> = data[name] -- declares them
  local declared <const> = check.declared["data." .. name]
  return declared and declared.kinds or {}, settings("read", o.read)
end

--- The data that a command's options name, as {train =, val =, test =}; `more` has further settings
-- of the reader.
function M.open(o, more)
  local reader <const>, own <const> = reader_by(o), settings("read", o.read)
  for key, value in pairs(more or {}) do own[key] = value end
  if reader == "faces" then return data.faces(own) end
  return data[reader](o.data, own)
end

local ORDER <const> = {"train", "val", "test"}

--- One part of the data. Raises an error if it is missing.
function M.part(sets, name)
  if sets[name] then return sets[name] end
  local there <const> = {}
  for _, other in ipairs(ORDER) do
    if sets[other] then there[#there + 1] = other end
  end
  check.fail("--part: the data have no %s; there is %s", name, table.concat(there, ", "))
end

--- The names of the parts that exist, in order.
function M.parts(sets)
  local names <const> = {}
  for _, name in ipairs(ORDER) do names[#names + 1] = sets[name] and name or nil end
  return names
end

return M
