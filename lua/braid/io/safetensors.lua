--- safetensors: tensors by name in one file.
--
-- Eight bytes of length, a JSON header {"name": {"dtype", "shape", "data_offsets":
-- [begin, end]}}, then the values, little-endian, last dimension innermost, without holes
-- or overlaps. The header's "__metadata__" is a table of strings by name.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local shapes <const> = require "braid.io.shape"
local named <const> = require "braid.io.named"
require "braid.tensor" -- for methods

local M <const> = {}

local ENTRY <const> = "%s:{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
local NAMES <const> = {float32 = "F32", float64 = "F64", int64 = "I64", int32 = "I32", uint8 = "U8",
  bool = "BOOL"}
local KINDS <const> = {F16 = "float16", BF16 = "bfloat16", I8 = "int8", I16 = "int16",
  U16 = "uint16", U32 = "uint32"}
local SIZES <const> = {F64 = 8, I64 = 8, F32 = 4, I32 = 4, U32 = 4, F16 = 2, BF16 = 2, I16 = 2,
  U16 = 2, I8 = 1, U8 = 1, BOOL = 1}
for dtype, name in pairs(NAMES) do KINDS[name] = dtype end

local function is_name(name) return name ~= "__metadata__" and utf8.len(name) ~= nil end

local function metadata_text(metadata)
  if type(metadata) ~= "table" then
    check.fail("save: metadata must be a table of strings by name, not a %s", type(metadata))
  end
  for key, value in pairs(metadata) do
    if type(key) ~= "string" or type(value) ~= "string" then
      check.fail("save: metadata must be strings by name, and %q is a %s", tostring(key),
        type(key) == "string" and type(value) or "name of type " .. type(key))
    end
    if not (utf8.len(key) and utf8.len(value)) then
      check.fail("save: metadata must be UTF-8, and %q is not", key)
    end
  end
  return "\"__metadata__\":" .. json.encode(metadata)
end

