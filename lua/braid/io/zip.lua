--- zip: the part of the format that .npz and .pth files need.
--
-- Entries are found by the directory at the end of the file, because only the directory always has
-- their sizes. It reads stored and deflated entries, and writes stored entries. Entries and files
-- of 4 GiB and more (zip64) are read and written. Nothing is unpacked to disk.
-- https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"

local M <const> = {}

-- The layouts of the records, without the signature at the beginning of each.
local LOCAL <const>, LOCAL_SIZE <const> = "<I2I2I2I2I2I4I4I4I2I2", 30
local CENTRAL <const>, CENTRAL_SIZE <const> = "<I2I2I2I2I2I2I4I4I4I2I2I2I2I2I4I4", 46
local FINISH <const>, FINISH_SIZE <const> = "<I2I2I2I2I4I4I2", 22
local FINISH64 <const>, FINISH64_SIZE <const> = "<i8I2I2I4I4i8i8i8i8", 56
local LOCATOR <const>, LOCATOR_SIZE <const> = "<I4i8I4", 20
local NEW_YEAR_1980 <const> = 1 << 5 | 1
local UTF8 <const>, ENCRYPTED <const>, PATCH <const> = 0x0800, 0x2041, 0x0020
local STORED <const>, DEFLATED <const> = 0, 8
local MAX_DEFLATED <const> = 1032 -- deflated bytes inflate to at most this many times their size

--- From this value on, sizes and offsets are written as zip64.
M.zip64_from = 0xFFFFFFFF

local fail <const> = damage.fail

local function bytes_of(source, first, n)
  local bytes <const>, why <const> = source:bytes(first, n)
  if not bytes then fail("%s", why:gsub("^.*: ", "")) end
  return bytes
end

-- Reads the record at the end of the file -> where the directory begins (from 0), its size, and the
-- number of entries.
local function find_directory(source)
  local tail_size <const> = math.min(source.size, FINISH_SIZE + 0xFFFF)
  local tail <const> = bytes_of(source, source.size - tail_size + 1, tail_size)
  local at
  for first = #tail - FINISH_SIZE + 1, 1, -1 do
    if tail:find("^PK\5\6", first) and
      string.unpack("<I2", tail, first + 20) == #tail - first + 1 - FINISH_SIZE then
      at = first
      break
    end
  end
  if not at then fail("it has no directory at its end") end
  local disk <const>, first_disk <const>, here <const>, entries, size, offset =
    string.unpack(FINISH, tail, at + 4)
  local finish = source.size - tail_size + at - 1 -- from 0
  local locator <const> = finish >= LOCATOR_SIZE and
    bytes_of(source, finish - LOCATOR_SIZE + 1, LOCATOR_SIZE)
  if locator and locator:find("^PK\6\7") then
    local _, where <const> = string.unpack(LOCATOR, locator, 5)
    if where < 0 or where > finish - LOCATOR_SIZE - FINISH64_SIZE then
      fail("its directory is not at its place")
    end
    local record <const> = bytes_of(source, where + 1, FINISH64_SIZE)
    if not record:find("^PK\6\6") then fail("its directory is not at its place") end
    local _, _, _, _, _, _, count <const>, bytes <const>, start <const> =
      string.unpack(FINISH64, record, 5)
    entries, size, offset, finish = count, bytes, start, where
  elseif disk ~= 0 or first_disk ~= 0 or here ~= entries then
    fail("it is one of several parts")
  end
  if offset < 0 or size < 0 or offset > finish or size ~= finish - offset
    or entries < 0 or entries > size // CENTRAL_SIZE then
    fail("its directory is not at its place")
  end
  return offset, size, entries
end

