--- Texts from strangers' files, and numbers of bytes, as braid.inspect prints them.

local core <const> = require "braid.core"
local format <const> = require "braid.format"

local M <const> = {}

local LONGEST <const> = 60

--- A stranger's text, safe for a terminal: control characters are shown as \xNN, except line ends
-- and tabs.
function M.harmless(text)
  text = utf8.len(text) and text or text:gsub("[\x80-\xff]", "?")
  return (text:gsub("[%c\127]", function(c)
    return (c == "\n" or c == "\t") and c or ("\\x%02x"):format(c:byte())
  end):gsub("\xC2[\x80-\x9f]", "?"))
end

--- The text of M.harmless on one line of at most `longest` bytes.
function M.word(text, longest)
  text, longest = M.harmless(text):gsub("[\n\t]", " "), longest or LONGEST
  return #text > longest and text:sub(1, longest - 3):gsub("[\xC0-\xff][\x80-\xBF]*$", "") .. "..."
    or text
end

--- A number of bytes.
function M.size(bytes)
  if bytes < 10000 then return ("%d bytes"):format(bytes) end
  if bytes < 1e7 then return format("%.1f kB", bytes / 1e3) end
  return format("%.1f MB", bytes / 1e6)
end

--- "1 line", "2 lines".
function M.count(n, one) return ("%d %s%s"):format(n, one, n == 1 and "" or "s") end

--- A line for a tensor: its name, its type as the file calls it, its shape.
function M.tensor(name, dtype, shape)
  return ("  %s  %s (%s)"):format(M.word(name), dtype, table.concat(shape, ", "))
end

--- The name of the first entry of a zip whose first bytes these are, or nil.
function M.first_entry(head)
  if not head:find("^PK\3\4") or #head < 30 then return nil end
  local size <const> = string.unpack("<I2", head, 27)
  return #head >= 30 + size and head:sub(31, 30 + size) or nil
end

--- The size of a file in bytes, or nil if there is no such file.
function M.size_of(path)
  if core.path_kind(path) ~= "file" then return nil end
  local file <close> = io.open(path, "rb")
  return file and file:seek("end")
end

return M
