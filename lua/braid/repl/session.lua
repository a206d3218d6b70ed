--- A session: the entries so far, with the variables and results that they made.
--
-- The session's own table holds the variables; a name that is not in it is one of Lua's globals. So
-- a variable called `type` or `table` changes nothing for Braid's own code. Outermost locals
-- outlast their entry (lasting.lua). `_` is the last result, `_1` to `_9` are the last nine results
-- with the newest first, and `_err` is the last error.

local class <const> = require "braid.class"
local columns <const> = require "braid.repl.width"
local core <const> = require "braid.core"
local errors <const> = require "braid.repl.errors"
local frames <const> = require "braid.repl.frames"
local lasting <const> = require "braid.repl.lasting"
local printing <const> = require "braid.repl.printing"
local tokens <const> = require "braid.repl.tokens"
local words <const> = require "braid.repl.words"

local Session <const> = class("Session")

local KEPT <const> = 9 -- results that `_1` to `_9` keep
local SHOWN <const> = 1000 -- entries whose lines an error can show
local TRIED <const> = 100 -- places where the last expression of an entry may begin
local LOGGED <const> = 10000 -- entries that log() can still write
Session.NAMES = {"nn", "mtl", "data", "optim", "train", "plot", "F"}

-- Makes load, loadfile and dofile run chunks with the session's variables, unless told otherwise.
local function add_loaders(env)
  local function given(...) return select("#", ...) > 0 end
  function env.load(chunk, name, mode, ...)
    return load(chunk, name, mode, given(...) and (...) or env)
  end
  function env.loadfile(path, mode, ...)
    return loadfile(path, mode, given(...) and (...) or env)
  end
  function env.dofile(path)
    local chunk <const>, message <const> = loadfile(path, nil, env)
    if not chunk then error(message, 0) end
    return chunk()
  end
end

--- Options: write(text) prints results (default: to standard output); width() returns the columns
-- of a line; lasts tells whether the outermost locals of scripts also outlast the script. Errors
-- call an entry by `word` and its number.
function Session:init(o)
  local env <const> = setmetatable({}, {__index = _G})
  self.env, self.write = env, o and o.write or function(text) io.stdout:write(text) end
  self.complain = function(text) io.stderr:write(text) end
  self.tell = function(text) print(columns.wrapped(text, self.width())) end -- prints help
  self.page = false -- {value = f(x), pictures = f(list, text, landmarks)}: show uses them
  self.word = o and o.word or "entry"
  self.lasts = o and o.lasts or false
  self.width = o and o.width or function() return core.terminal_width() or 80 end
  self.entries, self.sources, self.results = 0, {}, {}
  self.good = {} -- the entries that ran without an error
  self.serves = false -- whether a user is at the prompt
  self.asks = false -- whether a text that script() runs may have questions
  self.before = false -- before() runs before each entry
  self.held = 0 -- how many calls of debug() hold running code
  self.release = function() self.held = math.max(self.held - 1, 0) end
  self.hold = false -- hold() lets the user enter entries until release()
  self.over, self.log, self.failure, self.paused, self.frame = false, false, false, false, false
  env._G = env
  add_loaders(env)
  local braid <const> = require "braid"
  env.braid = braid
  for _, name in ipairs(Session.NAMES) do env[name] = braid[name] end
  self.commands = require "braid.repl.commands"
  for name, command in pairs(self.commands.of(self)) do env[name] = command end
  env.debug = frames.callable(self)
  self.given = {} -- the variables that were there before the first entry
  for name, value in next, env do self.given[name] = value end
end

--- Whether the name of a chunk is the name of an entry.
function Session.is_entry(place) return place:find("^entry %d+$") ~= nil end

-- ---- compiling ----------------------------------------------------------------------------

local function trimmed(text) return (text:gsub("^%s*=", "", 1)) end

-- Whether the last token is a semicolon, so that the result is not printed.
local function is_silent(text)
  local list <const> = tokens(text)
  local last = #list
  while last > 0 and list[last].kind == "comment" do last = last - 1 end
  return last > 0 and list[last].text == ";" and list[last].kind == "sign"
end

-- A chunk that returns the values of an expression. A tail call would drop the user's line from the
-- stack; the `nil` in front prevents it.
local function load_expression(before, text, name, env)
  local chunk <const> = load(before .. "return nil, " .. text, name, "t", env)
  return chunk and function(...) return select(2, chunk(...)) end
end

-- The entry with `return` before its last expression, if that begins a line or follows a semicolon.
-- Pasted text often ends with an expression. If the entry has statements, the last one may be a
-- call, which begins with a name. A line that begins otherwise may belong to the line before it.
local function with_last_returned(text, name, env, is_whole)
  local list <const>, tried = tokens(text), 0
  for i = #list, 2, -1 do
    local token <const>, previous <const> = list[i], list[i - 1]
    local between <const> = text:sub(previous.to + 1, token.from - 1)
    local begins <const> = between:find("\n", 1, true) or previous.text == ";"
    if token.depth == 0 and begins and (not is_whole or token.kind == "name") then
      tried = tried + 1
      if tried > TRIED then return nil end
      local head <const>, tail <const> = text:sub(1, token.from - 1), text:sub(token.from)
      local chunk <const> = load("return " .. tail, name, "t", env)
        and load_expression(head, tail, name, env)
      if chunk then return chunk end
    end
  end
end

--- The variables that entries see: of the session, or of the call that debug() looks at.
function Session:variables() return self.frame and self.frame.env or self.env end

