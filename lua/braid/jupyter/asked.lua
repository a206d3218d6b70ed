--- Answers a notebook's questions about code without running it: completions, help on the name at
-- the cursor, and whether a cell is complete. Places are bytes, from 1.

local calls <const> = require "braid.repl.calls"
local check <const> = require "braid.check"
local code <const> = require "braid.repl.code"
local completion <const> = require "braid.repl.completion"
local indent <const> = require "braid.repl.indent"
local lookup <const> = require "braid.repl.lookup"
local tokens <const> = require "braid.repl.tokens"
local words <const> = require "braid.repl.words"

local M <const> = {}

local NEAR <const> = 20000 -- bytes before the cursor that are looked at

-- The text before a place, from the beginning of a line at most NEAR bytes before it; and how many
-- bytes of the text come before that.
local function near(text, at)
  if at <= NEAR then return text:sub(1, at - 1), 0 end
  local from <const> = text:find("\n", at - NEAR, true) or at
  return text:sub(from, at - 1), from - 1
end

--- The completions at a place.
function M.complete(session, request)
  local before <const>, cut <const> = near(request.code, request.at)
  local found <const> = completion.find(session, before, #before + 1)
  local texts <const>, said <const> = {}, {}
  for i, item in ipairs(found.items) do texts[i], said[i] = item.text, item.said or "" end
  return {from = found.from + cut, texts = texts, said = said}
end

-- The chain of names that the cursor is in or after, otherwise the chain of the call around it.
local function chain_at(session, text, at)
  local stop <const> = text:match("^[%w_]*()", at)
  local before <const> = near(text, stop)
  local list <const> = {}
  for _, token in ipairs(tokens(before)) do
    if token.kind ~= "comment" then list[#list + 1] = token end
  end
  if list[#list] and list[#list].text == "(" then list[#list] = nil end
  local own <const> = list[#list] and list[#list].kind == "name" and calls.chain_at(list, #list)
  if own and (calls.value_of(session, own) ~= nil or #lookup.exact(own) > 0) then return own end
  local inside <const> = near(text, at)
  local open <const> = calls.open_at(inside, #inside + 1)
  local call <const> = open and calls.called(session, open)
  return call and call.chain
end

--- The text of help about a name.
function M.help(session, name)
  local lines <const>, tell <const> = {}, session.tell
  session.tell = function(text) lines[#lines + 1] = text end
  local fine <const>, why <const> = check.caught(session.given.help, name)
  session.tell = tell
  return fine and table.concat(lines, "\n\n") or why
end

--- Help on what is at a place; its code too if request.detail is above 0.
function M.inspect(session, request)
  local chain <const> = chain_at(session, request.code, request.at)
  if not chain then return {} end
  local text = M.help(session, table.concat(chain, "."))
  local value <const> = request.detail > 0 and calls.value_of(session, chain)
  if value then
    local lines <const>, place <const> = code.of(value, session.sources)
    text = text .. "\n\n" .. place .. "\n" .. table.concat(lines, "\n")
  end
  return {text = text}
end

--- Whether a cell is "complete", "incomplete" (and how the next line is indented), or "invalid".
function M.is_complete(session, request)
  local text <const> = request.code
  if not text:find("%S") or words.is(session, text) then return {status = "complete"} end
  if session:is_incomplete(text) then return {status = "incomplete", indent = indent.of(text)} end
  return {status = session:compile(text, "=cell") and "complete" or "invalid"}
end

return M
