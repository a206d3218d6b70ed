--- Converts text files of any common encoding to UTF-8 with "\n" at line ends. For bytes that are
-- not text, a message says what they are.

local gzip <const> = require "braid.io.gzip"

local M <const> = {}

-- The first bytes of common files that are not text.
local OTHERS <const> = {
  {"PK\3\4", "a workbook (.xlsx, .ods) or another zip file: save its sheet as .csv"},
  {"\xD0\xCF\x11\xE0", "a workbook of Excel (.xls): save its sheet as .csv"},
  {"\x89PNG", "a PNG picture"}, {"\xFF\xD8\xFF", "a JPEG picture"}, {"%PDF", "a PDF document"},
  {"\x93NUMPY", "an array of numpy: braid.load reads .npy"}, {"PAR1", "a Parquet file"},
  {"SQLite format 3\0", "a database of SQLite"}, {"BZh", "packed by bzip2: unpack it"},
  {"\xFD7zXZ", "packed by xz: unpack it"}, {"7z\xBC\xAF", "packed by 7-Zip: unpack it"},
  {"\x28\xB5\x2F\xFD", "packed by Zstandard: unpack it"}, {"Rar!", "packed by RAR: unpack it"},
  {"\x80\4\x95", "a Python pickle"}, {"\x80\3", "a Python pickle"}, {"\x80\2", "a Python pickle"},
  {"version https://git-lfs", "a pointer of Git LFS and not the file: run git lfs pull"},
  {"<!DOCTYPE", "a web page: did the download fail?"},
  {"<!doctype", "a web page: did the download fail?"},
  {"<html", "a web page: did the download fail?"},
}

--- The kind of bytes that are not text, or nil.
function M.other(bytes)
  for _, row in ipairs(OTHERS) do
    if bytes:sub(1, #row[1]) == row[1] then return row[2] end
  end
end

-- The characters of Windows-1252 from 128 to 159 that Unicode has at other numbers.
local WINDOWS <const> = {[0x80] = 0x20AC, [0x82] = 0x201A, [0x83] = 0x0192, [0x84] = 0x201E,
  [0x85] = 0x2026, [0x86] = 0x2020, [0x87] = 0x2021, [0x88] = 0x02C6, [0x89] = 0x2030,
  [0x8A] = 0x0160, [0x8B] = 0x2039, [0x8C] = 0x0152, [0x8E] = 0x017D, [0x91] = 0x2018,
  [0x92] = 0x2019, [0x93] = 0x201C, [0x94] = 0x201D, [0x95] = 0x2022, [0x96] = 0x2013,
  [0x97] = 0x2014, [0x98] = 0x02DC, [0x99] = 0x2122, [0x9A] = 0x0161, [0x9B] = 0x203A,
  [0x9C] = 0x0153, [0x9E] = 0x017E, [0x9F] = 0x0178}
local LATIN <const> = {}
for byte = 0x80, 0xFF do LATIN[string.char(byte)] = utf8.char(WINDOWS[byte] or byte) end

local UNITS <const> = 128 -- code units that are unpacked at once

-- Converts UTF-16 from byte `at` on. Half of a pair without the other half becomes U+FFFD.
local function from_utf16(bytes, at, order)
  local parts <const>, high = {}, nil
  while at < #bytes do
    local n <const> = math.min(UNITS, (#bytes - at + 1) // 2)
    local units <const>, codes <const> = {(order .. ("I2"):rep(n)):unpack(bytes, at)}, {}
    for i = 1, n do
      local unit <const> = units[i]
      if high and unit >= 0xDC00 and unit < 0xE000 then
        codes[#codes + 1], high = 0x10000 + ((high - 0xD800) << 10) + unit - 0xDC00, nil
      else
        if high then codes[#codes + 1], high = 0xFFFD, nil end
        if unit >= 0xD800 and unit < 0xDC00 then
          high = unit
        else
          codes[#codes + 1] = unit >= 0xDC00 and unit < 0xE000 and 0xFFFD or unit
        end
      end
    end
    parts[#parts + 1] = utf8.char(table.unpack(codes))
    at = at + 2 * n
  end
  return table.concat(parts)
end

-- The byte order of UTF-16 without a byte order mark, or nil if the text is not UTF-16.
local function unmarked_utf16(bytes)
  local head <const> = bytes:sub(1, 400)
  local zeros <const> = {[0] = 0, 0}
  for at in head:gmatch("()\0") do zeros[at % 2] = zeros[at % 2] + 1 end
  if zeros[0] > #head / 4 and zeros[1] == 0 then return "<" end
  if zeros[1] > #head / 4 and zeros[0] == 0 then return ">" end
end

local function to_utf8(bytes)
  if bytes:find("^\xFF\xFE\0\0") or bytes:find("^\0\0\xFE\xFF") then
    return nil, "it is UTF-32: save it as UTF-8"
  end
  if bytes:find("^\xFF\xFE") then return from_utf16(bytes, 3, "<") end
  if bytes:find("^\xFE\xFF") then return from_utf16(bytes, 3, ">") end
  local order <const> = unmarked_utf16(bytes)
  if order then return from_utf16(bytes, 1, order) end
  local text <const> = bytes:find("^\xEF\xBB\xBF") and bytes:sub(4) or bytes
  local zero <const> = text:find("\0", 1, true)
  if zero then
    local _, lines <const> = text:sub(1, zero):gsub("\n", "")
    return nil, ("line %d: a zero byte: it is not text"):format(lines + 1)
  end
  if utf8.len(text) then return text end
  return (text:gsub("[\x80-\xFF]", LATIN))
end

--- Converts bytes to UTF-8 with "\n" at the ends of lines ("\r\n" stays). The bytes are UTF-8 or
-- UTF-16, otherwise they count as Windows-1252; they may be packed by gzip. Or nil and a message.
function M.decode(bytes)
  if gzip.is(bytes) then
    local member <const>, message <const> = gzip.open(bytes)
    if not member then return nil, message end
    local unpacked <const>, why <const> = gzip.read(bytes, member)
    if not unpacked then return nil, why end
    bytes = unpacked
  end
  local other <const> = M.other(bytes)
  if other then return nil, ("it is %s"):format(other) end
  local text <const>, why <const> = to_utf8(bytes)
  if not text then return nil, why end
  return text:find("\n", 1, true) and text or (text:gsub("\r", "\n"))
end

--- Removes the blanks around a text, in time linear in its length.
function M.trimmed(s)
  local first <const>, last <const> = s:byte(1), s:byte(-1)
  if first and first > 32 and last > 32 then return s end
  local from <const> = s:find("%S")
  if not from then return "" end
  local to = #s
  while s:find("^%s", to) do to = to - 1 end
  return s:sub(from, to)
end

return M
