--- tokens(text): the tokens of Lua source, which may be unfinished or wrong, as a list of
-- {kind, from, to, text, depth}. kind is "name", "keyword", "number", "string", "comment" or
-- "sign". A string or comment without an end has `open`. depth is the number of blocks and brackets
-- around the token.

local KEYWORDS <const> = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
  return then true until while]]):gmatch("%a+") do
  KEYWORDS[word] = true
end

local SIGNS <const> = {"...", "<<", ">>", "//", "==", "~=", "<=", ">=", "::", ".."}

-- The end of the long bracket that begins at `from`, and whether its closing mark is missing; nil
-- if no long bracket begins there.
local function long_bracket(text, from)
  local level <const> = text:match("^%[(=*)%[", from)
  if not level then return nil end
  local _, to <const> = text:find("]" .. level .. "]", from + 2 + #level, true)
  return to or #text, not to
end

local function quoted(text, from)
  local quote <const>, at = text:sub(from, from), from + 1
  while at <= #text do
    local c <const> = text:sub(at, at)
    if c == quote then return at end
    if c == "\n" then return at - 1, true end
    if c == "\\" and text:find("^z%s", at + 1) then
      at = text:match("^z%s*()", at + 1)
    else
      at = at + (c == "\\" and 2 or 1)
    end
  end
  return #text, true
end

local function comment(text, from)
  local to <const>, open <const> = long_bracket(text, from + 2)
  if to then return to, open end
  return (text:find("\n", from, true) or #text + 1) - 1
end

local function number_end(text, at)
  local hex <const> = text:match("^0[xX][%x.]*()", at)
  if hex then return (text:match("^[pP][+-]?%x*()", hex) or hex) - 1 end
  local plain <const> = text:match("^[%d.]+()", at)
  return (text:match("^[eE][+-]?%d*()", plain) or plain) - 1
end

-- The token at a byte: its kind, its last byte, and whether its end is missing.
local function token_at(text, at)
  local c <const> = text:sub(at, at)
  local word_end <const> = text:match("^[%a_][%w_]*()", at)
  if word_end then
    return KEYWORDS[text:sub(at, word_end - 1)] and "keyword" or "name", word_end - 1
  end
  if text:find("^%.?%d", at) then return "number", number_end(text, at) end
  if c == '"' or c == "'" then return "string", quoted(text, at) end
  if text:find("^%-%-", at) then return "comment", comment(text, at) end
  if c == "[" then
    local to <const>, open <const> = long_bracket(text, at)
    if to then return "string", to, open end
  end
  for _, sign in ipairs(SIGNS) do
    if text:sub(at, at + #sign - 1) == sign then return "sign", at + #sign - 1 end
  end
  return "sign", at
end

local OPENS <const> = {["("] = true, ["["] = true, ["{"] = true, ["function"] = true,
  ["if"] = true, ["do"] = true, ["repeat"] = true}
local CLOSES <const> = {[")"] = true, ["]"] = true, ["}"] = true, ["end"] = true,
  ["until"] = true}

return function(text)
  local list <const>, at, depth = {}, 1, 0
  while true do
    at = text:find("%S", at)
    if not at then return list end
    local kind <const>, to <const>, open <const> = token_at(text, at)
    local token <const> = {kind = kind, from = at, to = to, text = text:sub(at, to), open = open}
    local is_code <const> = kind == "keyword" or kind == "sign"
    if is_code and CLOSES[token.text] then depth = depth - 1 end
    token.depth = depth
    if is_code and OPENS[token.text] then depth = depth + 1 end
    list[#list + 1] = token
    at = to + 1
  end
end
