--- Reads settings in an argument: "width=0.5 norm activation=ReLU groups={face={landmarks, pose}}".
--
-- A value is a number, true or false (yes and no), a word, a text in quotes, or a table in braces.
-- A name without a value is true.

local check <const> = require "braid.check"

local M <const> = {}

local WORDS <const> = {yes = true, ["true"] = true, no = false, ["false"] = false}
local UNITS <const> = {k = 1000, M = 1000000}

local function fail(option, text, at)
  check.fail("--%s must be settings such as \"width=0.5 norm names={a, b}\"; what is wrong begins "
    .. "at '%s'", option, text:sub(at, at + 20))
end

-- The value that a word stands for: a number, true or false (yes and no), or the word itself.
local function value_of(word)
  if WORDS[word] ~= nil then return WORDS[word] end
  local digits <const>, unit <const> = word:match("^([%d.]+)([kM])$")
  local number <const> = tonumber(digits or word)
  if not number or word:find("[xXnN]") then return word end
  local scaled <const> = number * (UNITS[unit] or 1)
  return digits and math.tointeger(scaled) or scaled
end

local items

-- Reads a word, a quoted text or a table at a place in the text. Returns it and the place after
-- it.
local function value_at(option, text, at)
  local first <const> = text:sub(at, at)
  if first == "{" then return items(option, text, at + 1, true) end
  if first == '"' or first == "'" then
    local inner <const>, behind <const> = text:match("^(.-)" .. first .. "()", at + 1)
    if not inner then fail(option, text, at) end
    return inner, behind
  end
  local word <const> = text:match("^[^%s,{}=\"']+", at)
  if not word then fail(option, text, at) end
  return value_of(word), at + #word
end

-- Reads NAME=VALUE items up to the end. Inside a table an item may also be a VALUE without a name;
-- outside a table, a NAME without a value means true.
function items(option, text, at, inside)
  local result <const> = {}
  while true do
    at = text:match("^[%s,]*()", at)
    if at > #text and not inside then return result, at end
    if inside and text:sub(at, at) == "}" then return result, at + 1 end
    local name <const>, behind <const> = text:match("^([%a_][%w_.]*)=()", at)
    local flag <const> = not inside and text:match("^[%a_][%w_]*%f[%s,%z]", at)
    if name then
      if result[name] ~= nil then fail(option, text, at) end
      result[name], at = value_at(option, text, behind)
    elseif flag then
      result[flag], at = true, at + #flag
    elseif inside then
      result[#result + 1], at = value_at(option, text, at)
    else
      fail(option, text, at)
    end
  end
end

--- The list in a text of tables, "{epochs=5 train=shared} {epochs=5}", or of words, "a b".
function M.list(option, text)
  local list <const>, at <const> = items(option, text .. "}", 1, true)
  if at <= #text + 1 then fail(option, text, at - 1) end
  for key in pairs(list) do
    if math.type(key) ~= "integer" then fail(option, text, text:find(key, 1, true)) end
  end
  return list
end

--- The first word of a text and the settings after it: "gradnorm alpha=1.5".
function M.named(option, text)
  local name <const>, rest <const> = text:match("^%s*([%a_][%w_]*)%f[%s,%z]%s*(.*)$")
  if not name then fail(option, text, 1) end
  return name, M.read(option, rest)
end

--- A value as text that reads back as the value.
function M.text(value, inside)
  if type(value) == "boolean" then return value and "yes" or "no" end
  if type(value) == "string" then
    local plain <const> = value:find("^[^%s,{}=\"']+$") and value_of(value) == value
    return (plain or not inside) and value or (value:find('"') and "'%s'" or '"%s"'):format(value)
  end
  if type(value) ~= "table" then return tostring(value) end
  local words <const> = {}
  for _, v in ipairs(value) do words[#words + 1] = M.text(v, true) end
  for _, key in ipairs(check.sorted_keys(value)) do
    if value[key] ~= nil then words[#words + 1] = key .. "=" .. M.text(value[key], true) end
  end
  local text <const> = table.concat(words, " ")
  return inside and "{" .. text .. "}" or text
end

--- The settings in a text, as a table. `option` is the name of the argument, for messages.
function M.read(option, text) return (items(option, text or "", 1, false)) end

return setmetatable(M, {__call = function(_, option, text) return M.read(option, text) end})