-- Replaces values whose bits are all ones by the 64-bit values in an extra field.
local function widen(extra, values)
  local at = 1
  while at + 4 <= #extra + 1 do
    local id <const>, size <const> = string.unpack("<I2I2", extra, at)
    at = at + 4
    if at + size > #extra + 1 then fail("an extra field is cut off") end
    if id == 1 then
      local from = at
      for i, value in ipairs(values) do
        if value == 0xFFFFFFFF then
          if from + 8 > at + size then fail("a size is missing") end
          values[i], from = string.unpack("<i8", extra, from)
          if values[i] < 0 then fail("a size is impossible") end
        end
      end
    end
    at = at + size
  end
  return table.unpack(values)
end

-- One entry of the directory, and where the next one begins.
local function parse_entry(text, at)
  if not text:find("^PK\1\2", at) or #text - at + 1 < CENTRAL_SIZE then
    fail("its directory is damaged")
  end
  local _, _, flags <const>, method <const>, _, _, crc <const>, packed, size,
    name_size <const>, extra_size <const>, note_size <const>, _, _, _, offset =
    string.unpack(CENTRAL, text, at + 4)
  local name_at <const> = at + CENTRAL_SIZE
  local after <const> = name_at + name_size + extra_size + note_size
  if after > #text + 1 then fail("its directory is damaged") end
  local name <const> = text:sub(name_at, name_at + name_size - 1)
  local extra <const> = text:sub(name_at + name_size, name_at + name_size + extra_size - 1)
  size, packed, offset = widen(extra, {size, packed, offset})
  return {name = name, flags = flags, method = method, crc = crc, packed = packed, size = size,
    offset = offset}, after
end

-- Where the bytes of an entry begin (from 0). The entry's own header must agree with the directory.
local function find_bytes(source, e, limit)
  if e.offset + LOCAL_SIZE > limit then fail("'%s' is not where the directory says", e.name) end
  local head <const> = bytes_of(source, e.offset + 1, LOCAL_SIZE)
  if not head:find("^PK\3\4") then fail("'%s' is not where the directory says", e.name) end
  local _, flags <const>, method <const>, _, _, _, _, _, name_size <const>, extra_size <const> =
    string.unpack(LOCAL, head, 5)
  local first <const> = e.offset + LOCAL_SIZE + name_size + extra_size
  if e.packed > limit - first then fail("'%s' is cut off", e.name) end
  if method ~= e.method or (flags ~ e.flags) & ENCRYPTED ~= 0 or name_size ~= #e.name or
    bytes_of(source, e.offset + LOCAL_SIZE + 1, name_size) ~= e.name then
    fail("'%s' and the directory disagree", e.name)
  end
  return first
end

local function check_entry(e)
  if e.flags & ENCRYPTED ~= 0 then fail("'%s' is encrypted", e.name) end
  if e.flags & PATCH ~= 0 or e.method ~= STORED and e.method ~= DEFLATED then
    fail("'%s' is packed by method %d, which is not known here", e.name, e.method)
  end
  if e.method == STORED and e.packed ~= e.size or e.size // MAX_DEFLATED > e.packed then
    fail("'%s' cannot have %d bytes", e.name, e.size)
  end
end

local function directory(source)
  local offset <const>, size <const>, count <const> = find_directory(source)
  limits.bound("header", size, "bytes of directory")
  limits.bound("members", count, "entries")
  local text <const> = bytes_of(source, offset + 1, size)
  local entries <const>, seen <const>, at = {}, {}, 1
  for i = 1, count do
    entries[i], at = parse_entry(text, at)
    local e <const> = entries[i]
    check_entry(e)
    if seen[e.name] then fail("'%s' is there twice", e.name) end
    seen[e.name] = true
  end
  if at ~= #text + 1 then fail("its directory is damaged") end
  table.sort(entries, function(a, b) return a.offset < b.offset end)
  local past = 0
  for i, e in ipairs(entries) do
    if e.offset < past then fail("'%s' overlaps another entry", e.name) end
    e.first = find_bytes(source, e, entries[i + 1] and entries[i + 1].offset or offset)
    past = e.first + e.packed
  end
  return entries
end

