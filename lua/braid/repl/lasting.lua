--- lasting(text): rewrites an entry so that its outermost locals outlast it. In Lua they would end
-- with the entry, so the prompt makes them its own variables. `local x <const> = 1` becomes `x =
-- 1`, and every token stays at its byte; `local x` becomes `x = nil`. A <close> variable stays
-- local and is closed at the end of the entry.

local tokens <const> = require "braid.repl.tokens"

local function code_of(text)
  local list <const> = {}
  for _, token in ipairs(tokens(text)) do
    if token.kind ~= "comment" then list[#list + 1] = token end
  end
  return list
end

-- Reads the names after the `local` at token i. Returns the places of their attributes' tokens, and
-- the number of the token after the names; nil if a name is <close> or this is not a list of names.
local function names_at(code, i)
  local attributes <const>, at = {}, i + 1
  while true do
    if not code[at] or code[at].kind ~= "name" then return nil end
    at = at + 1
    if code[at] and code[at].text == "<" then
      local close <const> = code[at + 2]
      if not close or close.text ~= ">" or code[at + 1].text == "close" then return nil end
      attributes[#attributes + 1] = {code[at].from, close.to}
      at = at + 3
    end
    if not code[at] or code[at].text ~= "," then return attributes, at end
    at = at + 1
  end
end

local function blank(text, from, to)
  return text:sub(1, from - 1) .. text:sub(from, to):gsub("[^\n]", " ") .. text:sub(to + 1)
end

-- Replaces the keyword and the attributes of one local statement by blanks.
local function rewritten(text, code, i)
  local keyword <const> = code[i]
  if code[i + 1] and code[i + 1].text == "function" then
    return blank(text, keyword.from, keyword.to)
  end
  local attributes <const>, behind <const> = names_at(code, i)
  if not attributes then return text end
  if not code[behind] or code[behind].text ~= "=" then
    local to <const> = code[behind - 1].to
    text = text:sub(1, to) .. " = nil" .. text:sub(to + 1)
  end
  for _, place in ipairs(attributes) do text = blank(text, place[1], place[2]) end
  return blank(text, keyword.from, keyword.to)
end

return function(text)
  local code <const> = code_of(text)
  for i = #code, 1, -1 do
    local token <const> = code[i]
    if token.depth == 0 and token.kind == "keyword" and token.text == "local" then
      text = rewritten(text, code, i)
    end
  end
  return text
end
