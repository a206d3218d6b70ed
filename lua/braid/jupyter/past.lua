--- The history for a notebook's frontends: what was entered at any prompt before, which
-- repl/history.lua keeps, and the cells of this session with their results.

local class <const> = require "braid.class"
local History <const> = require "braid.repl.history"

local Past <const> = class("Past")

local EARLIER <const>, OWN <const> = 1, 2 -- the numbers of sessions
local LONGEST <const> = 20000 -- bytes of a cell; longer cells do not go into the prompts' history
local KEPT <const> = 1000     -- bytes of a result that are kept

function Past:init(path)
  self.history, self.cells = History(path), {}
end

-- The entries of other prompts and of earlier sessions, read when they are first asked for.
function Past:earlier()
  if not self.before then
    self.history:load()
    self.before = table.move(self.history.entries, 1, #self.history.entries, 1, {})
    for i = #self.cells, 1, -1 do -- the file has them already
      if self.before[#self.before] == self.cells[i].text then self.before[#self.before] = nil end
    end
  end
  return self.before
end

--- Adds the cell of a number.
function Past:add(number, text)
  self.cells[#self.cells + 1] = {number = number, text = text}
  if #text <= LONGEST then self.history:add(text) end
end

--- Notes the text of a cell's result.
function Past:result(number, text)
  local cell <const> = self.cells[#self.cells]
  if cell and cell.number == number then cell.result = text:sub(1, KEPT) end
end

-- A row as Jupyter wants it: session, number, and the text, or the text with the result.
local function row(session, number, text, result, with_output)
  return {session, number, with_output and {text, result or ""} or text}
end

function Past:rows(with_output)
  local rows <const> = {}
  for i, text in ipairs(self:earlier()) do rows[i] = row(EARLIER, i, text, nil, with_output) end
  for _, cell in ipairs(self.cells) do
    rows[#rows + 1] = row(OWN, cell.number, cell.text, cell.result, with_output)
  end
  return rows
end

local function text_of(entry) return type(entry[3]) == "table" and entry[3][1] or entry[3] end

-- A glob as a pattern of Lua that fits the whole text.
local function pattern_of(glob)
  return "^" .. glob:gsub("[%^%$%(%)%%%.%[%]%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

local function last(rows, n) return table.move(rows, math.max(1, #rows - n + 1), #rows, 1, {}) end

local function without_repeats(rows)
  local kept <const>, seen <const> = {}, {}
  for i = #rows, 1, -1 do
    local text <const> = text_of(rows[i])
    if not seen[text] then table.insert(kept, 1, rows[i]) end
    seen[text] = true
  end
  return kept
end

local FIND <const> = {}

function FIND.tail(rows, o) return last(rows, o.n or 10) end

function FIND.search(rows, o)
  local pattern <const>, found = pattern_of(o.pattern or "*"), {}
  for _, entry in ipairs(rows) do
    if text_of(entry):find(pattern) then found[#found + 1] = entry end
  end
  if o.unique then found = without_repeats(found) end
  return o.n and last(found, o.n) or found
end

function FIND.range(rows, o)
  local wanted <const>, found <const> = o.session or 0, {}
  local session <const> = wanted == 0 and OWN or wanted < 0 and OWN + wanted or wanted
  for _, entry in ipairs(rows) do
    if entry[1] == session and entry[2] >= (o.start or 0) and entry[2] < (o.stop or math.huge) then
      found[#found + 1] = entry
    end
  end
  return found
end

--- The rows that a history request asks for.
function Past:find(o)
  local find <const> = FIND[o.access]
  return find and find(self:rows(o.output), o) or {}
end

return Past