--- The unpacked bytes of an entry. A fault in them is raised as damage.lua says.
function M.extract(source, e)
  local text = bytes_of(source, e.first + 1, e.packed)
  if e.method == DEFLATED then
    local inflated <const>, why <const> = core.inflate(text, e.size)
    if not inflated then fail("'%s' %s", e.name, why) end
    text = inflated
  end
  if core.crc32(text) ~= e.crc then
    fail("'%s' is not what was written: its CRC is wrong", e.name)
  end
  return text
end

--- The entries of a source in the file's order, as {name =, size = (unpacked) ...}. A fault in them
-- is raised as damage.lua says.
function M.entries(source)
  local entries <const>, inflated = directory(source), 0
  for _, e in ipairs(entries) do
    if e.method == DEFLATED then
      inflated = inflated + e.size
      limits.bound("inflated", inflated, "bytes unpacked, up to '%s'", e.name)
    end
  end
  return entries
end

local function each(source, f)
  for _, e in ipairs(M.entries(source)) do
    local wrong <const> = f(e.name, M.extract(source, e))
    if wrong then fail("%s", wrong) end
  end
  return true
end

--- Calls f(name, bytes) for every entry of a source of files.lua, in the file's order. f returns
-- nothing, or a message about what is wrong.
-- @return true, or nil and what is wrong
M.each = damage.caught(each)

local function capped(value) return value < M.zip64_from and value or 0xFFFFFFFF end

-- The two headers of an entry: the one before its bytes, and the one in the directory.
local function headers(name, size, crc, offset)
  local flags <const> = name:find("[\x80-\xff]") and UTF8 or 0
  local small <const> = size < M.zip64_from
  local extra <const> = small and "" or string.pack("<I2I2i8i8", 1, 16, size, size)
  local version <const> = (small and offset < M.zip64_from) and 20 or 45
  local head <const> = "PK\3\4" .. string.pack(LOCAL, version, flags, STORED, 0, NEW_YEAR_1980, crc,
    capped(size), capped(size), #name, #extra) .. name .. extra
  local wide = small and "" or string.pack("<i8i8", size, size)
  if offset >= M.zip64_from then wide = wide .. string.pack("<i8", offset) end
  if #wide > 0 then wide = string.pack("<I2s2", 1, wide) end
  local row <const> = "PK\1\2" .. string.pack(CENTRAL, version, version, flags, STORED, 0,
    NEW_YEAR_1980, crc, capped(size), capped(size), #name, #wide, 0, 0, 0, 0, capped(offset))
    .. name .. wide
  return head, row
end

-- The records at the end of the file.
local function finish(count, size, offset)
  local wide = ""
  if count >= 0xFFFF or size >= M.zip64_from or offset >= M.zip64_from then
    wide = "PK\6\6" .. string.pack(FINISH64, FINISH64_SIZE - 12, 45, 45, 0, 0, count, count, size,
      offset) .. "PK\6\7" .. string.pack(LOCATOR, 0, offset + size, 1)
  end
  local entries <const> = math.min(count, 0xFFFF)
  return wide .. "PK\5\6" .. string.pack(FINISH, 0, 0, entries, entries, capped(size),
    capped(offset), 0)
end

--- Writes entries, one after the other.
-- @param names in order, each at most 65535 bytes
-- @param contents contents(i) returns the pieces of entry i, as strings
-- @return true, or nil and a message
function M.write(path, names, contents)
  return files.write(path, coroutine.wrap(function()
    local rows <const>, at = {}, 0
    for i, name in ipairs(names) do
      local pieces <const> = table.pack(contents(i))
      local size, crc = 0, 0
      for _, piece in ipairs(pieces) do
        size, crc = size + #piece, core.crc32(piece, crc)
      end
      local head <const>, row <const> = headers(name, size, crc, at)
      rows[i] = row
      coroutine.yield(head)
      for _, piece in ipairs(pieces) do coroutine.yield(piece) end
      at = at + #head + size
    end
    local text <const> = table.concat(rows)
    coroutine.yield(text)
    coroutine.yield(finish(#names, #text, at))
  end))
end

return M
