--- Draws an entry below the last output: prompts, the text wrapped at the terminal's width, the
-- hint after it, and the lines below it. Each drawing replaces the drawing before it.

local class <const> = require "braid.class"
local colours <const> = require "braid.repl.colours"
local core <const> = require "braid.core"
local width <const> = require "braid.repl.width"

local Screen <const> = class("Screen")

local PLAIN <const> = "\27[0m"

--- o.write(text) writes to the terminal; o.size() returns its columns and rows.
function Screen:init(o)
  self.write = o and o.write or function(text)
    io.stdout:write(text)
    io.stdout:flush()
  end
  self.size = o and o.size or core.terminal_size
  self.colours = colours.wanted()
  self:forget()
end

--- Keeps the last drawing on the screen. The next one begins on the line of the cursor.
function Screen:forget()
  self.widths, self.cursor_row, self.cursor_column = {}, 1, 0
end

-- ---- rows ---------------------------------------------------------------------------------

local Rows <const> = class("Rows")

function Rows:init(columns, styled)
  self.columns, self.styled = columns, styled
  self.list, self.widths, self.parts, self.column, self.style = {}, {}, {}, 0, false
end

function Rows:set_style(style)
  if style == self.style or not self.styled then return end
  local parts <const> = self.parts
  if self.style then parts[#parts + 1] = PLAIN end
  if style then parts[#parts + 1] = colours.STYLES[style] end
  self.style = style
end

function Rows:end_row()
  local style <const> = self.style
  self:set_style(false)
  self.list[#self.list + 1], self.widths[#self.widths + 1] = table.concat(self.parts), self.column
  self.parts, self.column = {}, 0
  if style then self:set_style(style) end
end

--- Adds a character of `columns` columns; it goes to the next row if this one is full.
function Rows:put(shown, columns)
  if self.column + columns > self.columns then self:end_row() end
  self.parts[#self.parts + 1] = shown
  self.column = self.column + columns
end

--- Adds a text of one line in one style.
function Rows:put_text(text, style)
  self:set_style(style or false)
  local at = 1
  while at <= #text do
    local columns <const>, behind <const> = width.char_at(text, at)
    self:put(text:sub(at, behind - 1), columns)
    at = behind
  end
  self:set_style(false)
end

-- A character as it is shown. Control characters, which would move the cursor, are replaced.
local function shown(char)
  if char == "\t" then return "  " end
  local byte <const> = char:byte()
  if byte < 32 or byte == 127 or not utf8.len(char) then return "?" end
  return char
end

-- Adds the entry. Returns the row and the column of the cursor.
local function put_entry(rows, view)
  local text <const>, spans <const>, n = view.text, view.spans or {}, 1
  local row, column
  rows:put_text(view.prompt, "prompt")
  local indent <const> = rows.column < rows.columns // 2 and view.more or ""
  local at = 1
  while at <= #text + 1 do
    if not row and at >= view.at then -- a search may find a place inside a character
      if rows.column >= rows.columns then rows:end_row() end
      row, column = #rows.list + 1, rows.column
    end
    if at > #text then break end
    local columns, behind <const> = width.char_at(text, at)
    if text:byte(at) == 10 then
      rows:set_style(false)
      rows:end_row()
      rows:put_text(indent, "prompt")
    else
      while spans[n] and spans[n][2] < at do n = n + 1 end
      local span <const> = spans[n]
      rows:set_style(span and span[1] <= at and span[3] or false)
      rows:put(shown(text:sub(at, behind - 1)), columns)
    end
    at = behind
  end
  rows:set_style(false)
  return row, column
end

-- ---- drawing ------------------------------------------------------------------------------

-- The first and the last row that are shown, if not all fit; the cursor's row is among them.
local function window(count, row, height)
  if count <= height then return 1, count end
  local first <const> = math.max(1, math.min(row - height // 2, count - height + 1))
  return first, first + height - 1
end

-- How many rows the last drawing has above the cursor, at this width. If the terminal became
-- narrower, it has broken rows into several.
function Screen:rows_above(columns)
  local n = 0
  for i = 1, self.cursor_row - 1 do
    n = n + math.max(1, (self.widths[i] + columns - 1) // columns)
  end
  return n + self.cursor_column // columns
end

local function up(n) return n > 0 and ("\27[%dA"):format(n) or "" end

--- Draws an entry: {prompt =, more = the prompt of further lines, text =, at =, spans =, hint =
-- grey text after the entry, below = lines under it}.
function Screen:draw(view)
  local columns <const>, height <const> = self.size()
  local rows <const> = Rows(math.max(columns, 4), self.colours)
  local row <const>, column <const> = put_entry(rows, view)
  if view.hint then rows:put_text(view.hint, "hint") end
  for _, line in ipairs(view.below or {}) do
    rows:end_row()
    local fits <const> = line:sub(1, math.max(columns - 1, 3))
    rows:put_text(utf8.len(fits) and fits or fits:gsub("[\128-\255]+$", ""), "hint")
  end
  rows:end_row()
  local first <const>, last <const> = window(#rows.list, row, math.max(height - 1, 1))
  local out <const> = {"\27[?25l", up(self:rows_above(columns)), "\r\27[J",
    table.concat(rows.list, "\r\n", first, last), up(last - row), "\r",
    column > 0 and ("\27[%dC"):format(column) or "", "\27[?25h"}
  self.widths = table.move(rows.widths, first, last, 1, {})
  self.cursor_row, self.cursor_column = row - first + 1, column
  self.write(table.concat(out))
end

--- Begins on a new line. It writes a mark and then blanks as wide as the terminal. If the last
-- output has no newline, the blanks move the cursor to the next line, and the mark stays visible.
-- Otherwise the next drawing covers both.
function Screen:begin()
  self.write("%" .. (" "):rep(self.size() - 1) .. "\r")
  self:forget()
end

--- Ends a drawing: the cursor goes to the line below it.
function Screen:finish(view)
  self:draw {prompt = view.prompt, more = view.more, text = view.text, at = #view.text + 1,
    spans = view.spans}
  self.write("\r\n")
  self:forget()
end

--- An empty screen.
function Screen:clear()
  self.write("\27[H\27[2J")
  self:forget()
end

return Screen
