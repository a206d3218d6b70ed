--- Makes tensors of ONNX's TensorProto messages. The sizes that a message declares are checked
-- against the bytes that are there before any memory is taken.
--
-- A type that Braid does not have becomes the nearest type that holds all its values: float16 and
-- bfloat16 become float32; int8, int16 and uint16 become int32; uint32 and uint64 become int64.

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"
local pb <const> = require "braid.io.protobuf"
local proto <const> = require "braid.onnx.proto"
local shapes <const> = require "braid.io.shape"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

local fail <const> = damage.fail
local MAX_DIMENSIONS <const> = 8

-- By the number of an element type: the name and size of its values in bytes, and the field that
-- has them if raw_data does not. `floats` marks a field with values as they lie in memory.
local TYPES <const>, NAMES <const> = {}, {}
for name, number in pairs(proto.element_types) do NAMES[number] = name end
local function declare(name, packed, size, field, floats)
  TYPES[proto.element_types[name]] = {packed = packed, size = size, field = field, floats = floats}
end
declare("FLOAT", "float32", 4, "float_data", true)
declare("DOUBLE", "float64", 8, "double_data", true)
declare("FLOAT16", "float16", 2, "int32_data")
declare("BFLOAT16", "bfloat16", 2, "int32_data")
for _, bits in ipairs{8, 16, 32} do
  declare("INT" .. bits, "int" .. bits, bits // 8, "int32_data")
  declare("UINT" .. bits, "uint" .. bits, bits // 8, bits < 32 and "int32_data" or "uint64_data")
end
declare("INT64", "int64", 8, "int64_data")
declare("UINT64", "uint64", 8, "uint64_data")
declare("BOOL", "bool", 1, "int32_data")

--- Braid's type for the number of an element type, or nil.
M.dtype_of = {}
local BECOMES <const> = {float16 = "float32", bfloat16 = "float32", int8 = "int32",
  int16 = "int32", uint16 = "int32", uint32 = "int64", uint64 = "int64"}
for number, row in pairs(TYPES) do M.dtype_of[number] = BECOMES[row.packed] or row.packed end

--- ONNX's name of an element type's number, for messages.
function M.type_name(number) return NAMES[number] or ("number %d"):format(number) end

local function shape_of(t, name)
  local shape <const> = t.dims or {}
  if #shape > MAX_DIMENSIONS then
    fail("%s has %d dimensions, which is more than %d", name, #shape, MAX_DIMENSIONS)
  end
  for _, size in ipairs(shape) do
    if size < 0 then fail("%s has a size of %d", name, size) end
  end
  return shape
end

local function joined(source, pieces)
  if #pieces == 1 then return source:window(pieces[1][1], pieces[1][2] - pieces[1][1] + 1) end
  local texts <const> = {}
  for i, piece in ipairs(pieces) do texts[i] = source:bytes(piece[1], piece[2] - piece[1] + 1) end
  return table.concat(texts), 1
end

-- The whole numbers in the pieces of a field, as `count` values of the type's size.
local function packed_wholes(source, pieces, row, name, count)
  local bits <const> = 8 * row.size
  local chunks <const>, texts, done = {}, {}, 0
  local low <const>, high <const> = bits < 64 and -(1 << bits - 1) or math.mininteger,
    bits < 64 and (1 << bits) - 1 or math.maxinteger
  local form <const>, mask <const> = "<I" .. row.size, bits < 64 and (1 << bits) - 1 or -1
  local function put(value)
    if done == count then fail("%s has more values than its shape asks for", name) end
    done = done + 1
    if value < low or value > high then
      fail("%s has the value %d, which no %s is", name, value, row.packed)
    end
    texts[#texts + 1] = form:pack(value & mask)
    if #texts == 4096 then chunks[#chunks + 1], texts = table.concat(texts), {} end
  end
  for _, piece in ipairs(pieces) do
    local at = piece[1]
    if piece.wire == pb.VARINT then
      put(at)
    else
      while at <= piece[2] do
        local value
        value, at = pb.varint(source, at, piece[2])
        put(value)
      end
    end
  end
  chunks[#chunks + 1] = table.concat(texts)
  return table.concat(chunks), 1
end

local function bytes_in(pieces)
  local n = 0
  for _, piece in ipairs(pieces or {}) do
    n = n + (piece.wire == pb.VARINT and 1 or piece[2] - piece[1] + 1)
  end
  return n
end

local function check_bytes(name, shape, count, size, have)
  if have ~= count * size then
    fail("%s of shape (%s) asks for %d bytes, but %d are there", name, table.concat(shape, ", "),
      count * size, have)
  end
end

--- A tensor of a TensorProto in a source. `outside(t, name, bytes)` gives the bytes of a tensor
-- that lies in another file.
function M.read(source, t, outside)
  local name <const> = ("tensor '%s'"):format(t.name or "")
  local row <const> = TYPES[t.data_type or 0]
  if not row then
    fail("%s has values of type %s, which Braid does not have", name, M.type_name(t.data_type or 0))
  end
  if t.segment then fail("%s is a segment of another", name) end
  local shape <const> = shape_of(t, name)
  local count <const>, wrong <const> = shapes.count(shape, row.size)
  if not count then fail("%s: %s", name, wrong or "its shape is impossible") end
  local text, at
  if (t.data_location or 0) ~= 0 or t.external_data then
    text, at = outside(t, name, count * row.size)
  elseif t.raw_data then
    check_bytes(name, shape, count, row.size, bytes_in(t.raw_data))
    text, at = joined(source, t.raw_data)
  elseif row.floats then
    check_bytes(name, shape, count, row.size, bytes_in(t[row.field]))
    text, at = joined(source, t[row.field] or {})
  else
    -- each value takes at least one byte of the file
    limits.bound("elements", count, "values of %s", name)
    if bytes_in(t[row.field]) < count then
      fail("%s of shape (%s) asks for %d values, but there are fewer", name,
        table.concat(shape, ", "), count)
    end
    text, at = packed_wholes(source, t[row.field] or {}, row, name, count)
    check_bytes(name, shape, count, row.size, #text)
  end
  if not text then fail("%s", at) end
  return core.from_packed(text, at, shape, row.packed)
end

return M
