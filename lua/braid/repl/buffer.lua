--- A buffer: the text of an entry, the cursor in it, and what the keys of readline do to both. It
-- also keeps changes for undo, and killed text. It does not depend on a terminal.
--
-- The cursor is before byte `at`, 1 to #text + 1. `at` is always the start of a character.

local class <const> = require "braid.class"
local width <const> = require "braid.repl.width"

local Buffer <const> = class("Buffer")

local LIMIT <const> = 500 -- changes that can be undone
local KILLS <const> = 30

function Buffer:init(text)
  self.text, self.at = text or "", #(text or "") + 1
  self.undone, self.kills, self.last = {}, {}, ""
  self.yanked = false -- {from, to, which} of the text that a yank put there
  self.goal = false -- the column that moves up and down keep to
end

-- ---- changes ------------------------------------------------------------------------------

-- Every change calls this: `text` replaces the bytes from `from` to `to` - 1.
function Buffer:replace(from, to, text)
  self.text = self.text:sub(1, from - 1) .. text .. self.text:sub(to)
  self.at = from + #text
  if self.at > 1 and self.at <= #self.text then -- a combining character may follow
    self.at = math.max(self.at, self:right_of(self:left_of(self.at)))
  end
end

-- Keeps the current text for undo. Letters typed in a row count as one change.
function Buffer:keep(kind)
  if kind ~= "type" or self.last ~= "type" then
    table.insert(self.undone, {self.text, self.at})
    if #self.undone > LIMIT then table.remove(self.undone, 1) end
  end
  self.last = kind
end

