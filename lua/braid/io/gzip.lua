--- Reads gzip files of one member, which have the unpacked size at their end (RFC 1952).

local core <const> = require "braid.core"
local limits <const> = require "braid.limits"

local M <const> = {}

local HEADER <const>, TRAILER <const> = 10, 8
local CRC <const>, EXTRA <const>, NAME <const>, COMMENT <const> = 2, 4, 8, 16

--- Whether a text begins like a gzip file.
function M.is(text) return text:find("^\x1F\x8B") ~= nil end

-- The place after a string that a zero byte ends.
local function past_zero(text, at)
  local zero <const> = text:find("\0", at, true)
  return zero and zero + 1 or #text + 1
end

--- Reads a gzip header -> {at = where the deflated data begins, size =, crc = of the unpacked
-- bytes}; or nil and a message. Sizes are known up to 4 GiB.
function M.open(text)
  if not M.is(text) or #text < HEADER + TRAILER then return nil, "it is not a gzip file" end
  local method <const>, flags <const> = text:byte(3, 4)
  if method ~= 8 or flags >= 32 then return nil, "gzip: it is packed in an unknown way" end
  local at = HEADER + 1
  if flags & EXTRA ~= 0 then at = at + 2 + string.unpack("<I2", text, at) end
  if flags & NAME ~= 0 then at = past_zero(text, at) end
  if flags & COMMENT ~= 0 then at = past_zero(text, at) end
  if flags & CRC ~= 0 then at = at + 2 end
  if at > #text - TRAILER then return nil, "gzip: it ends before it should" end
  local crc <const>, size <const> = string.unpack("<I4I4", text, #text - TRAILER + 1)
  return {at = at, size = size, crc = crc}
end

--- The first unpacked bytes, at most 65536; or nil and a message.
function M.start(text, member, most) return core.inflate_start(text, member.at, most) end

--- All unpacked bytes, or nil and a message.
function M.read(text, member)
  local wrong <const> = limits.over("inflated", member.size, "bytes unpacked")
  if wrong then return nil, wrong end
  local bytes <const>, message <const> =
    core.inflate(text:sub(member.at, #text - TRAILER), member.size)
  if not bytes then return nil, "gzip: " .. message end
  if core.crc32(bytes) ~= member.crc then return nil, "gzip: its checksum is wrong" end
  return bytes
end

return M
