--- Makes tar archives for specs, byte by byte.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

local M <const> = {}

local BLOCK <const> = 512

--- A header with its right checksum. `o`: size (the number, or 12 bytes), kind, prefix, magic.
function M.header(name, o)
  local size <const> = type(o.size) == "string" and o.size or ("%011o\0"):format(o.size or 0)
  local head = (name .. ("\0"):rep(100)):sub(1, 100) .. "0000644\0" .. "0000000\0" .. "0000000\0"
    .. size .. "00000000000\0" .. (" "):rep(8) .. (o.kind or "0") .. ("\0"):rep(100)
    .. (o.magic or "ustar\0" .. "00") .. ("\0"):rep(80) .. ((o.prefix or "") .. ("\0"):rep(155))
    :sub(1, 155)
  head = head .. ("\0"):rep(BLOCK - #head)
  return M.summed(head)
end

--- The header with its checksum put right.
function M.summed(head)
  head = head:sub(1, 148) .. (" "):rep(8) .. head:sub(157)
  local sum = 0
  for i = 1, #head do sum = sum + head:byte(i) end
  return head:sub(1, 148) .. ("%06o\0 "):format(sum) .. head:sub(157)
end

local function padded(bytes) return bytes .. ("\0"):rep(-#bytes % BLOCK) end

--- An entry: header and bytes.
function M.entry(name, bytes, o)
  local own <const> = {size = #bytes}
  for key, value in pairs(o or {}) do own[key] = value end
  return M.header(name, own) .. padded(bytes)
end

M.finish = ("\0"):rep(2 * BLOCK)

--- An archive of {{name, bytes, options}, ...}.
function M.make(list)
  local parts <const> = {}
  for i, item in ipairs(list) do parts[i] = M.entry(item[1], item[2], item[3]) end
  return table.concat(parts) .. M.finish
end

--- The bytes of a PNG of w x h pixels of one gray.
function M.png(gray, h, w)
  local path <const> = os.tmpname()
  os.remove(path)
  braid.save(path .. ".png", braid.full({1, h or 8, w or 8}, gray, {dtype = "uint8"}))
  local bytes <const> = shell.read(path .. ".png")
  os.remove(path .. ".png")
  return bytes
end

--- A small archive of two pictures with labels.
function M.sample()
  return M.make{ {"1.png", M.png(9, 90, 80)}, {"1.cls", "0"}, {"1.json", '{"a": 1}'},
    {"2.png", M.png(8, 90, 80)}, {"2.cls", "1"}, {"2.json", '{"a": 2}'} }
end

return M
