--- The colours of an entry: {from, to, style} for each token, and for the bracket at the cursor and
-- its partner.

local tokens <const> = require "braid.repl.tokens"

local M <const> = {}

local LONGEST <const> = 20000 -- bytes; longer entries have no colours

--- Escape sequences by style. A terminal without colours gets none.
M.STYLES = {keyword = "\27[35m", string = "\27[32m", number = "\27[36m", comment = "\27[2m",
  bracket = "\27[1;4m", hint = "\27[90m", error = "\27[31m", prompt = "\27[1;34m"}

local PARTNER <const> = {["("] = ")", ["["] = "]", ["{"] = "}"}

-- The numbers of two tokens: the bracket at a byte, and its partner. nil if there is no such pair.
local function pair_at(list, at)
  local stack <const> = {}
  for i, token in ipairs(list) do
    if token.kind == "sign" and PARTNER[token.text] then
      stack[#stack + 1] = i
    elseif token.kind == "sign" and (token.text:find("^[%)%]}]$")) then
      local open <const> = table.remove(stack)
      local fits <const> = open and PARTNER[list[open].text] == token.text
      if fits and (list[open].from == at or token.from == at) then return open, i end
    end
  end
end

--- Whether colours are wanted.
function M.wanted()
  local no <const>, term <const> = os.getenv("NO_COLOR"), os.getenv("TERM")
  return not (no and no ~= "") and term ~= nil and term ~= "dumb"
end

--- The spans of a text with the cursor before the byte `at`, in order.
function M.spans(text, at)
  local spans <const> = {}
  if #text > LONGEST then return spans end
  local list <const> = tokens(text)
  local open, close = pair_at(list, at)
  if not open then open, close = pair_at(list, at - 1) end
  for i, token in ipairs(list) do
    local style <const> = (i == open or i == close) and "bracket" or token.kind
    if M.STYLES[style] then spans[#spans + 1] = {token.from, token.to, style} end
  end
  return spans
end

return M
