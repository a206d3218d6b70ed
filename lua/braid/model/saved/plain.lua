--- Plain values: a file can hold them as JSON, and they are the same when they are read again.

local check <const> = require "braid.check"
local json <const> = require "braid.io.json"

local M <const> = {}

local DEEPEST <const> = 40

--- Whether a table is a list.
function M.is_list(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n == #t
end

local unfit

local function unfit_table(path, value, depth)
  if depth > DEEPEST then return path .. " has tables that are nested too deeply" end
  if getmetatable(value) ~= nil then return path .. " is an object" end
  local list <const> = M.is_list(value)
  for key, part in pairs(value) do
    if type(key) ~= "string" and not list then
      return ("%s has names and the key %s, which is not a name"):format(path, tostring(key))
    end
    if type(key) == "string" and not utf8.len(key) then
      return path .. " has a name that is not UTF-8"
    end
    local why <const> = unfit(("%s.%s"):format(path, key), part, depth + 1)
    if why then return why end
  end
end

-- Why a value cannot be saved in a file, or nil. Finite numbers, strings, booleans, lists, and
-- tables with names as keys can be saved.
function unfit(path, value, depth)
  if type(value) == "table" and value ~= json.null then return unfit_table(path, value, depth) end
  if type(value) == "string" then return not utf8.len(value) and path .. " is not UTF-8" or nil end
  if type(value) == "boolean" or math.type(value) == "integer" then return nil end
  if type(value) == "number" then
    if value == value and math.abs(value) ~= math.huge then return nil end
    return ("%s is %s"):format(path, check.shown(value))
  end
  return ("%s is %s"):format(path, value == json.null and "null" or "a " .. type(value))
end

--- Why a value cannot be saved in a file, or nil; `path` is its name in the message.
function M.unfit(path, value) return unfit(path, value, 1) end

return M