--- The function of an entry; or nil, the message, and whether further lines may complete the entry.
-- The function of an expression returns its values.
function Session:compile(text, name, line)
  local env <const> = self:variables()
  local above <const> = ("\n"):rep((line or 1) - 1)
  local chunk = load_expression(above, trimmed(text), name, env)
  if chunk then return chunk, "expression" end
  local kept <const> = above .. lasting(text)
  local message
  chunk, message = load(kept, name, "t", env)
  if chunk then
    local shown <const> = with_last_returned(kept, name, env, true)
    return shown or chunk, shown and "both" or "statement"
  end
  chunk = with_last_returned(kept, name, env)
  if chunk then return chunk, "both" end
  return nil, message, message:find("<eof>$") ~= nil or message:find("near '?<eof>'?$") ~= nil
end

--- The prompt's text.
function Session:prompt()
  if self.frame then return ("call %d> "):format(self.frame.at) end
  return self.paused and "paused> " or "> "
end

--- Whether the entry needs further lines.
function Session:is_incomplete(text)
  local chunk <const>, _, open <const> = self:compile(text, "=entry")
  if chunk then return false end
  local list <const> = tokens(text)
  local last <const> = list[#list]
  if last and last.open then return not last.text:find("^[\"']") end
  return open
end

-- ---- running ------------------------------------------------------------------------------

function Session:keep(value)
  local env <const> = self.env
  table.insert(self.results, 1, value)
  self.results[KEPT + 1] = nil
  env._ = value
  for i = 1, KEPT do env["_" .. i] = self.results[i] end
end

--- The results of an entry as text.
function Session:text(values)
  local texts <const>, lines = {}, false
  for i = 1, values.n do
    texts[i] = printing.text(values[i], self.width())
    lines = lines or texts[i]:find("\n", 1, true)
  end
  return table.concat(texts, lines and "\n" or "  ")
end

--- Prints the results of an entry.
function Session:print(values) self.write(self:text(values) .. "\n") end

-- Calls f(...) so that Ctrl-C can end it. -> whether it went well, and its packed results or the
-- described error
local function guarded(f, ...)
  local results <const> = table.pack(core.interruptible(errors.caught, f, ...))
  if not results[1] then return false, errors.described(results[2]) end
  return true, table.pack(table.unpack(results, 2, results.n))
end

--- Runs a function as an entry: prints its results or its error. -> whether it went well
function Session:call(f, silent, ...)
  local fine, values = guarded(f, ...)
  local is_write <const> = fine and values.n == 1 and values[1] == io.stdout -- of io.write
  if fine and values.n > 0 then
    if values[1] ~= nil then self:keep(values[1]) end
    if not silent and not is_write then
      fine, values = guarded(function() self:print(values) end)
    end
  end
  if fine then return true end
  self:fail(values)
  return false
end

--- Prints an error that errors.caught described.
function Session:fail(failure)
  self.failure, self.env._err = failure, failure.value
  io.stdout:flush()
  if failure.message:find("interrupted!$") and core.is_terminal(0) then self.complain("\n") end
  self.complain(errors.text(failure, self.sources) .. "\n")
end

-- Keeps an entry that went well, for log().
function Session:note(text)
  local good <const> = self.good
  good[#good + 1] = text
  if #good > 2 * LOGGED then self.good = table.move(good, LOGGED + 1, #good, 1, {}) end
end

--- Runs an entry. For an entry of a file, `name` is the file's name and `line` the line where the
-- entry begins. -> whether it went well
function Session:run(text, name, line)
  if self.before then self.before() end
  if not name then
    self.entries = self.entries + 1
    name = ("%s %d"):format(self.word, self.entries)
    self.sources[name] = text
    self.sources[("%s %d"):format(self.word, self.entries - SHOWN)] = nil
  end
  local chunk <const>, kind <const> = self:compile(text, "=" .. name, line)
  if not chunk then
    self:fail(errors.of_syntax(kind))
    return false
  end
  local log <const> = self.log
  local fine <const> = self:call(chunk, is_silent(text))
  if fine then self:note(text) end
  if fine and log and self.log == log then log.put(text) end
  return fine
end

--- Runs a text from a pipe or the command line. A chunk runs as a script, an expression as at the
-- prompt. Any other text runs entry by entry, as at the prompt, until an entry fails. If the
-- session asks, entries may be questions such as nn.Conv2d? -> whether it went well
function Session:script(text, name, ...)
  text = text:gsub("^#[^\n]*", "", 1)
  self.sources[name] = text
  local expression <const> = load_expression("", trimmed(text), "=" .. name, self.env)
  if expression then return self:call(expression, is_silent(text), ...) end
  local kept <const> = self.lasts and lasting(text) or text
  local chunk <const>, message <const> = load(kept, "=" .. name, "t", self.env)
  if chunk then return self:call(chunk, true, ...) end
  if not self:is_made_of_entries(text) then
    self:fail(errors.of_syntax(message))
    return false
  end
  for _, entry in ipairs(self:split(text)) do
    local fine = nil
    if self.asks then fine = words.answer(self, entry.text) end
    if fine == nil then fine = self:run(entry.text, name, entry.line) end
    if not fine then return false end
  end
  return true
end

--- The entries in a text, as a list of {text =, line =}. An entry ends with the first line at which
-- it is complete.
function Session:split(text)
  local list <const>, entry, number = {}, nil, 0
  for line in (text .. "\n"):gmatch("(.-)\n") do
    number = number + 1
    entry = entry or {line = number}
    entry.text = entry.text and entry.text .. "\n" .. line or line
    if not entry.text:find("%S") then
      entry = nil
    elseif not self:is_incomplete(entry.text) then
      list[#list + 1], entry = entry, nil
    end
  end
  list[#list + 1] = entry
  return list
end

function Session:is_made_of_entries(text)
  for _, entry in ipairs(self:split(text)) do
    local is_entry <const> = self:compile(entry.text, "=entry")
      or self.asks and words.is_question(self, entry.text)
    if not is_entry then return false end
  end
  return true
end

return Session