--- Writes a table of tensors by name.
-- @param metadata strings by name, or nil
-- @return true, or nil and a message
function M.write(path, tensors, metadata)
  local names <const>, header <const>, at = named.names("safetensors", tensors, is_name,
    "; what is none goes into metadata, a third argument: {epoch = \"3\"}"), {}, 0
  if metadata ~= nil then header[1] = metadata_text(metadata) end
  for _, name in ipairs(names) do
    local t <const>, shape <const> = tensors[name], {}
    for d, size in ipairs(t.shape) do shape[d] = ("%d"):format(size) end
    local size <const> = t:numel() * SIZES[NAMES[t.dtype]]
    header[#header + 1] = ENTRY:format(json.encode(name), NAMES[t.dtype], table.concat(shape, ","),
      at, at + size)
    at = at + size
  end
  local text <const> = "{" .. table.concat(header, ",") .. "}"
  local i = -1
  return files.write(path, function()
    i = i + 1
    if i == 0 then return string.pack("<s8", text .. (" "):rep(-#text % 8)) end
    return names[i] and core.bytes(tensors[names[i]])
  end)
end

local function fail(what, ...) error({message = what:format(...)}, 0) end

local function whole(value) return math.type(value) == "integer" and value >= 0 end

-- Whether a decoded value is a list of whole numbers. (An empty object is one, too.)
local function is_whole_list(value)
  if type(value) ~= "table" or value == json.null then return false end
  local n = 0
  for _, v in pairs(value) do
    if not whole(v) then return false end
    n = n + 1
  end
  return n == #value
end

-- {name, kind, shape, first, last} of an entry of the header.
local function check_entry(name, entry)
  if type(entry) ~= "table" then fail("'%s' is no object", name) end
  local size <const> = SIZES[entry.dtype]
  if not size then
    fail("'%s' has a type that is not known here: %s", name,
      type(entry.dtype) == "string" and entry.dtype or "none")
  end
  if not is_whole_list(entry.shape) or #entry.shape > 8 then fail("'%s' has no shape", name) end
  local count <const>, wrong <const> = shapes.count(entry.shape, size)
  if not count then fail("'%s' has %s", name, wrong or "an impossible shape") end
  local offsets <const> = entry.data_offsets
  if not is_whole_list(offsets) or #offsets ~= 2 then fail("'%s' has no data_offsets", name) end
  if offsets[2] - offsets[1] ~= count * size then
    fail("'%s' has a shape that does not go with its data_offsets", name)
  end
  return {name = name, kind = KINDS[entry.dtype], shape = entry.shape, first = offsets[1],
    last = offsets[2]}
end

local function check_metadata(metadata)
  if type(metadata) ~= "table" or metadata == json.null then fail("its metadata is no object") end
  for key, value in pairs(metadata) do
    if type(key) ~= "string" or type(value) ~= "string" then
      fail("its metadata is not of strings")
    end
  end
end

local function comes_before(a, b)
  if a.first ~= b.first then return a.first < b.first end
  if a.last ~= b.last then return a.last < b.last end
  return a.name < b.name
end

-- The entries in the order of their values, and the metadata. The header as a whole, many
-- times its text, is never in memory.
local function entries_of(text)
  local entries <const>, seen <const>, ordered, metadata = {}, {}, true, nil
  local ok <const>, message <const> = json.members(text, function(name, entry)
    if seen[name] then return false end
    seen[name] = true
    if name == "__metadata__" then
      check_metadata(entry)
      metadata = entry
      return true
    end
    local n <const>, e <const> = #entries + 1, check_entry(name, entry)
    limits.bound("members", n, "tensors, or more")
    ordered = ordered and (n == 1 or comes_before(entries[n - 1], e))
    entries[n] = e
    return true
  end)
  if not ok then fail("%s", message) end
  if not ordered then table.sort(entries, comes_before) end
  return entries, metadata
end

local function take(source, first, n)
  local text <const>, at <const> = source:window(first, n)
  if not text then fail("it ends too early") end
  return text, at
end

local function parse(source)
  if source.size < 8 then fail("shorter than its first eight bytes") end
  local length <const> = string.unpack("<i8", take(source, 1, 8))
  if length < 2 or length > source.size - 8 then fail("the header's length is %d", length) end
  limits.bound("header", length, "bytes of header")
  local text <const>, start <const> = take(source, 9, length)
  if text:sub(start, start) ~= "{" then fail("the header is no object") end
  local entries <const>, metadata <const> = entries_of(text:sub(start, start + length - 1))
  local at = 0
  for _, e in ipairs(entries) do
    if e.first ~= at then fail("a hole or overlap before '%s'", e.name) end
    at = e.last
  end
  if at ~= source.size - 8 - length then fail("its size is not that of its values") end
  local tensors <const> = {}
  for _, e in ipairs(entries) do
    local bytes <const>, from <const> = take(source, 9 + length + e.first, e.last - e.first)
    tensors[e.name] = core.from_packed(bytes, from, e.shape, e.kind)
  end
  return {tensors, metadata}
end

--- Tensors by name and the metadata or nil, from a source of files.lua; or nil and what is
-- wrong.
function M.parse(source)
  local ok <const>, value <const> = pcall(parse, source)
  if ok then return value[1], value[2] end
  if type(value) ~= "table" then error(value, 0) end
  return nil, value.message
end

--- The tensors of a file by name, and its metadata (strings by name) or nil; or nil and a
-- message. Types that tensors lack become the next that holds all their values: F16 and
-- BF16 float32, I8, I16 and U16 int32, U32 int64.
function M.read(path)
  local source <close>, message <const> = files.open(path)
  if not source then return nil, message end
  local tensors <const>, more <const> = M.parse(source)
  if not tensors then
    return nil, ("%s: not a whole safetensors file: %s"):format(path, more)
  end
  return tensors, more
end

return M
