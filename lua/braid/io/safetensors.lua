--- safetensors: tensors by name in one file.
--
-- A file has eight bytes with the length of the header, the JSON header {"name": {"dtype", "shape",
-- "data_offsets": [begin, end]}}, and the values. Values are little-endian, with the last dimension
-- innermost, without gaps or overlaps. The header's "__metadata__" is a table of strings by name.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local limits <const> = require "braid.limits"
local shapes <const> = require "braid.io.shape"
local named <const> = require "braid.io.named"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

local ENTRY <const> = "%s:{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
local NAMES <const> = {float32 = "F32", float64 = "F64", int64 = "I64", int32 = "I32", uint8 = "U8",
  bool = "BOOL"}
local KINDS <const> = {F16 = "float16", BF16 = "bfloat16", F8_E5M2 = "float8_e5m2",
  F8_E4M3 = "float8_e4m3", F8_E8M0 = "float8_e8m0", I8 = "int8", I16 = "int16", U16 = "uint16",
  U32 = "uint32", U64 = "uint64"}
for dtype, name in pairs(NAMES) do KINDS[name] = dtype end
-- All types of the format with their bits. Types that tensors do not have are only measured.
local BITS <const> = {C64 = 64, F64 = 64, I64 = 64, U64 = 64, F32 = 32, I32 = 32, U32 = 32,
  F16 = 16, BF16 = 16, I16 = 16, U16 = 16, F8_E5M2 = 8, F8_E4M3 = 8, F8_E8M0 = 8, I8 = 8, U8 = 8,
  BOOL = 8,
  F6_E2M3 = 6, F6_E3M2 = 6, F4 = 4}

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
    "; other values go into metadata, a third argument: {epoch = \"3\"}"), {}, 0
  if metadata ~= nil then header[1] = metadata_text(metadata) end
  for _, name in ipairs(names) do
    local t <const>, shape <const> = tensors[name], {}
    for d, size in ipairs(t.shape) do shape[d] = ("%d"):format(size) end
    local size <const> = t:numel() * BITS[NAMES[t.dtype]] // 8
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

local fail <const> = damage.fail

local function whole(value) return math.type(value) == "integer" and value >= 0 end

-- Whether a decoded value is a list of whole numbers. (An empty object counts as one.)
local function is_whole_list(value)
  if type(value) ~= "table" or value == json.null then return false end
  local n = 0
  for _, v in pairs(value) do
    if not whole(v) then return false end
    n = n + 1
  end
  return n == #value
end

-- Checks an entry of the header -> {name, kind, shape, first, last}.
local function check_entry(name, entry)
  if type(entry) ~= "table" then fail("'%s' is not an object", name) end
  local bits <const> = BITS[entry.dtype]
  if not bits then
    fail("'%s' has a type that is not known here: %s", name,
      type(entry.dtype) == "string" and entry.dtype or "none")
  end
  if not is_whole_list(entry.shape) or #entry.shape > 8 then fail("'%s' has no shape", name) end
  local count <const>, wrong <const> = shapes.count(entry.shape, (bits + 7) // 8)
  if not count then fail("'%s' has %s", name, wrong or "an impossible shape") end
  local offsets <const> = entry.data_offsets
  if not is_whole_list(offsets) or #offsets ~= 2 then fail("'%s' has no data_offsets", name) end
  if (offsets[2] - offsets[1]) * 8 ~= count * bits then
    fail("'%s' has a shape that does not fit its data_offsets", name)
  end
  return {name = name, dtype = entry.dtype, shape = entry.shape, first = offsets[1],
    last = offsets[2]}
end

local function check_metadata(metadata)
  if type(metadata) ~= "table" or metadata == json.null then
    fail("its metadata is not an object")
  end
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

-- The entries in the order of their values, and the metadata. A decoded header would take many
-- times the memory of its text, so it is never in memory as a whole.
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

-- Reads a header -> {entries in the order of their values, size = of the file, start = the last
-- byte before the values, metadata =}.
local function parse_header(source)
  if source.size < 8 then fail("shorter than its first eight bytes") end
  local length <const> = string.unpack("<i8", take(source, 1, 8))
  if length < 2 or length > source.size - 8 then fail("the header's length is %d", length) end
  limits.bound("header", length, "bytes of header")
  local text <const>, start <const> = take(source, 9, length)
  if text:sub(start, start) ~= "{" then fail("the header is not an object") end
  local entries <const>, metadata <const> = entries_of(text:sub(start, start + length - 1))
  local at = 0
  for _, e in ipairs(entries) do
    if e.first ~= at then fail("a hole or overlap before '%s'", e.name) end
    at = e.last
  end
  if at ~= source.size - 8 - length then fail("its size is not that of its values") end
  return {entries = entries, metadata = metadata, start = 8 + length, size = source.size}
end

local function tensor_of(source, start, e)
  local kind <const> = KINDS[e.dtype]
  if not kind then
    fail("'%s' is of type %s, whose values no tensor here holds exactly; convert it to F32 first",
      e.name, e.dtype)
  end
  local bytes <const>, from <const> = take(source, start + 1 + e.first, e.last - e.first)
  local t <const> = core.from_packed(bytes, from, e.shape, kind)
  if kind == "uint64" and t:numel() > 0 and t:min():item() < 0 then
    fail("'%s' has a number of 2^63 or more, which no tensor holds", e.name)
  end
  return t
end

local function parse(source)
  local header <const>, tensors <const> = parse_header(source), {}
  for _, e in ipairs(header.entries) do tensors[e.name] = tensor_of(source, header.start, e) end
  return {tensors, header.metadata}
end

--- The tensors by name in a source of files.lua, and the metadata or nil; or nil and what is wrong.
function M.parse(source)
  local value <const>, wrong <const> = damage.caught(parse)(source)
  if not value then return nil, wrong end
  return value[1], value[2]
end

--- The header of a file: {entries = {{name =, dtype = (as in the file), shape =, first =, last =
-- (bytes)}, ...}, metadata = or nil, size = of the file}; or nil and a message.
function M.header(path)
  local source <close>, message <const> = files.open(path)
  if not source then return nil, message end
  local header <const>, wrong <const> = damage.caught(parse_header)(source)
  if not header then return nil, ("%s: not a whole safetensors file: %s"):format(path, wrong) end
  return header
end

--- The tensors by name in a file, and its metadata (strings by name) or nil; or nil and a message.
-- A type that tensors do not have becomes the smallest type that can hold all its values: F16, BF16
-- and F8 become float32; I8, I16 and U16 int32; U32 and U64 (below 2^63) int64. Other types give a
-- message.
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
