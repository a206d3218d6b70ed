--- Google's protocol buffers, as far as files need them. A message is its fields, in bytes.
-- https://protobuf.dev/programming-guides/encoding
--
-- Writing: a message is a string of fields, one after the other.
--   pb.bytes(2, pb.double(1, 0.5) .. pb.whole(2, 7))     field 2, a message with two fields
-- Reading: pb.fields(source, first, last) goes over the fields of a message in a source of
-- files.lua. A damaged message is reported through damage.lua.

local damage <const> = require "braid.io.damage"

local M <const> = {}

-- Kinds of fields. The kind tells where the bytes of a field end.
M.VARINT, M.EIGHT, M.BYTES, M.FOUR = 0, 1, 2, 5
local VARINT <const>, EIGHT <const>, BYTES <const>, FOUR <const> = 0, 1, 2, 5

-- ---- writing ----------------------------------------------------------------------------

local function varint(n)
  if n >= 0 and n < 128 then return string.char(n) end
  local bytes <const> = {}
  repeat
    local rest <const> = n >> 7
    bytes[#bytes + 1] = string.char(n & 127 | (rest ~= 0 and 128 or 0))
    n = rest
  until n == 0
  return table.concat(bytes)
end

local function key(number, kind) return varint(number << 3 | kind) end

--- A whole number, true or false, for the types int32, int64, uint64, bool and enum.
function M.whole(number, n)
  if type(n) == "boolean" then n = n and 1 or 0 end
  return key(number, VARINT) .. varint(n)
end

function M.double(number, v) return key(number, EIGHT) .. ("<d"):pack(v) end
function M.float(number, v) return key(number, FOUR) .. ("<f"):pack(v) end

--- A string, some bytes, or a message.
function M.bytes(number, text) return key(number, BYTES) .. varint(#text) .. text end

--- The key and the length that come before a string, some bytes or a message of `size` bytes.
function M.start(number, size) return key(number, BYTES) .. varint(size) end

--- A list of whole numbers, packed.
function M.wholes(number, values)
  local parts <const> = {}
  for i, n in ipairs(values) do parts[i] = varint(n) end
  return M.bytes(number, table.concat(parts))
end

--- A list of doubles, packed.
function M.doubles(number, values)
  local parts <const> = {}
  for i, v in ipairs(values) do parts[i] = ("<d"):pack(v) end
  return M.bytes(number, table.concat(parts))
end

-- ---- reading ----------------------------------------------------------------------------

--- The number at byte `at` of a source, and the place after it. Each of its bytes holds seven bits.
function M.varint(source, at, stop)
  local text <const>, from <const> = source:window(at, math.min(10, stop - at + 1))
  local value = 0
  for i = 0, math.min(9, stop - at) do
    local byte <const> = text:byte(from + i)
    if i == 9 and byte > 1 then break end
    value = value | (byte & 127) << (7 * i)
    if byte < 128 then return value, at + i + 1 end
  end
  if stop - at < 9 then damage.fail("it ends too early") end
  damage.fail("a number at byte %d is too long", at)
end

--- Iterates over the fields of the message in bytes at .. stop: the field's number, its kind, and
-- either its value (VARINT) or the places of its first and last byte.
function M.fields(source, at, stop)
  return function()
    if at > stop then return nil end
    local start <const> = at
    local field, size
    field, at = M.varint(source, at, stop)
    local number <const>, kind <const> = field >> 3, field & 7
    if number == 0 or number >= 1 << 29 then damage.fail("no field begins at byte %d", start) end
    if kind == VARINT then
      local value
      value, at = M.varint(source, at, stop)
      return number, kind, value
    elseif kind == BYTES then
      size, at = M.varint(source, at, stop)
    elseif kind == FOUR or kind == EIGHT then
      size = kind == FOUR and 4 or 8
    else
      damage.fail("no field begins at byte %d", start)
    end
    if size < 0 or size > stop - at + 1 then damage.fail("it ends too early") end
    local first <const> = at
    at = at + size
    return number, kind, first, at - 1
  end
end

return M