--- Inserts text at the cursor.
function Buffer:insert(text)
  self:keep(#text == 1 and text:find("[%w_]") and "type" or "insert")
  self:replace(self.at, self.at, text)
end

--- Replaces the whole content by `text` and puts the cursor at its end or at `at`.
function Buffer:set(text, at)
  if text == self.text then
    self.at = at or #text + 1
    return
  end
  self:keep("set")
  self.text, self.at = text, at or #text + 1
end

function Buffer:undo()
  local before <const> = table.remove(self.undone)
  if before then self.text, self.at = before[1], before[2] end
  self.last = "undo"
  return before ~= nil
end

-- ---- places -------------------------------------------------------------------------------

local WORD <const>, OTHER <const> = "^[%w_\128-\255]", "^[^%w_\128-\255]"

function Buffer:right_of(at)
  if at > #self.text then return at end
  return (select(2, width.char_at(self.text, at)))
end

function Buffer:left_of(at) return at > 1 and width.before(self.text, at) or 1 end

-- Skips characters whose first byte matches, to the right or to the left.
function Buffer:past(pattern, at)
  while at <= #self.text and self.text:find(pattern, at) do at = self:right_of(at) end
  return at
end

function Buffer:back_past(pattern, at)
  while at > 1 do
    local left <const> = self:left_of(at)
    if not self.text:find(pattern, left) then break end
    at = left
  end
  return at
end

-- The end of the word at or after the cursor, and the start of the word at or before the cursor.
function Buffer:word_end() return self:past(WORD, self:past(OTHER, self.at)) end
function Buffer:word_start() return self:back_past(WORD, self:back_past(OTHER, self.at)) end

-- The start of the word before the cursor. For Ctrl-W, only blanks separate words.
function Buffer:blank_start() return self:back_past("^%S", self:back_past("^%s", self.at)) end

--- The place where the line of the place `at` (default: the cursor) begins.
function Buffer:line_start(at)
  local text <const> = self.text
  at = at or self.at
  while at > 1 and text:byte(at - 1) ~= 10 do at = at - 1 end
  return at
end

--- The place where the line of the place `at` (default: the cursor) ends: its newline, or the place
-- after the last byte of the text.
function Buffer:line_end(at) return self.text:find("\n", at or self.at, true) or #self.text + 1 end

-- ---- moves --------------------------------------------------------------------------------

function Buffer:move(to)
  self.at, self.last, self.goal = to, "move", false
end

function Buffer:left() self:move(self:left_of(self.at)) end
function Buffer:right() self:move(self:right_of(self.at)) end
function Buffer:word_left() self:move(self:word_start()) end
function Buffer:word_right() self:move(self:word_end()) end
function Buffer:home() self:move(self:line_start()) end
function Buffer:to_end() self:move(self:line_end()) end
function Buffer:top() self:move(1) end
function Buffer:bottom() self:move(#self.text + 1) end

-- The place nearest to a column, in the line that begins at `from`.
function Buffer:place_at(from, column)
  local at, columns, stop <const> = from, 0, self:line_end(from)
  while at < stop do
    local wide <const>, behind <const> = width.char_at(self.text, at)
    if columns + wide > column then break end
    at, columns = behind, columns + wide
  end
  return at
end

-- Moves to the line that begins at `from`, near the column where the series of moves began.
function Buffer:go_to_line(from)
  local goal <const> = self.goal or width.of(self.text:sub(self:line_start(), self.at - 1))
  self:move(self:place_at(from, goal))
  self.goal = goal
end

--- Moves one line up or down; returns false if there is none.
function Buffer:up()
  local start <const> = self:line_start()
  if start == 1 then return false end
  self:go_to_line(self:line_start(start - 1))
  return true
end

function Buffer:down()
  local stop <const> = self:line_end()
  if stop > #self.text then return false end
  self:go_to_line(stop + 1)
  return true
end

-- ---- deletions ----------------------------------------------------------------------------

function Buffer:delete()
  if self.at > #self.text then return end
  self:keep("delete")
  self:replace(self.at, self:right_of(self.at), "")
end

function Buffer:backspace()
  if self.at == 1 then return end
  self:keep("delete")
  self:replace(self:left_of(self.at), self.at, "")
end

-- Removes the text between two places and keeps it. Several kills in a row become one text.
function Buffer:kill(from, to, backwards)
  if from >= to then return end
  local taken <const>, again <const> = self.text:sub(from, to - 1), self.last == "kill"
  self:keep("kill")
  self:replace(from, to, "")
  if again and self.kills[1] then
    self.kills[1] = backwards and taken .. self.kills[1] or self.kills[1] .. taken
  else
    table.insert(self.kills, 1, taken)
    self.kills[KILLS + 1] = nil
  end
end

function Buffer:kill_line()
  local stop <const> = self:line_end()
  self:kill(self.at, stop == self.at and math.min(stop + 1, #self.text + 1) or stop)
end

function Buffer:kill_to_start() self:kill(self:line_start(), self.at, true) end
function Buffer:kill_blank() self:kill(self:blank_start(), self.at, true) end
function Buffer:kill_word_left() self:kill(self:word_start(), self.at, true) end
function Buffer:kill_word_right() self:kill(self.at, self:word_end()) end

--- Inserts the text that was killed last.
function Buffer:yank()
  local text <const> = self.kills[1]
  if not text then return end
  local from <const> = self.at
  self:keep("yank")
  self:replace(from, from, text)
  self.yanked = {from, self.at, 1}
end

--- After a yank: replaces the yanked text by the text killed before it.
function Buffer:yank_before()
  local yanked <const> = self.last == "yank" and self.yanked
  if not yanked then return end
  local which <const> = yanked[3] % #self.kills + 1
  self:keep("yank")
  self:replace(yanked[1], yanked[2], self.kills[which])
  self.yanked = {yanked[1], self.at, which}
end

--- Swaps the characters before and under the cursor. At the end of a line it swaps the two
-- characters before the cursor.
function Buffer:swap()
  local start <const>, at = self:line_start(), self.at
  if at == self:line_end() then at = self:left_of(at) end
  if at <= start then return end
  local left <const>, behind <const> = self:left_of(at), self:right_of(at)
  if left < start or behind == at then return end
  self:keep("swap")
  self:replace(left, behind, self.text:sub(at, behind - 1) .. self.text:sub(left, at - 1))
end

return Buffer
