--- Values as JSON for other programs, always one line of UTF-8: NaN and the infinities are null, a
-- byte that is no UTF-8 is the character of its number, and what JSON has no form for is left out.

local core <const> = require "braid.core"
local json <const> = require "braid.io.json"

local M <const> = {}

local function text_of(text)
  if utf8.len(text) then return text end
  return (text:gsub("[\x80-\xff]", function(c) return utf8.char(c:byte()) end))
end

local plain

-- Fields that are lists where they are empty, too.
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
