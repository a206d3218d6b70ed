--- A notebook's side of Braid: answers the kernel's requests in one session, which behaves as the
-- prompt does. Values, pictures and progress go to the page as messages (channel.lua); printed text
-- goes there at once.

local asked <const> = require "braid.jupyter.asked"
local bundle <const> = require "braid.jupyter.bundle"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local errors <const> = require "braid.repl.errors"
local html <const> = require "braid.jupyter.html"
local Past <const> = require "braid.jupyter.past"
local pause <const> = require "braid.repl.pause"
local printing <const> = require "braid.repl.printing"
local prompt <const> = require "braid.prompt"
local Session <const> = require "braid.repl.session"
local start <const> = require "braid.repl.start"
local words <const> = require "braid.repl.words"

local Notebook <const> = class("Notebook")

local COLUMNS <const> = 80

-- ---- what is shown --------------------------------------------------------------------------

-- Shows the results of a cell. Only a single result has other forms than text.
local function show_results(self, values)
  local session <const> = self.session
  if not self.cell then return end -- a paused run that ends because the user quits
  local data, metadata = {["text/plain"] = values.n > 1 and session:text(values) or nil}, nil
  if values.n == 1 then data, metadata = bundle.of(values[1]) end
  self.past:result(self.cell.count, data["text/plain"])
  self.channel:show{op = "result", data = data, metadata = metadata}
end

-- Draws a bar of progress, in place of the earlier bar of the same owner.
local function draw_bar(self, owner, share, text)
  local id = self.bars[owner]
  if not id then
    self.count = self.count + 1
    id = ("braid-%d-%d"):format(core.process_id(), self.count)
  end
  self.channel:show{op = "display", display = id, update = self.bars[owner] ~= nil,
    data = {["text/plain"] = text, ["text/html"] = html.bar(share, text)}}
  self.bars[owner] = id
end

--- A notebook over a channel. It shows results and errors in the page's forms.
function Notebook:init(channel)
  local session <const> = Session {lasts = true, word = "cell",
    width = function() return COLUMNS end}
  self.channel, self.session, self.past, self.cell = channel, session, Past(), false
  self.bars, self.count, self.failed = setmetatable({}, {__mode = "k"}), 0, false
  session.serves = true
  function session.print(_, values) show_results(self, values) end
  session.page = {
    value = function(x)
      local data <const>, metadata <const> = bundle.of(x)
      channel:show{op = "display", data = data, metadata = metadata}
    end,
    pictures = function(list, text, landmarks)
      channel:show{op = "display", data = bundle.picture(list, text, landmarks)}
    end,
  }
  function session.env.clear_output(wait) channel:show{op = "clear", wait = not not wait} end
  session.given.clear_output = session.env.clear_output
  prompt.waits = true
  function prompt.bar(owner, share, text) draw_bar(self, owner, share, text) end
  pause(session, function()
    self:finish()
    self:serve()
  end)
  start.config(session)
  function session.complain(text) self.failed = text end
end

-- ---- requests -------------------------------------------------------------------------------

local function lines_of(text)
  local lines <const> = {}
  for line in text:gsub("\n$", ""):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

-- The report of an error.
local function error_of(failure, text)
  return {name = failure.message:find("interrupted!$") and "KeyboardInterrupt" or "Error",
    value = failure.message, lines = lines_of(text)}
end

-- The values of expressions by name, as texts or errors.
local function values_of(session, expressions)
  local values <const> = {}
  for name, text in pairs(expressions) do
    local chunk <const>, kind <const> = session:compile(text, "=" .. name)
    if chunk and kind == "expression" then
      local fine <const>, value <const> = core.interruptible(errors.caught, chunk)
      values[name] = fine and {text = printing.text(value, COLUMNS)}
        or {error = error_of(errors.described(value), errors.described(value).message)}
    else
      values[name] = {error = error_of(errors.of_syntax("no expression"), "no expression")}
    end
  end
  return values
end

--- Tells the kernel that the current cell is done.
function Notebook:finish()
  local session <const>, cell <const> = self.session, self.cell
  if not cell then return end
  self.cell = false
  local failed <const> = self.failed and error_of(session.failure, self.failed)
  local values <const> = not failed and values_of(session, cell.expressions or {}) or {}
  self.channel:put{op = "done", id = cell.id, failed = failed or nil, page = cell.page,
    values = values, over = session.over and true or nil}
end

-- Runs a cell. If it continues a paused run, the cell is done only when that run ends or pauses
-- again.
local function execute(self, request)
  local session <const>, text <const> = self.session, request.code
  self.cell, self.failed = request, false
  session.entries = request.count - 1 -- the page numbers the cells
  if request.store then self.past:add(request.count, text) end
  local name <const> = words.asked(text)
  if name then
    request.page = asked.help(session, name)
  elseif text:find("%S") and not words.run(session, text) then
    session:run(text)
  end
end

local ANSWERS <const> = {
  complete = function(self, request) return asked.complete(self.session, request) end,
  inspect = function(self, request) return asked.inspect(self.session, request) end,
  is_complete = function(self, request) return asked.is_complete(self.session, request) end,
  history = function(self, request) return {rows = self.past:find(request)} end,
}

-- Answers a request of any kind but that to execute a cell.
local function answer(self, request)
  local make <const> = ANSWERS[request.op]
  local fine <const>, made <const> = pcall(make or error, self, request)
  local message <const> = fine and made or {failure = tostring(made)}
  message.op, message.id = "done", request.id
  self.channel:put(message)
end

--- Answers requests until the kernel is gone or the user quits, or a paused run continues.
function Notebook:serve()
  local session <const> = self.session
  local paused <const> = session.paused
  while session.paused == paused and not session.over do
    local request <const> = self.channel:request()
    if not request then
      session.over = true
    elseif request.op == "execute" then
      execute(self, request)
      if session.paused == paused then self:finish() end
    else
      answer(self, request)
    end
  end
  if paused and session.over then session.paused = "stop" end
end

return Notebook
