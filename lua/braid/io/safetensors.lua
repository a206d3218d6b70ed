--- safetensors: tensors by name in one file.
--
-- Eight bytes of length, a JSON header {"name": {"dtype", "shape", "data_offsets":
-- [begin, end]}}, then the values, little-endian, last dimension innermost, without holes
-- or overlaps.

local core <const> = require "braid.core"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"

local M <const> = {}

local LONGEST_HEADER <const> = 100000000
local ENTRY <const> = "%s:{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
local NAMES <const> = {float32 = "F32", float64 = "F64", int64 = "I64", int32 = "I32", uint8 = "U8",
  bool = "BOOL"}
local TYPES <const>, SIZES <const> = {}, {F32 = 4, F64 = 8, I64 = 8, I32 = 4, U8 = 1, BOOL = 1}
for dtype, name in pairs(NAMES) do TYPES[name] = dtype end

local function sorted_names(tensors)
  local names <const> = {}
  for name, t in pairs(tensors) do
    if type(name) ~= "string" or not core.is_tensor(t) then
      error(("save: '%s' is no tensor under a name"):format(tostring(name)), 4)
    end
    names[#names + 1] = name
  end
  table.sort(names)
  return names
end

--- Writes a table of tensors by name.
-- @return true, or nil and a message
function M.write(path, tensors)
  local header <const>, parts <const> = {}, {""}
  local at = 0
  for _, name in ipairs(sorted_names(tensors)) do
    local t <const> = tensors[name]
    local bytes <const> = core.bytes(t)
    local shape <const> = {}
    for d, size in ipairs(t.shape) do shape[d] = ("%d"):format(size) end
    header[#header + 1] = ENTRY:format(json.encode(name), NAMES[t.dtype], table.concat(shape, ","),
      at, at + #bytes)
    parts[#parts + 1] = bytes
    at = at + #bytes
  end
  local text <const> = "{" .. table.concat(header, ",") .. "}"
  parts[1] = string.pack("<s8", text .. (" "):rep(-#text % 8))
  return files.write(path, parts)
end

local function whole(value) return math.type(value) == "integer" and value >= 0 end

-- The number of bytes that an entry's shape and type ask for, or nil and what is wrong.
local function bytes_of(entry)
  if type(entry) ~= "table" then return nil, "is no object" end
  if not SIZES[entry.dtype] then
    return nil, "has a type that is not known here: " .. tostring(entry.dtype)
  end
  if type(entry.shape) ~= "table" or #entry.shape > 8 then return nil, "has no shape" end
  local count = SIZES[entry.dtype]
  for _, size in ipairs(entry.shape) do
    if not whole(size) or (size > 0 and count > (1 << 50) // size) then
      return nil, "has an impossible shape"
    end
    count = count * size
  end
  local offsets <const> = entry.data_offsets
  if type(offsets) ~= "table" or not whole(offsets[1]) or not whole(offsets[2]) then
    return nil, "has no data_offsets"
  end
  if offsets[2] - offsets[1] ~= count then
    return nil, "has a shape that does not go with its data_offsets"
  end
  return count
end

local function parse(text, path)
  local function bad(what)
    return nil, ("%s: not a whole safetensors file: %s"):format(path, what)
  end
  if #text < 8 then return bad("shorter than its first eight bytes") end
  local length <const> = string.unpack("<i8", text)
  if length < 2 or length > LONGEST_HEADER or length > #text - 8 then
    return bad("the header's length is " .. length)
  end
  local header <const>, message <const> = json.decode(text:sub(9, 8 + length))
  if not header then return bad(message) end
  if text:sub(9, 9) ~= "{" then return bad("the header is no object") end
  local entries <const> = {}
  for name, entry in pairs(header) do
    if name ~= "__metadata__" then
      local size <const>, wrong <const> = bytes_of(entry)
      if not size then return bad(("'%s' %s"):format(name, wrong)) end
      entries[#entries + 1] = {name = name, entry = entry, first = entry.data_offsets[1],
        last = entry.data_offsets[2]}
    end
  end
  table.sort(entries, function(a, b)
    if a.first ~= b.first then return a.first < b.first end
    return a.last < b.last
  end)
  local at = 0
  for _, e in ipairs(entries) do
    if e.first ~= at then return bad(("a hole or overlap before '%s'"):format(e.name)) end
    at = e.last
  end
  if at ~= #text - 8 - length then return bad("its size is not that of its values") end
  local tensors <const> = {}
  for _, e in ipairs(entries) do
    tensors[e.name] = core.from_bytes(text, 9 + length + e.first, e.entry.shape,
      TYPES[e.entry.dtype])
  end
  return tensors
end

--- The tensors of a file by name, or nil and a message.
function M.read(path)
  local text <const>, message <const> = files.read(path)
  if not text then return nil, message end
  return parse(text, path)
end

return M
