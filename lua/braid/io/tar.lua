--- .tar: the files in an archive and where their bytes are (POSIX ustar and pax, GNU). Nothing is
-- unpacked, and the names of files are never taken as paths.
--
-- https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
-- https://www.gnu.org/software/tar/manual/html_node/Standard.html

local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"

local fail <const> = damage.fail

local M <const> = {}

local BLOCK <const> = 512
local ZEROS <const> = ("\0"):rep(BLOCK)
local LONGEST <const> = 1 << 20 -- bytes of a name, or of a pax header

local function text_of(field) return (field:match("^[^\0]*")) end

-- A number of a header: octal digits, or a big-endian number with the highest bit set.
local function number_of(field, what, at)
  if field:byte(1) & 0x80 ~= 0 then
    local value = field:byte(1) & 0x7F
    for i = 2, #field do
      if value >= 1 << 53 then fail("header at byte %d: its %s is too large", at, what) end
      value = value << 8 | field:byte(i)
    end
    return value
  end
  local digits <const>, rest <const> = field:match("^[ \0]*([0-7]*)(.?)")
  if rest ~= "" and rest ~= " " and rest ~= "\0" then
    fail("header at byte %d: its %s is not a number", at, what)
  end
  return digits == "" and 0 or tonumber(digits, 8)
end

-- Checks a header's checksum: the sum of its bytes, with blanks in place of the sum itself.
local function check_sum(head, at)
  local sum = 8 * 32
  for first = 1, BLOCK, 128 do
    for _, byte in ipairs{head:byte(first, first + 127)} do sum = sum + byte end
  end
  for _, byte in ipairs{head:byte(149, 156)} do sum = sum - byte end
  local said <const> = number_of(head:sub(149, 156), "checksum", at)
  if said ~= sum then
    fail("header at byte %d: its checksum is wrong: it is damaged, or no tar file", at)
  end
end

-- The records of a pax header, "LENGTH KEY=VALUE\n" each.
local function pax_of(text, at)
  local records <const>, from = {}, 1
  while from <= #text do
    local digits <const>, key_at <const> = text:match("^(%d+) ()", from)
    local length <const> = digits and #digits <= 9 and math.tointeger(tonumber(digits))
    local record <const> = length and from + length - 1 <= #text and key_at < from + length
      and text:sub(key_at, from + length - 1)
    local key, value
    if record then key, value = record:match("^([^=]+)=(.*)\n$") end
    if not key then fail("header at byte %d: its records are damaged", at) end
    records[key], from = value, from + length
  end
  return records
end

local REGULAR <const> = {["0"] = true, ["\0"] = true, ["7"] = true}

-- A whole number in a pax record.
local function size_of(text, at)
  local size <const> = text:match("^%d+$") and #text <= 16 and math.tointeger(tonumber(text))
  return size or fail("header at byte %d: its size is not a number", at)
end

-- The name of a file: from a long name or a pax header before it, or from the file's own header.
local function name_of(head, more)
  if more.path then return more.path end
  local name <const> = text_of(head:sub(1, 100))
  local prefix <const> = head:sub(258, 262) == "ustar" and head:sub(263, 263) == "\0"
    and text_of(head:sub(346, 500)) or ""
  return prefix ~= "" and prefix .. "/" .. name or name
end

local function bytes_of(source, first, n)
  local bytes <const>, why <const> = source:bytes(first, n)
  return bytes or fail("%s", why:gsub("^.-: ", ""))
end

-- Reads a header that describes the file after it, and notes what it says in `more`.
local function read_more(source, kind, first, size, more, at)
  if size > LONGEST then
    fail("header at byte %d: a name or extended header of %d bytes", at, size)
  end
  local text <const> = bytes_of(source, first, size)
  if kind == "L" then
    more.path = text_of(text)
  elseif kind == "x" then
    local records <const> = pax_of(text, at)
    more.path = records.path or more.path
    more.size = records.size and size_of(records.size, at)
    more.sparse = records["GNU.sparse.major"] ~= nil or records["GNU.sparse.size"] ~= nil
      or records["GNU.sparse.realsize"] ~= nil
  end
end

local SAYS_MORE <const> = {L = true, K = true, x = true, g = true}

-- Checks that the bytes of an entry are in the file.
local function check_end(source, name, first, size)
  if size < 0 or size > source.size - first + 1 then
    fail("'%s' has %d bytes, but the archive ends after %d of them: was it cut short?",
      name:sub(1, 60):gsub("[^\x20-\x7e]", "?"), size, math.max(0, source.size - first + 1))
  end
end

--- Calls f(name, first, size) for each regular file of a source of files.lua: its bytes begin at
-- `first`, from 1. Links, folders and devices are passed over. Raises {message =} for a damaged
-- archive, and for a sparse file, whose bytes are not in one piece.
function M.each(source, f)
  local at, more, count = 1, {}, 0
  while true do
    if at > source.size then fail("it ends without the mark of its end: was it cut short?") end
    local head <const> = bytes_of(source, at, BLOCK)
    if head == ZEROS then break end
    check_sum(head, at - 1)
    local kind <const>, first <const> = head:sub(157, 157), at + BLOCK
    local name <const>, own <const> = name_of(head, more), number_of(head:sub(125, 136), "size",
      at - 1)
    local size <const> = SAYS_MORE[kind] and own or more.size or own
    check_end(source, name, first, size)
    count = count + 1
    limits.bound("members", count, "members, up to byte %d", at)
    if SAYS_MORE[kind] then
      read_more(source, kind, first, size, more, at - 1)
    else
      if kind == "S" or more.sparse then
        fail("'%s' is sparse: pack it anew without --sparse", name:sub(1, 60))
      end
      if REGULAR[kind] and name:sub(-1) ~= "/" then f(name, first, size) end
      more = {}
    end
    at = first + (size + BLOCK - 1) // BLOCK * BLOCK
  end
end

--- The regular files of a source, in order: {{name =, first = from 1, size =}, ...}; or nil and
-- what is wrong.
M.parse = damage.caught(function(source)
  local list <const> = {}
  if source.size >= 2 and bytes_of(source, 1, 2) == "\x1f\x8b" then
    fail("it is packed by gzip: gunzip it, so that its files can be read where they are")
  end
  M.each(source, function(name, first, size)
    list[#list + 1] = {name = name, first = first, size = size}
  end)
  return list
end)

--- The regular files of the archive at a path, or nil and a message.
function M.list(path) return files.parsed(path, M.parse, "tar") end

return M
