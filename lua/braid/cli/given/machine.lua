--- Values as JSON for other programs, always one line of UTF-8. NaN and the infinities become null.
-- A byte that is not UTF-8 becomes the character with its number. Values that JSON cannot write are
-- left out.

local core <const> = require "braid.core"
local json <const> = require "braid.io.json"

local M <const> = {}

local function text_of(text)
  if utf8.len(text) then return text end
  return (text:gsub("[\x80-\xff]", function(c) return utf8.char(c:byte()) end))
end

local plain

-- Fields that are written as lists even if they are empty.
local LISTS <const> = {}
for word in ([[shape names files columns folders takes uses outside points faces boxes
  pictures rows]]):gmatch("%a+") do
  LISTS[word] = true
end

local function table_of(value)
  local list <const>, t <const> = #value > 0, {}
  for key, v in next, value do
    local own <const> = plain(v)
    if list and math.type(key) == "integer" then
      t[key] = own == nil and json.null or own
    elseif not list and type(key) == "string" then
      local empty <const> = LISTS[key] and type(own) == "table" and next(own) == nil
      t[text_of(key)] = empty and json.empty_list or own
    end
  end
  return t
end

function plain(value)
  if core.is_tensor(value) then value = value:totable() end
  local kind <const> = type(value)
  if kind == "number" then return value - value == 0 and value or json.null end
  if kind == "string" then return text_of(value) end
  if kind == "boolean" or value == json.null or value == json.empty_list then return value end
  return kind == "table" and table_of(value) or nil
end

--- The text of a value.
function M.text(value) return json.encode(plain(value)) end

return M
