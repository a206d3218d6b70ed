--- .pth and .pt: what torch.save of PyTorch (since 1.6) wrote.
--
-- The file is a zip of NAME/data.pkl, a pickle of all objects, NAME/byteorder, and NAME/data/KEY,
-- the bytes of each storage. The pickle is read by pickle.lua, which runs nothing of it;
-- pth_objects.lua has all types and functions that the pickle may name.
-- https://docs.pytorch.org/docs/stable/notes/serialization.html

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local objects <const> = require "braid.io.pth_objects"
local pickle <const> = require "braid.io.pickle"
local zip <const> = require "braid.io.zip"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

-- The beginning of a file of earlier versions: a pickle of their magic number.
local LEGACY <const> = "^\x80[\1-\5]\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
local fail <const> = damage.fail

-- Gives up on a file that is whole, but holds something that this reader refuses.
local function refuse(form, ...) damage.fail_with({refused = true}, form, ...) end

-- How to write a file anew in Python.
local function anew(source, value)
  local name <const> = source.path:match("[^/]*$"):gsub("[%c\"\\]", "?")
  return ("in Python: torch.save(%s, \"new.pth\")"):format(value:format(name))
end

-- The entries by their names in the folder that has the pickle.
local function members(source)
  if (source:bytes(1, math.min(source.size, 14)) or ""):find(LEGACY) then
    refuse("it is in the form that PyTorch wrote before version 1.6; save it again, %s",
      anew(source, "torch.load(\"%s\", weights_only=True)"))
  end
  local list <const>, folder, found = zip.entries(source), nil, {}
  for _, e in ipairs(list) do
    local name <const> = e.name:match("^([^/]*/)data%.pkl$")
    if name and folder then fail("it has data.pkl twice") end
    folder = folder or name
  end
  if not folder then fail("there is no data.pkl in it") end
  for _, e in ipairs(list) do
    if e.name:sub(1, #folder) == folder then found[e.name:sub(#folder + 1)] = e end
  end
  for name in pairs(found) do
    if name == "constants.pkl" or name:find("^code/") then
      refuse("it is a TorchScript archive, which is a program; save its weights, %s", anew(source,
        "torch.jit.load(\"%s\").state_dict()"))
    end
  end
  return found
end

local function is_big(source, entry)
  local order <const> = entry and (entry.size > 9 and "?" or zip.extract(source, entry)) or "little"
  if order ~= "little" and order ~= "big" then fail("its byte order is unknown") end
  return order == "big"
end

-- The object in a file's pickle, and the file: {entries =, memories in order, big = ...}.
local function open(source)
  local entries <const> = members(source)
  local file <const> = {entries = entries, memories = {}, unpacked = 0, count = 0,
    big = is_big(source, entries.byteorder)}
  limits.bound("header", entries["data.pkl"].size, "bytes of its pickle")
  local text <const> = zip.extract(source, entries["data.pkl"])
  local object <const> = pickle.read(text, objects.globals, function(name)
    refuse("it names %s, and only tensors, numbers, texts, lists and dicts are read; if you trust "
      .. "it, save these alone, %s", name, anew(source,
        "torch.load(\"%s\", weights_only=False)[\"state_dict\"]"))
  end, function(id) return objects.storage(file, id) end)
  return object, file
end

-- A value of Lua for an object of the pickle. Lists and tuples become lists, with their length in n
-- if one of their values is None; dicts become tables. An object that stands in two places becomes
-- one table that stands in both. leaf(object) returns the value of any other object.
local function plain_value(object, leaf)
  local made <const> = {}
  local function plain(value, depth)
    if value == pickle.none then return nil end
    if type(value) ~= "table" then return value end
    if made[value] == false then fail("a %s contains itself", value.kind) end
    if made[value] ~= nil then return made[value] end
    local wrong <const> = limits.over("depth", depth, "tables in tables")
    if wrong then fail("%s", wrong) end
    if value.kind ~= "dict" and value.kind ~= "list" and value.kind ~= "tuple" then
      made[value] = leaf(value)
      return made[value]
    end
    made[value] = false
    local result <const> = {}
    for key, child in pairs(value.of or {}) do result[key] = plain(child, depth + 1) end
    for i = 1, value.n or 0 do
      result[i] = plain(value[i], depth + 1)
      if result[i] == nil then result.n = value.n end
    end
    made[value] = result
    return result
  end
  return plain(object, 1)
end

local function is_in_order(shape, strides)
  local step = 1
  for d = #shape, 1, -1 do
    if shape[d] ~= 1 and strides[d] ~= step then return false end
    step = step * shape[d]
  end
  return true
end

local function read_tensor(t, text, big)
  local dtype <const> = t.dtype
  if not dtype.packed then
    fail("it has values of type %s, which no tensor here holds exactly; convert them to float32 "
      .. "first", dtype.name)
  end
  local plain <const> = t.empty or is_in_order(t.shape, t.strides)
  local value <const> = core.from_packed(text, t.empty and 1 or t.offset * dtype.width + 1, t.shape,
    dtype.packed, big, not plain and t.strides or nil)
  if dtype.packed == "uint64" and not t.empty and value:min():item() < 0 then
    fail("it has a number of 2^63 or more, which no tensor holds")
  end
  return value
end

-- Reads the value that a file holds, and returns it in a table with one entry.
local function parse(source)
  local object <const>, file <const> = open(source)
  plain_value(object, objects.tensor) -- everything is checked before values are read
  for _, memory in ipairs(file) do
    local text <const> = memory[1] and memory.entry and zip.extract(source, memory.entry) or ""
    for _, t in ipairs(memory) do t.value = read_tensor(t, text, file.big) end
  end
  local value <const> = plain_value(object, function(o) return objects.tensor(o).value end)
  if value == nil then fail("it holds None") end
  return {value}
end

--- The class of the tables that stand for tensors whose values are not read.
M.Facts = {__name = "facts of a tensor"}

local function facts(source)
  local object <const> = open(source)
  return {plain_value(object, function(o)
    local t <const> = objects.tensor(o)
    return setmetatable({shape = t.shape, dtype = t.dtype.name}, M.Facts)
  end)}
end

local function with_path(path, f)
  local source <close>, message <const> = files.open(path)
  if not source then return nil, message end
  local value <const>, wrong <const>, refused <const> = damage.caught(f, "refused")(source)
  if value then return value[1] end
  return nil, ("%s: %s%s"):format(path, refused and "" or "not a whole .pth file: ", wrong)
end

--- The value that a source of files.lua holds, in a table with one entry; or nil and what is wrong.
M.parse = damage.caught(parse)

--- The value in a file, as torch.save got it: a tensor, or tables of tensors, numbers, texts and
-- booleans; or nil and a message. Lists and tuples become lists, dicts tables. None is nil; a list
-- with None in it has its length in the field n. A type that tensors do not have becomes the
-- smallest type that can hold all its values, as in safetensors.read. Each tensor has its own
-- memory, but equal views of one storage are one tensor.
function M.read(path) return with_path(path, parse) end

--- Like M.read, but without the values of tensors: {shape =, dtype = as PyTorch calls it} of the
-- class M.Facts stands for each tensor.
function M.facts(path) return with_path(path, facts) end

return M
