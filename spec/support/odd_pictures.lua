--- Kinds of pictures that braid.save never writes: PNG of every depth, with palettes, transparency
-- and interlacing; JPEG with other colours and coding orders.

local core <const> = require "braid.core"

local M <const> = {}

local crc32 <const> = core.crc32 -- kept now, because a spec may replace it

local function chunk(name, body)
  return string.pack(">I4", #body) .. name .. body .. string.pack(">I4", crc32(name .. body))
end

local function adler32(bytes)
  local a, b = 1, 0
  for i = 1, #bytes do
    a = (a + bytes:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end

-- zlib's format around one stored block.
local function stored(bytes)
  return "\x78\x01" .. string.pack("<BI2I2", 1, #bytes, ~#bytes & 0xFFFF) .. bytes
    .. string.pack(">I4", adler32(bytes))
end

-- First column, first row and steps of each pass (PNG specification, 8.2).
local PASSES <const> = {{0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4},
  {1, 0, 2, 2}, {0, 1, 1, 2}}

local function row_of(samples, bits)
  local bytes <const> = {}
  if bits == 16 then
    for i, v in ipairs(samples) do bytes[i] = string.pack(">I2", v) end
    return table.concat(bytes)
  end
  local per <const> = 8 // bits
  for i = 1, #samples, per do
    local byte = 0
    for k = 0, per - 1 do byte = byte << bits | (samples[i + k] or 0) end
    bytes[#bytes + 1] = string.char(byte)
  end
  return table.concat(bytes)
end

--- A PNG of w x h pixels. pixel(x, y), from 0, returns the samples of a pixel. o = {bits =, colour
-- = (0 gray, 2 RGB, 3 palette, 4 gray and alpha, 6 RGB and alpha), interlaced =, filter =,
-- palette = bytes, transparent = bytes of a tRNS piece}
function M.png(w, h, o, pixel)
  local raw <const> = {}
  for _, pass in ipairs(o.interlaced and PASSES or {{0, 0, 1, 1}}) do
    for y = pass[2], h - 1, pass[4] do
      local samples <const> = {}
      for x = pass[1], w - 1, pass[3] do
        for _, v in ipairs {pixel(x, y)} do samples[#samples + 1] = v end
      end
      if #samples > 0 then raw[#raw + 1] = string.char(o.filter or 0) .. row_of(samples, o.bits) end
    end
  end
  return "\x89PNG\r\n\26\n"
    .. chunk("IHDR", string.pack(">I4I4BBBBB", w, h, o.bits, o.colour, 0, 0,
      o.interlaced and 1 or 0))
    .. (o.palette and chunk("PLTE", o.palette) or "")
    .. (o.transparent and chunk("tRNS", o.transparent) or "")
    .. chunk("IDAT", stored(table.concat(raw))) .. chunk("IEND", "")
end

-- For JPEG: every table has one code, a bit 0. It means no difference of the mean, or the block's
-- end.
local function segment(marker, body)
  return "\xFF" .. marker .. string.pack(">I2", #body + 2) .. body
end
local TABLES <const> = segment("\xDB", "\0" .. ("\1"):rep(64))
  .. segment("\xC4", "\0\1" .. ("\0"):rep(15) .. "\0")
  .. segment("\xC4", "\16\1" .. ("\0"):rep(15) .. "\0")

-- A frame of 8 x 8 blocks with k components; `sampling` is that of the first.
local function frame(marker, k, sampling)
  local parts <const> = {}
  for i = 1, k do parts[i] = string.char(i, i == 1 and sampling or 0x11, 0) end
  return segment(marker, "\8\0\8\0\8" .. string.char(k) .. table.concat(parts))
end

local function scan(components, first, last, codes)
  local parts <const> = {}
  for i, c in ipairs(components) do parts[i] = string.char(c, 0) end
  return segment("\xDA", string.char(#components) .. table.concat(parts)
    .. string.char(first, last, 0)) .. codes
end

local function adobe(transform)
  return segment("\xEE", "Adobe\0\100\0\0\0\0" .. string.char(transform))
end

local function jpeg(...) return "\xFF\xD8" .. TABLES .. table.concat {...} .. "\xFF\xD9" end

--- JPEG pictures of 8 x 8 pixels, by name.
M.jpegs = {
  baseline = jpeg(frame("\xC0", 1, 0x11), scan({1}, 0, 63, "\x3F")),
  colour = jpeg(frame("\xC0", 3, 0x11), scan({1, 2, 3}, 0, 63, "\x03")),
  subsampled = jpeg(frame("\xC0", 3, 0x22), scan({1, 2, 3}, 0, 63, "\x00\x0F")),
  separate = jpeg(frame("\xC0", 3, 0x11), scan({1}, 0, 63, "\x3F"), scan({2}, 0, 63, "\x3F"),
    scan({3}, 0, 63, "\x3F")),
  progressive = jpeg(frame("\xC2", 1, 0x11), scan({1}, 0, 0, "\x7F"), scan({1}, 1, 63, "\x7F")),
  ["progressive-colour"] = jpeg(frame("\xC2", 3, 0x11), scan({1, 2, 3}, 0, 0, "\x1F"),
    scan({1}, 1, 5, "\x7F"), scan({2}, 1, 63, "\x7F"), scan({3}, 1, 63, "\x7F"),
    scan({1}, 6, 63, "\x7F")),
  restarts = jpeg(segment("\xDD", "\0\1"), frame("\xC0", 1, 0x11), scan({1}, 0, 63, "\x3F")),
  cmyk = jpeg(adobe(0), frame("\xC0", 4, 0x11), scan({1, 2, 3, 4}, 0, 63, "\x00")),
  ycck = jpeg(adobe(2), frame("\xC0", 4, 0x11), scan({1, 2, 3, 4}, 0, 63, "\x00")),
}

--- PNG pictures by name: every depth and kind of colour, plain and interlaced.
M.pngs = {}
for _, kind in ipairs {{"gray1", 1, 0, 1}, {"gray2", 2, 0, 1}, {"gray4", 4, 0, 1},
  {"gray16", 16, 0, 1}, {"rgb16", 16, 2, 3}, {"gray-alpha", 8, 4, 2}, {"rgb-alpha16", 16, 6, 4},
  {"palette1", 1, 3, 1}, {"palette2", 2, 3, 1}, {"palette4", 4, 3, 1}, {"palette8", 8, 3, 1},
  {"gray8-key", 8, 0, 1}, {"rgb8-key", 8, 2, 3}} do
  local name <const>, bits <const>, colour <const>, samples <const> = table.unpack(kind)
  local most <const> = (1 << (colour == 3 and math.min(bits, 3) or bits)) - 1
  for _, interlaced in ipairs {false, true} do
    local function pixel(x, y)
      local v <const> = {}
      for k = 1, samples do v[k] = (x * 5 + y * 3 + k * 11) * (most // 7 + 1) & most end
      return table.unpack(v)
    end
    local palette <const> = {}
    for i = 0, colour == 3 and most or -1 do
      palette[i + 1] = string.char(i * 30 % 256, 255 - i * 20, i * 70 % 256)
    end
    local key <const> = colour == 2 and "\0\11\0\22\0\33" or "\0\11"
    M.pngs[name .. (interlaced and "-interlaced" or "")] = M.png(9, 11, {bits = bits,
      colour = colour, interlaced = interlaced, palette = colour == 3 and table.concat(palette),
      transparent = colour == 3 and "\0\128" or name:find("key") and key or nil}, pixel)
  end
end

return M
