--- The line editor: applies keys to a buffer and draws it, until the entry is complete.

local Buffer <const> = require "braid.repl.buffer"
local class <const> = require "braid.class"
local colours <const> = require "braid.repl.colours"
local completion <const> = require "braid.repl.completion"
local core <const> = require "braid.core"
local History <const> = require "braid.repl.history"
local indent <const> = require "braid.repl.indent"
local keys <const> = require "braid.repl.keys"
local Screen <const> = require "braid.repl.screen"
local search <const> = require "braid.repl.search"

local Editor <const> = class("Editor")

local MORE <const> = ". "
local PATIENCE <const> = 0.05 -- seconds to wait for the rest of a key
local PASTE_WAIT <const> = 2 -- seconds to wait for more of a paste
local SHOWN <const> = 4000 -- bytes on each side of the cursor that a very long entry shows
local LONGEST <const> = 20000 -- bytes; longer entries get no hints

--- o.read(seconds) returns bytes, as core.terminal_read does.
function Editor:init(session, o)
  o = o or {}
  self.session, self.history = session, o.history or History()
  self.screen, self.read_bytes = o.screen or Screen(), o.read or core.terminal_read
  self.pending, self.kills = "", {}
  self.below, self.hint, self.listed = false, false, false
end

-- ---- keys ---------------------------------------------------------------------------------

