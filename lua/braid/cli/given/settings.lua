--- Reads settings in an argument: "width=0.5 norm activation=ReLU groups={face={landmarks, pose}}".

local check <const> = require "braid.check"

local WORDS <const> = {yes = true, ["true"] = true, no = false, ["false"] = false}

local function fail(option, text, at)
  check.fail("--%s must be settings such as \"width=0.5 norm names={a, b}\"; what is wrong begins "
    .. "at '%s'", option, text:sub(at, at + 20))
end

-- The value that a word stands for: a number, true or false (yes and no), or the word itself.
local function value_of(word)
  if WORDS[word] ~= nil then return WORDS[word] end
  return tonumber(word) or word
end

local items

-- Reads a word or a table at a place in the text. Returns it and the place after it.
local function value_at(option, text, at)
  if text:sub(at, at) == "{" then return items(option, text, at + 1, true) end
  local word <const> = text:match("^[^%s,{}=]+", at)
  if not word then fail(option, text, at) end
  return value_of(word), at + #word
end

-- Reads NAME=VALUE items, and inside a table also VALUE alone, up to the end. Outside a table, NAME
-- alone means true.
function items(option, text, at, inside)
  local result <const> = {}
  while true do
    at = text:match("^[%s,]*()", at)
    if at > #text and not inside then return result, at end
    if inside and text:sub(at, at) == "}" then return result, at + 1 end
    local name <const>, behind <const> = text:match("^([%a_][%w_]*)=()", at)
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

--- The settings in a text, as a table. `option` is the name of the argument, for messages.
return function(option, text) return (items(option, text or "", 1, false)) end
