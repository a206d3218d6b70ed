--- Makes and reads files for specs.

local braid <const> = require "braid"
local files <const> = require "braid.io.files"
local core <const> = require "braid.core"

local M <const> = {}

--- Calls f with the path of a file that does not exist yet, and removes it afterwards.
function M.with(name, f)
  local path <const> = os.tmpname()
  os.remove(path)
  local full <const> = path .. "-" .. name
  local ok <const>, message <const> = pcall(f, full)
  os.remove(full)
  assert(ok, message)
end

--- The result of braid.load for these bytes; or nil and its message without the path.
function M.load(name, bytes, options)
  local result
  M.with(name, function(path)
    assert(files.write(path, {bytes}))
    result = table.pack(pcall(braid.load, path, options))
    if result[1] then return end
    local head <const> = ("load: %s: "):format(path)
    local _, last <const> = tostring(result[2]):find(head, 1, true)
    assert(last, result[2])
    result = {true, nil, result[2]:sub(last + 1), n = 3}
  end)
  return table.unpack(result, 2, result.n)
end

--- The bytes that braid.save writes.
function M.saved(name, ...)
  local arguments <const>, bytes = table.pack(...), nil
  M.with(name, function(path)
    assert(braid.save(path, table.unpack(arguments, 1, arguments.n)))
    bytes = assert(files.read(path))
  end)
  return bytes
end

--- An .npz file with one tensor `a`, deflated as a single stored block. braid.save never writes
-- such a file.
function M.deflated(t)
  local bytes <const> = M.saved("t.npy", t)
  local body <const> = string.pack("<BI2I2", 1, #bytes, ~#bytes & 0xFFFF) .. bytes
  local crc <const> = core.crc32(bytes)
  local head <const> = "PK\3\4" .. string.pack("<I2I2I2I4I4I4I4I2I2", 20, 0, 8, 0, crc, #body,
    #bytes, 5, 0) .. "a.npy" .. body
  local row <const> = "PK\1\2" .. string.pack("<I2I2I2I2I4I4I4I4I2I2I2I2I2I4I4", 20, 20, 0, 8, 0,
    crc, #body, #bytes, 5, 0, 0, 0, 0, 0, 0) .. "a.npy"
  return head .. row .. "PK\5\6" .. string.pack("<I2I2I2I2I4I4I2", 0, 0, 1, 1, #row, #head, 0)
end

-- ---- protocol buffers -----------------------------------------------------------------

local function varint(n)
  local bytes <const> = {}
  repeat
    bytes[#bytes + 1] = string.char(n & 127 | (n >> 7 ~= 0 and 128 or 0))
    n = n >> 7
  until n == 0
  return table.concat(bytes)
end

--- A field of a message: a number, or a text with its length before it.
function M.field(number, value)
  if type(value) == "number" then return varint(number << 3) .. varint(value) end
  return varint(number << 3 | 2) .. varint(#value) .. value
end

--- A blob of Caffe with the values and the shape of a tensor.
function M.blob(t)
  local sizes <const> = {}
  for i, n in ipairs(t.shape) do sizes[i] = varint(n) end
  return M.field(5, core.bytes(t)) .. M.field(7, M.field(1, table.concat(sizes)))
end

--- A .caffemodel file: layers as a list of {name, tensor, ...}.
function M.caffemodel(layers)
  local parts <const> = {M.field(1, "net")}
  for i, layer in ipairs(layers) do
    local text = M.field(1, layer[1]) .. M.field(2, "Kind")
    for k = 2, #layer do text = text .. M.field(7, M.blob(layer[k])) end
    parts[i + 1] = M.field(100, text)
  end
  return table.concat(parts)
end

return M