-- Reads the rest of a paste. It may be long, so its pieces are joined only once.
function Editor:rest_of_paste()
  local parts <const>, tail = {self.pending}, self.pending:sub(-#keys.PASTE_ENDS)
  while not tail:find(keys.PASTE_ENDS, 1, true) do
    local bytes <const>, why <const> = self.read_bytes(PASTE_WAIT)
    if not bytes and why ~= "change" then break end
    parts[#parts + 1] = bytes
    tail = (tail .. (bytes or "")):sub(-#keys.PASTE_ENDS - (bytes and #bytes or 0))
  end
  self.pending = table.concat(parts)
  if not self.pending:find(keys.PASTE_ENDS, 1, true) then
    self.pending = self.pending .. keys.PASTE_ENDS -- the end of the paste was lost
  end
end

-- The next key and its text. "change" asks for a new drawing; "end" means that input has ended.
function Editor:key()
  while true do
    local name, rest <const>, text <const> = keys.next(self.pending, true)
    if not name and keys.is_paste(self.pending) then
      self:rest_of_paste()
    elseif name then
      self.pending = rest
      return name, text
    end
    local key <const>, typed <const> = self:more()
    if key then return key, typed end
  end
end

-- Reads more bytes. If none come, it returns the key that the bytes so far mean.
function Editor:more()
  local bytes <const>, why <const> = self.read_bytes(self.pending == "" and -1 or PATIENCE)
  if bytes then
    self.pending = self.pending .. bytes
  elseif why == "time" then
    local torn <const>, behind <const>, text <const> = keys.next(self.pending, false)
    self.pending = torn and behind or ""
    return torn, text
  else
    return why
  end
end

-- ---- showing ------------------------------------------------------------------------------

-- The grey hint: the rest of the newest entry that begins with this text.
function Editor:hint_of(buffer)
  if not self.screen.colours or buffer.at <= #buffer.text or #buffer.text > LONGEST then
    return nil
  end
  if not buffer.text:find("%S") then return nil end
  local entry <const> = self.history:beginning(buffer.text)
  return entry and entry:sub(#buffer.text + 1)
end

-- The part of a very long entry that is shown, and the cursor's place in it.
local function around(buffer)
  local text <const>, at <const> = buffer.text, buffer.at
  if #text <= LONGEST then return text, at end
  local from = math.max(1, at - SHOWN)
  from = text:find("\n", from, true) and from > 1 and from < at
    and math.min(text:find("\n", from, true) + 1, at) or from
  return text:sub(from, at + SHOWN), at - from + 1
end

function Editor:view(buffer)
  local below = self.listed
  if not below and #buffer.text <= LONGEST then
    local signature <const> = completion.signature(self.session, buffer.text, buffer.at)
    below = signature and {signature}
  end
  self.hint = self:hint_of(buffer) or false
  local text <const>, at <const> = around(buffer)
  return {prompt = self.session:prompt(), more = MORE, text = text, at = at,
    spans = self.screen.colours and colours.spans(text, at),
    hint = self.hint and self.hint:match("^[^\n]*"), below = below}
end

function Editor:final_view(buffer)
  local text <const> = #buffer.text <= LONGEST and buffer.text
    or ("%s ... (%d bytes)"):format(buffer.text:sub(1, SHOWN), #buffer.text)
  return {prompt = self.session:prompt(), more = MORE, text = text,
    spans = self.screen.colours and colours.spans(text, -1)}
end

-- ---- what keys do -------------------------------------------------------------------------

local DO <const> = {}

local function plain(method) return function(_, buffer) buffer[method](buffer) end end

for key, method in pairs{["C-b"] = "left", Left = "left", ["M-b"] = "word_left",
  ["C-Left"] = "word_left", ["M-Left"] = "word_left", ["C-a"] = "home", Home = "home",
  ["C-Home"] = "top", ["M-<"] = "top", ["C-End"] = "bottom", ["M->"] = "bottom",
  Delete = "delete", Backspace = "backspace", ["C-k"] = "kill_line", ["C-u"] = "kill_to_start",
  ["C-w"] = "kill_blank", ["M-d"] = "kill_word_right", ["M-Backspace"] = "kill_word_left",
  ["C-y"] = "yank", ["M-y"] = "yank_before", ["C-t"] = "swap", ["C-_"] = "undo"} do
  DO[key] = plain(method)
end

-- At the end of the entry, moves to the right accept the hint.
local function right(method, piece)
  return function(self, buffer)
    if self.hint and buffer.at > #buffer.text then
      buffer:insert(self.hint:match(piece))
    else
      buffer[method](buffer)
    end
  end
end

DO["C-f"], DO.Right = right("right", "^.*"), right("right", "^.*")
DO["C-e"], DO.End = right("to_end", "^.*"), right("to_end", "^.*")
DO["M-f"], DO["C-Right"] = right("word_right", "^%W*%w*"), right("word_right", "^%W*%w*")
DO["M-Right"] = DO["M-f"]

-- Goes `by` entries forward in the history.
local function recall(self, buffer, by)
  local entries <const> = self.history.entries
  local to <const> = self.place + by
  if to < 1 or to > #entries + 1 then return end
  self.edited[self.place] = buffer.text
  self.place = to
  local text <const> = self.edited[to] or entries[to] or ""
  buffer:set(text)
  if by > 0 then
    buffer.at = buffer:line_end(1)
    if not text:find("\n", 1, true) then buffer.at = #text + 1 end
  end
end

function DO.Up(self, buffer) if not buffer:up() then recall(self, buffer, -1) end end
function DO.Down(self, buffer) if not buffer:down() then recall(self, buffer, 1) end end
DO["C-p"], DO["C-n"] = DO.Up, DO.Down
function DO.PageUp(self, buffer) recall(self, buffer, -1) end
function DO.PageDown(self, buffer) recall(self, buffer, 1) end

function DO.text(_, buffer, text)
  buffer:insert(text)
  indent.closed(buffer)
end

function DO.paste(_, buffer, text) buffer:insert(text) end

-- Begins a new line. Its indentation depends on the blocks and brackets that are open.
local function new_line(buffer)
  buffer:insert("\n" .. indent.of(buffer.text:sub(1, buffer.at - 1)))
end

DO["M-Enter"] = function(_, buffer) new_line(buffer) end

function DO.Enter(self, buffer)
  if self.session:is_incomplete(buffer.text) then
    new_line(buffer)
  else
    return "entry"
  end
end

DO["C-d"] = function(_, buffer)
  if buffer.text == "" then return "end" end
  buffer:delete()
end

DO["C-c"] = function() return "cancel" end
DO["C-l"] = function(self) self.screen:clear() end
DO["C-r"] = function(self, buffer) return search.run(self, buffer) end

DO["C-z"] = function(self, buffer)
  self.screen:finish(self:final_view(buffer))
  self:raw(false)
  core.terminal_stop()
  self:raw(true)
end

function DO.Tab(self, buffer)
  if buffer.text:sub(buffer:line_start(), buffer.at - 1):find("^%s*$") then
    buffer:insert("  ")
    return
  end
  local found <const> = completion.find(self.session, buffer.text, buffer.at)
  local typed <const> = buffer.text:sub(found.from, buffer.at - 1)
  if #found.items == 0 then return end
  local common <const> = completion.common(found.items)
  if #common > #typed then
    buffer:keep("complete")
    buffer:replace(found.from, buffer.at, common)
  end
  if #found.items > 1 then
    self.listed = completion.list(found.items, self.screen.size())
  end
end

-- ---- reading ------------------------------------------------------------------------------

--- Switches the terminal to editing, or back.
function Editor:raw(on)
  if on then
    core.terminal_raw(true)
    self.screen.write("\27[?2004h")
  else
    self.screen.write("\27[?2004l")
    core.terminal_raw(false)
  end
end

-- Does what a key asks for. Returns "entry", "end" or "cancel" if the key ends the reading.
function Editor:serve(buffer, key, text)
  if key == "change" then return end
  if key == "end" then return "end" end
  self.listed = false
  local act <const> = DO[key]
  if act then return act(self, buffer, text) end
end

function Editor:edit()
  local buffer <const> = Buffer()
  local graphics <const> = package.loaded["braid.repl.graphics"]
  if graphics then -- it has the keys that were typed while it asked the terminal
    self.pending, graphics.typed = self.pending .. graphics.typed, ""
  end
  buffer.kills = self.kills
  if not self.history.loaded then
    self.screen:draw(self:view(buffer)) -- the first prompt does not wait for more keys
    self.history:load()
  end
  self.place, self.edited = #self.history.entries + 1, {}
  while true do
    if not keys.next(self.pending, true) then self.screen:draw(self:view(buffer)) end
    local done <const> = self:serve(buffer, self:key())
    if done then
      self.screen:finish(self:final_view(buffer))
      return done, buffer.text
    end
  end
end

--- The next entry, or nil at the end.
function Editor:read()
  self:raw(true)
  self.screen:begin()
  local done, text
  repeat
    done, text = self:edit()
  until done ~= "cancel"
  self:raw(false)
  if done == "end" then return nil end
  self.history:add(text)
  return text
end

return Editor
