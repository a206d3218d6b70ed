--- The prompt: reads entries and runs them in a session, until the user leaves.

local core <const> = require "braid.core"

-- Entries that are words of the prompt instead of Lua.
local WORDS <const> = {
  [":trace"] = function(session)
    local failure <const> = session.failure
    print(failure and failure.message .. "\n" .. (failure.trace or "") or "nothing failed so far")
  end,
  quit = function(session) session.over = true end,
  help = function(session) session.env.help() end,
}
WORDS.exit = WORDS.quit

-- Handles an entry that is such a word, unless the user has a variable of that name.
local function is_word(session, text)
  local asked <const> = text:match("^%s*%?%s*([%w_.:]+)%s*$") or text:match("^%s*([%w_.:]+)%?%s*$")
  if asked then
    session:call(function() session.env.help(asked) end)
    return true
  end
  local word <const> = text:match("^%s*(:?%a+)%s*$")
  local act <const> = word and WORDS[word]
  if not act or session.env[word] ~= session.given[word] then return false end
  act(session)
  return true
end

local function greet()
  print(("Braid %s  %d thread%s  %s  help tells more"):format(require "braid.version",
    core.get_threads(), core.get_threads() == 1 and "" or "s", core.isa()))
end

-- Runs the user's start file. Its errors are shown, and the prompt goes on.
local function run_config(session)
  local home <const> = os.getenv("XDG_CONFIG_HOME")
    or os.getenv("HOME") and os.getenv("HOME") .. "/.config"
  local path <const> = home and home .. "/braid/init.lua"
  local file <close> = path and io.open(path) or nil
  if file then session:script(file:read("a"), path) end
end

-- Reads plain lines, if there is no terminal or only one that cannot edit.
local function plain_reader(session)
  return function()
    local entry
    while true do
      io.write(entry and ">> " or session:prompt())
      io.flush()
      local line <const> = io.read("l")
      if not line then return entry end
      entry = entry and entry .. "\n" .. line or line
      if not session:is_incomplete(entry) then return entry end
    end
  end
end

-- Entries from a line editor.
local function edited_reader(session)
  local editor <const> = require "braid.repl.editor"(session)
  return function() return editor:read() end
end

local function can_edit()
  local term <const> = os.getenv("TERM")
  return core.is_terminal(0) and core.is_terminal(1) and term and term ~= "dumb"
end

-- Reads and runs entries until the user leaves or continues a paused run.
local function serve(session, read)
  local paused <const> = session.paused
  while not session.over and session.paused == paused do
    local text <const> = read()
    if not text then
      if paused then session.paused = "stop" else session.over = true end
    elseif text:find("%S") and not is_word(session, text) then
      session:run(text)
    end
  end
end

--- Serves the user until they leave. first(), if given, runs before the first entry, as part of the
-- session. -> the exit status
return function(session, first)
  session.lasts, session.serves = true, true
  core.ignore_interrupts()
  require "braid.repl.interrupts"
  local read <const> = can_edit() and edited_reader(session) or plain_reader(session)
  require "braid.repl.pause" (session, function() serve(session, read) end)
  greet()
  run_config(session)
  if first then first() end
  serve(session, read)
  return type(session.over) == "number" and session.over or 0
end
