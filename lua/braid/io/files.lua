--- Reads whole files and parts of files, and writes files. A new file is renamed over the old one
-- only when it is complete.

local core <const> = require "braid.core"
local limits <const> = require "braid.limits"

local M <const> = {}

local PIECE <const> = 1 << 20

-- Reads from something that is not a regular file and may have no end.
local function read_pieces(file, most)
  local pieces <const>, size = {}, 0
  while size <= most do
    local piece <const>, why <const> = file:read(PIECE)
    if not piece then return not why and table.concat(pieces) or nil, why end
    pieces[#pieces + 1], size = piece, size + #piece
  end
  return nil, limits.over("text", size, "bytes, or more")
end

--- The bytes of a file, or nil and a message.
-- @param limit the name of the limit in braid.limits that bounds the bytes (default: "text")
function M.read(path, limit)
  local file <const>, message <const> = io.open(path, "rb")
  if not file then return nil, message end
  local size <const> = file:seek("end")
  local bytes, why
  if size and size > 0 then
    file:seek("set", 0)
    -- A directory also has a size, which is absurdly large.
    why = size < math.maxinteger and limits.over(limit or "text", size, "bytes")
    if not why then bytes, why = file:read("a") end
  else
    bytes, why = read_pieces(file, limits.text)
  end
  file:close()
  if not bytes then return nil, ("%s: %s"):format(path, why or "cannot be read") end
  return bytes
end

-- A source is for readers of parts of a file. It has `size` in bytes, and window(first, n), which
-- returns a string and the place in it where the n bytes from byte `first` (from 1) begin; or nil
-- and a message.
local Source <const> = {}
Source.__index = Source

function Source:window(first, n)
  if first < 1 or n < 0 or n > self.size - first + 1 then
    return nil, ("%s: ends before it should"):format(self.path)
  end
  if self.text then return self.text, first end
  if n == 0 then return "", 1 end
  local ok <const>, problem <const> = self.file:seek("set", first - 1)
  local bytes, why = nil, problem
  if ok then bytes, why = self.file:read(n) end
  if not bytes or #bytes < n then
    return nil, ("%s: %s"):format(self.path, why or "became shorter while it was read")
  end
  return bytes, 1
end

--- The n bytes from `first` as a string; or nil and a message.
function Source:bytes(first, n)
  local text <const>, at <const> = self:window(first, n)
  if not text then return nil, at end
  return #text == n and text or text:sub(at, at + n - 1) -- a long text is not copied
end

--- Releases the file.
function Source:close()
  if self.file then self.file:close() end
  self.file = nil
end

Source.__close = Source.close

--- A text as a source, with a name for messages.
function M.view(text, path)
  return setmetatable({size = #text, text = text, path = path}, Source)
end

--- Opens a file as a source, which must be closed; or returns nil and a message. Nothing is read
-- yet, unless the file is a pipe.
function M.open(path)
  local file <const>, message <const> = io.open(path, "rb")
  if not file then return nil, message end
  local size <const> = file:seek("end")
  if size then
    file:seek("set", 0)
    local first <const>, why <const> = file:read(1) -- a directory opens, but cannot be read
    if first or size == 0 then
      return setmetatable({size = size, file = file, path = path}, Source)
    end
    file:close()
    return nil, ("%s: %s"):format(path, why or "cannot be read")
  end
  local text <const>, why <const> = read_pieces(file, limits.text)
  file:close()
  if not text then return nil, ("%s: %s"):format(path, why or "cannot be read") end
  return M.view(text, path)
end

-- The files of a folder whose names have the same ending as `path`, in order.
local function alike(path)
  local folder <const>, ending <const> = path:match("^(.*/)") or "./", path:match("%.%w+$")
  local names <const>, found <const> = core.list_folder(folder), {}
  for _, name in ipairs(ending and names or {}) do
    if name:sub(-#ending) == ending and #name > #ending then found[#found + 1] = name end
  end
  table.sort(found)
  return names and folder, found
end

--- A hint for the message that a file could not be read: it says what is there instead.
function M.hint(path)
  local file <const>, _, code <const> = io.open(path, "rb")
  if file then file:close() end
  if code ~= 2 then return "" end -- the file exists, or has another fault
  local folder <const>, found <const> = alike(path)
  if not folder then return " (its folder does not exist either)" end
  if #found == 0 then return "" end
  if #found > 5 then found[6] = "..." end
  return (" (there is %s)"):format(table.concat(found, ", ", 1, math.min(#found, 6)))
end

--- The result of parse(source) for the file at a path. Messages call the file `what`.
function M.parsed(path, parse, what)
  local source <close>, message <const> = M.open(path)
  if not source then return nil, message end
  local value <const>, wrong <const> = parse(source)
  if value == nil then return nil, ("%s: not a whole %s file: %s"):format(path, what, wrong) end
  return value
end

-- Iterates over the values of a list.
local function each(list)
  local i = 0
  return function()
    i = i + 1
    return list[i]
  end
end

--- Writes the parts one after the other. The old file stays until the new one is complete. If the
-- path is a link, the link stays; the file that it leads to is replaced and keeps its mode.
-- (csrc/io/write.h)
-- @param parts strings, in a table or from a function that returns the next one at each call, so
--   that only one of them is in memory
-- @return true, or nil and a message
function M.write(path, parts)
  local writer <close>, message <const> = core.writer(path)
  if not writer then return nil, message end
  for part in type(parts) == "table" and each(parts) or parts do
    local ok <const>, why <const> = writer:put(part)
    if not ok then return nil, why end
  end
  return writer:finish()
end

return M
