--- Whole files: read at once, written beside and renamed.

local M <const> = {}

--- The bytes of a file, or nil and a message.
function M.read(path)
  local file <const>, message <const> = io.open(path, "rb")
  if not file then return nil, message end
  local bytes <const>, why <const> = file:read("a")
  file:close()
  if not bytes then return nil, ("%s: %s"):format(path, why or "cannot be read") end
  return bytes
end

--- Writes the parts (strings) one after the other; the old file stays until the new one
-- is whole.
-- @return true, or nil and a message
function M.write(path, parts)
  local beside <const> = path .. ".part"
  local file <const>, message <const> = io.open(beside, "wb")
  if not file then return nil, message end
  for _, part in ipairs(parts) do
    local ok <const>, why <const> = file:write(part)
    if not ok then
      file:close()
      os.remove(beside)
      return nil, ("%s: %s"):format(path, why)
    end
  end
  local closed <const>, why <const> = file:close()
  if not closed then
    os.remove(beside)
    return nil, ("%s: %s"):format(path, why)
  end
  local renamed <const>, problem <const> = os.rename(beside, path)
  if not renamed then os.remove(beside) end
  return renamed, problem
end

return M
