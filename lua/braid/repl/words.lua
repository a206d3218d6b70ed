--- Entries that are words of the prompt instead of Lua: quit, help, ?, :trace, name? and ?name. In
-- place of the name there may be any expression, whose value is explained, such as nn.ReLU()?

local M <const> = {}

local WORDS <const> = {
  [":trace"] = function(session)
    local failure <const> = session.failure
    session.tell(failure and failure.message .. "\n" .. (failure.trace or "")
      or "nothing failed so far")
  end,
  quit = function(session) session.over = true end,
  help = function(session) session.env.help() end,
}
WORDS.exit, WORDS["?"] = WORDS.quit, WORDS.help

--- The name that an entry such as conv2d? or ?conv2d asks about, or nil.
function M.asked(text)
  return text:match("^%s*%?%s*([%w_.:]+)%s*$") or text:match("^%s*([%w_.:]+)%s*%?%s*$")
end

-- The function that gives the value of an expression such as f(x), if the entry asks about one. An
-- entry that is valid Lua asks about nothing: f(x) -- right?
local function asked_value(session, text)
  if load(text) or load("return " .. text) then return nil end
  local code <const> = text:match("^%s*%?(.*%S)%s*$") or text:match("^%s*(.*%S)%s*%?%s*$")
  return code and load("return " .. code, "=entry", "t", session:variables())
end

-- The function of an entry that is a word, unless the user has a variable of that name.
local function act_of(session, text)
  local word <const> = text:match("^%s*([:?]?%a*)%s*$")
  local act <const> = word and WORDS[word]
  return act and session.env[word] == session.given[word] and act or nil
end

--- Whether an entry is such a word.
function M.is(session, text)
  return (M.asked(text) or act_of(session, text) or asked_value(session, text)) ~= nil
end

--- Whether an entry is a question: name?, ?name, nn.ReLU()?
function M.is_question(session, text)
  return (M.asked(text) or asked_value(session, text)) ~= nil
end

--- Answers a question. -> whether that went well; nil if the entry is none
function M.answer(session, text)
  local asked <const> = M.asked(text)
  if asked then return session:call(function() session.env.help(asked) end) end
  local value_of <const> = asked_value(session, text)
  return value_of and session:call(function() session.env.help((value_of())) end)
end

--- Does what the entry asks for. -> whether the entry is such a word
function M.run(session, text)
  local act <const> = act_of(session, text)
  if act then
    act(session)
    return true
  end
  return M.answer(session, text) ~= nil
end

return M
