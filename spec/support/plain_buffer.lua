--- A simple line buffer: a list of characters, and how many of them are before the cursor. The
-- prompt's buffer is compared with it.

local Plain <const> = {}
Plain.__index = Plain

local MARK <const> = "\u{301}" -- the one mark that joins the character before it

-- The characters of a text, each with its marks.
local function split(text)
  local list <const> = {}
  for _, code in utf8.codes(text) do
    local char <const> = utf8.char(code)
    local last <const> = list[#list]
    if char == MARK and last and not last:find("^%c") then
      list[#list] = last .. char
    else
      list[#list + 1] = char
    end
  end
  return list
end

function Plain.new()
  return setmetatable({list = {}, n = 0, snapshots = {}, kills = {}, last = ""}, Plain)
end

function Plain:text() return table.concat(self.list) end

--- The cursor's place in bytes, from 1.
function Plain:at() return #table.concat(self.list, "", 1, self.n) + 1 end

function Plain:keep(kind)
  if kind ~= "type" or self.last ~= "type" then
    self.snapshots[#self.snapshots + 1] = {self:text(), self:at()}
  end
  self.last = kind
end

-- Replaces characters a + 1 to b by a text. The cursor is then after the text.
function Plain:change(a, b, text)
  local before <const> = table.concat(self.list, "", 1, a) .. text
  self.list = split(before .. table.concat(self.list, "", b + 1))
  self:place(#before + 1)
end

-- Puts the cursor at a byte, or after the character that contains it.
function Plain:place(byte)
  local bytes, n = 0, 0
  while bytes < byte - 1 do
    n = n + 1
    bytes = bytes + #self.list[n]
  end
  self.n = n
end

local function is_word(char) return char ~= nil and char:find("^[%w_\128-\255]") ~= nil end

-- How many characters are before a place: the start or the end of the line, the start of the word
-- before the cursor, the end of the word after it, and the start of the text between blanks.
function Plain:start()
  local n = self.n
  while n > 0 and self.list[n] ~= "\n" do n = n - 1 end
  return n
end

function Plain:stop()
  local n = self.n
  while self.list[n + 1] and self.list[n + 1] ~= "\n" do n = n + 1 end
  return n
end

function Plain:word_before()
  local n = self.n
  while n > 0 and not is_word(self.list[n]) do n = n - 1 end
  while n > 0 and is_word(self.list[n]) do n = n - 1 end
  return n
end

function Plain:word_after()
  local n = self.n
  while n < #self.list and not is_word(self.list[n + 1]) do n = n + 1 end
  while n < #self.list and is_word(self.list[n + 1]) do n = n + 1 end
  return n
end

function Plain:blank_before()
  local n = self.n
  while n > 0 and self.list[n]:find("^%s") do n = n - 1 end
  while n > 0 and not self.list[n]:find("^%s") do n = n - 1 end
  return n
end

function Plain:kill(a, b, backwards)
  if a >= b then return end
  local taken <const>, again <const> = table.concat(self.list, "", a + 1, b), self.last == "kill"
  self:keep("kill")
  self:change(a, b, "")
  if again then
    self.kills[#self.kills] = backwards and taken .. self.kills[#self.kills]
      or self.kills[#self.kills] .. taken
  else
    self.kills[#self.kills + 1] = taken
  end
end

local function mover(f)
  return function(self) self.n, self.last = f(self), "move" end
end

--- The action of each key, by the name of the buffer's method.
Plain.DO = {
  left = mover(function(self) return math.max(self.n - 1, 0) end),
  right = mover(function(self) return math.min(self.n + 1, #self.list) end),
  home = mover(Plain.start), to_end = mover(Plain.stop),
  word_left = mover(Plain.word_before), word_right = mover(Plain.word_after),
  top = mover(function() return 0 end), bottom = mover(function(self) return #self.list end),
  kill_line = function(self)
    local stop <const> = self:stop()
    self:kill(self.n, stop == self.n and math.min(stop + 1, #self.list) or stop)
  end,
  kill_to_start = function(self) self:kill(self:start(), self.n, true) end,
  kill_blank = function(self) self:kill(self:blank_before(), self.n, true) end,
  kill_word_left = function(self) self:kill(self:word_before(), self.n, true) end,
  kill_word_right = function(self) self:kill(self.n, self:word_after()) end,
  delete = function(self)
    if self.n == #self.list then return end
    self:keep("delete")
    self:change(self.n, self.n + 1, "")
  end,
  backspace = function(self)
    if self.n == 0 then return end
    self:keep("delete")
    self:change(self.n - 1, self.n, "")
  end,
  yank = function(self)
    if #self.kills == 0 then return end
    self:keep("yank")
    self:change(self.n, self.n, self.kills[#self.kills])
  end,
  swap = function(self)
    local n <const> = self.n == self:stop() and self.n - 1 or self.n
    if n <= self:start() or self:stop() == self:start() then return end
    self:keep("swap")
    self:change(n - 1, n + 1, self.list[n + 1] .. self.list[n])
  end,
  undo = function(self)
    local before <const> = table.remove(self.snapshots)
    if before then
      self.list = split(before[1])
      self:place(before[2])
    end
    self.last = "undo"
  end,
}

function Plain:insert(text)
  self:keep(#text == 1 and text:find("[%w_]") and "type" or "insert")
  self:change(self.n, self.n, text)
end

return Plain
