--- Files of specs.

local braid <const> = require "braid"

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

return M
