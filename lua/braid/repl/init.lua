--- The prompt: reads entries and runs them in a session, until the user leaves.

local core <const> = require "braid.core"
local start <const> = require "braid.repl.start"
local words <const> = require "braid.repl.words"

-- Reads plain lines, if there is no terminal or the terminal cannot edit.
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

-- Reads and runs entries until the user leaves, or lets interrupted work go on: a paused training,
-- or a call that debug() holds. At the end of the input it calls leave().
local function serve(session, read, leave)
  local paused <const>, held <const> = session.paused, session.held
  while not session.over and session.paused == paused and session.held == held do
    local text <const> = read()
    if not text then
      leave()
    elseif text:find("%S") and not words.run(session, text) then
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
  require "braid.repl.pause" (session, function()
    serve(session, read, function() session.paused = "stop" end)
  end)
  function session.hold()
    session.held = session.held + 1
    serve(session, read, session.release)
  end
  print(start.greeting())
  start.config(session)
  if first then first() end
  serve(session, read, function() session.over = true end)
  return type(session.over) == "number" and session.over or 0
end
