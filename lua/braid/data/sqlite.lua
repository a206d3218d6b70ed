--- Reads rows of an SQLite database with the command `sqlite3` (Debian: apt install sqlite3). Only
-- readers that need the command look for it.

local files <const> = require "braid.io.files"

local M <const> = {}

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

--- Whether the command is installed.
function M.is_installed()
  return (os.execute("command -v sqlite3 >/dev/null 2>&1"))
end

--- Iterates over the rows of a query, as lists of strings; a null is "". The database is opened
-- read-only, and nothing in it can run commands or load code.
-- @return the iterator, or nil and a message
function M.rows(path, query)
  if not M.is_installed() then
    return nil, path .. ": reading it takes the command sqlite3 (apt install sqlite3)"
  end
  local source <const>, missing <const> = files.open(path)
  if not source then return nil, missing end
  source:close()
  local out <const>, err <const> = os.tmpname(), os.tmpname()
  -- sqlite3 would take the name -x as an option, and file:x as a URI.
  local name <const> = path:find("^/") and path or "./" .. path
  local ok <const> = os.execute(("sqlite3 -init /dev/null -batch -bail -readonly -ascii %s %s " ..
    ">%s 2>%s"):format(quoted(name), quoted("PRAGMA trusted_schema = OFF; " .. query), out, err))
  local text <const>, why <const> = files.read(out)
  local complaint <const> = files.read(err) or ""
  os.remove(out)
  os.remove(err)
  if not text then return nil, why end
  if not ok then
    return nil, ("%s: %s"):format(path, complaint:match("[^\r\n]+") or "sqlite3 failed")
  end
  local each <const> = text:gmatch("([^\x1E]*)\x1E")
  return function()
    local line <const> = each()
    if not line then return nil end
    local cells <const> = {}
    for cell in (line .. "\x1F"):gmatch("([^\x1F]*)\x1F") do cells[#cells + 1] = cell end
    return cells
  end
end

return M
