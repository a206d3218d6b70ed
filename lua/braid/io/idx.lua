--- IDX, the format of MNIST: one tensor, packed by gzip or not.
-- http://yann.lecun.com/exdb/mnist/

local core <const> = require "braid.core"
local gzip <const> = require "braid.io.gzip"
local shapes <const> = require "braid.io.shape"

local M <const> = {}

local TYPES <const> = {
  [0x08] = {"uint8", 1}, [0x09] = {"int8", 1}, [0x0B] = {"int16", 2}, [0x0C] = {"int32", 4},
  [0x0D] = {"float32", 4}, [0x0E] = {"float64", 8},
}
local MAX_DIMENSIONS <const> = 4
local START <const> = 4 + 4 * MAX_DIMENSIONS

-- Reads the header in the first bytes: type, sizes, where the values begin, and where they end.
local function header_of(text)
  if #text < 4 then return nil, "it ends before it should" end
  local zero <const>, code <const>, dimensions <const> = string.unpack(">I2I1I1", text)
  local kind <const> = TYPES[code]
  if zero ~= 0 or not kind or dimensions < 1 or dimensions > MAX_DIMENSIONS then
    return nil, "it is not an IDX file"
  end
  local start <const> = 4 + 4 * dimensions
  if #text < start then return nil, "it ends before it should" end
  local sizes <const> = {}
  for d = 1, dimensions do sizes[d] = string.unpack(">I4", text, 4 * d + 1) end
  local count <const>, wrong <const> = shapes.count(sizes, kind[2])
  if not count then return nil, wrong or "its sizes are impossible" end
  return {dtype = kind[1], sizes = sizes, start = start, finish = start + count * kind[2]}
end

local function check_size(head, size)
  if size == head.finish then return true end
  return nil, ("values of (%s) end at byte %d, but it has %d"):format(
    table.concat(head.sizes, ", "), head.finish, size)
end

-- The bytes of a text, unpacked (with `head_only` only the first bytes), and their header; or nil
-- and what is wrong. Sizes are compared before unpacking.
local function opened(text, head_only)
  local bytes, size = text, #text
  if gzip.is(text) then
    local found <const>, message <const> = gzip.open(text)
    if not found then return nil, message end
    local why
    bytes, why = gzip.start(text, found, START)
    if not bytes then return nil, why end
    size = found.size
    local head, bad = header_of(bytes)
    if head then head, bad = check_size(head, size) end
    if not head then return nil, bad end
    if not head_only then bytes, why = gzip.read(text, found) end
    if not bytes then return nil, why end
  end
  local head <const>, message <const> = header_of(bytes)
  if not head then return nil, message end
  local fits <const>, bad <const> = check_size(head, size)
  if not fits then return nil, bad end
  return bytes, head
end

--- The tensor in a file's text; or nil and what is wrong.
function M.parse(text)
  local bytes <const>, head <const> = opened(text)
  if not bytes then return nil, head end
  return core.from_packed(bytes, head.start + 1, head.sizes, head.dtype, true)
end

--- {dtype =, shape =} of the tensor in a file's text, without its values; or nil and what is wrong.
function M.facts(text)
  local bytes <const>, head <const> = opened(text, true)
  if not bytes then return nil, head end
  return {dtype = head.dtype, shape = head.sizes}
end

return M
