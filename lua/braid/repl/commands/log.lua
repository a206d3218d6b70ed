--- log(path): writes past and future entries to a script; log() ends it.

local check <const> = require "braid.check"
local tokens <const> = require "braid.repl.tokens"

-- Whether an entry calls a function that only the prompt has.
local function is_the_prompts(session, text)
  local list <const> = tokens(text)
  for i, token in ipairs(list) do
    local before <const> = list[i - 1] and list[i - 1].text
    local own <const> = session.commands.has(token.text) or token.text == "debug"
    if token.kind == "name" and own and before ~= "." and before ~= ":"
      and session.env[token.text] == session.given[token.text] then
      return true
    end
  end
  return false
end

-- The entry as a line of the script. An expression is printed, as at the prompt.
local function as_script(text)
  if load(text, "=entry", "t", {}) then return text .. "\n" end
  return ("print(%s)\n"):format((text:gsub("^%s*=", ""):gsub(";%s*$", "")))
end

return function(session, path)
  if session.log then session.log.file:close() end
  session.log = false
  if path == nil then return end
  local exists <close> = io.open(path)
  if exists then check.fail("log: %s already exists; choose another name", path) end
  local file <const>, message <const> = io.open(path, "w")
  if not file then check.fail("log: cannot write %s", message) end
  file:write('local braid <const> = require "braid"\n')
  for _, name in ipairs(session.NAMES) do
    file:write(("local %s <const> = braid.%s\n"):format(name, name))
  end
  local function put(text)
    if is_the_prompts(session, text) then return end
    file:write(as_script(text))
    file:flush()
  end
  for _, text in ipairs(session.good) do put(text) end
  session.log = {file = file, put = put}
end
