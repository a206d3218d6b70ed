--- The text of a value in a message. It is short, and the same for every NaN.

local core <const> = require "braid.core"

local MAX_CHARACTERS <const> = 40 -- characters of a string

local function of_number(v)
  if v ~= v then return "nan" end -- regardless of its sign
  return tostring(v)
end

local ESCAPES <const> = {["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r"}

local function of_string(v)
  if #v > MAX_CHARACTERS then v = v:sub(1, MAX_CHARACTERS) .. "..." end
  return '"' .. v:gsub("%c", function(c) return ESCAPES[c] or "?" end) .. '"'
end

local shown

-- The text of a short table: {3, 3, 9}.
local function of_table(v)
  local meta <const> = getmetatable(v)
  if type(meta) == "table" and type(meta.__name) == "string" then
    return (meta.__name:find("^[AEIOUaeiou]") and "an " or "a ") .. meta.__name
  end
  local words <const> = {}
  for i = 1, math.min(#v, 5) do
    local word <const> = v[i]
    if type(word) == "table" then return "a table" end
    words[i] = shown(word)
  end
  if #v > 4 then words[5] = "..." end
  if #v == 0 then return next(v) == nil and "{}" or "a table" end
  return "{" .. table.concat(words, ", ") .. "}"
end

function shown(v)
  local kind <const> = type(v)
  if kind == "number" then return of_number(v) end
  if kind == "string" then return of_string(v) end
  if kind == "nil" or kind == "boolean" then return tostring(v) end
  if core.is_tensor(v) then return ("a tensor (%s)"):format(table.concat(v.shape, ", ")) end
  if kind == "table" then return of_table(v) end
  return "a " .. kind
end

return shown
