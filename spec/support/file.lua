--- Files of specs.

local braid <const> = require "braid"
local core <const> = require "braid.core"

local M <const> = {}

--- Calls f with the path of a file that is not there yet, and removes what f left there.
function M.with(name, f)
  local path <const> = os.tmpname()
  os.remove(path)
  local full <const> = path .. "-" .. name
  local ok <const>, message <const> = pcall(f, full)
  os.remove(full)
  assert(ok, message)
end

--- What braid.load makes of a file with these bytes.
function M.load(name, bytes, options)
  local result
  M.with(name, function(path)
    assert(braid.io.files.write(path, {bytes}))
    result = table.pack(braid.load(path, options))
    if not result[1] then
      assert(result[2]:sub(1, #path) == path, result[2])
      result[2] = result[2]:sub(#path + 3)
    end
  end)
  return table.unpack(result, 1, result.n)
end

--- The bytes that braid.save writes.
function M.saved(name, ...)
  local arguments <const>, bytes = table.pack(...), nil
  M.with(name, function(path)
    assert(braid.save(path, table.unpack(arguments, 1, arguments.n)))
    bytes = assert(braid.io.files.read(path))
  end)
  return bytes
end

--- An .npz file of one tensor, `a`, deflated (as a single block that is stored), which
-- braid.save never writes.
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

return M
