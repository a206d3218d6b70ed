--- Reads rows of cells from the text of a table, in the forms that spreadsheets and programs write.
--
-- Commas, semicolons, tabs or bars separate the cells. A line "sep=;" names the separator; without
-- this line it is found: each of the first lines must have the same number of it. A cell in quotes
-- may contain separators, line ends and doubled quotes (RFC 4180). Empty lines are skipped, and so
-- are separators that end every line. All rows must have the length of the first row.

local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"
local texts <const> = require "braid.io.text"

local M <const> = {}

local fail <const> = damage.fail

local NEWLINE <const>, RETURN <const>, BLANK <const>, QUOTE <const> = 10, 13, 32, 34
local SEPARATORS <const> = {"\t", ";", "|", ","}
local SAMPLE <const>, SAMPLED <const> = 1 << 16, 20

-- The separator that is in each of the first lines the same number of times; if there is none, the
-- most frequent separator in the first line.
local function guess_separator(text, at)
  local sample = text:sub(at, at + SAMPLE - 1):gsub("\"[^\"]*\"", "")
  sample = sample:gsub("([,;|])[ \t]+", "%1") -- a tab after another separator is only a blank
  local lines <const> = {}
  for line, past in sample:gmatch("([^\n]+)()") do
    local complete <const> = past <= #sample or at + SAMPLE > #text
    if line:find("[^%s;,|]") and (complete or #lines == 0) then lines[#lines + 1] = line end
    if #lines == SAMPLED then break end
  end
  local best, most = ",", 0
  for _, separator in ipairs(SEPARATORS) do
    local pattern <const>, first, agree = "%" .. separator, nil, true
    for _, line in ipairs(lines) do
      local _, n <const> = line:gsub(pattern, "")
      first = first or n
      agree = agree and n == first
    end
    if first and first > 0 and agree and #lines > 1 then return separator end
    if first and first > most then best, most = separator, first end
  end
  return best
end

-- Reads a cell in quotes -> the cell, the place after it, and the number of line ends in the cell.
local function quoted_cell(text, at, line)
  local parts <const>, from = {}, at + 1
  while true do
    local stop <const> = text:find("\"", from, true)
    if not stop then fail("line %d: a quote is not closed", line) end
    parts[#parts + 1] = text:sub(from, stop - 1)
    if text:byte(stop + 1) ~= QUOTE then
      local cell <const> = table.concat(parts)
      return cell, stop + 1, select(2, cell:gsub("\n", ""))
    end
    parts[#parts + 1] = "\""
    from = stop + 2
  end
end

-- Reads a cell in quotes, perhaps with blanks around it; nil for a cell without quotes. Also
-- returns the place after it and the line there.
local function try_quoted(text, at, line, separator)
  local from = at
  if text:byte(at) == BLANK and separator ~= "\t" then from = text:match("^ +()", at) end
  if text:byte(from) ~= QUOTE then return nil, at, line end
  local cell <const>, past <const>, lines <const> = quoted_cell(text, from, line)
  return cell, text:byte(past) == BLANK and text:match("^ +()", past) or past, line + lines
end

-- Reads the row at `at` -> its cells, the place of the next row, and the line of the next row.
local function read_row(text, at, line, separator, most)
  local cells <const>, start <const>, code <const> = {}, at, separator:byte()
  local plain <const> = ("^([^%s\n]*)()"):format(separator)
  while true do
    local cell
    cell, at, line = try_quoted(text, at, line, separator)
    if not cell then
      cell, at = text:match(plain, at)
      if cell:byte(-1) == RETURN then cell = cell:sub(1, -2) end
      if cell:find("\"", 1, true) then
        fail("line %d, column %d: a quote inside a cell", line, #cells + 1)
      end
    end
    cells[#cells + 1] = cell
    if #cells > most.columns then
      fail("line %d: %s", line, limits.over("columns", #cells, "cells, or more"))
    end
    local next_byte = text:byte(at)
    if next_byte == code then
      at = at + 1
    else
      if next_byte == RETURN then
        at = at + 1
        next_byte = text:byte(at)
      end
      if next_byte and next_byte ~= NEWLINE then
        fail("line %d, column %d: more after a closed quote", line, #cells)
      end
      if at - start > most.line then
        fail("line %d: %s", line, limits.over("line", at - start, "bytes"))
      end
      return cells, at + 1, line + 1
    end
  end
end

-- The number of the last cell that is not blank, or 0.
local function filled(cells)
  local n = #cells
  while n > 0 and not cells[n]:find("%S") do n = n - 1 end
  return n
end

-- Removes blank cells after number `width`.
local function trim(cells, width)
  for i = #cells, math.max(filled(cells), width) + 1, -1 do cells[i] = nil end
end

--- Iterates over the rows of a text: the cells, and the line where the row begins. Raises {message
-- =} for a fault.
-- @param o separator = one of , ; | and tab (nil: found as described above); whole = true keeps
--   blank cells at the ends of the first rows as columns
-- @return the iterator, and the separator
function M.rows(text, o)
  local at, line, count = 1, 1, 0
  local said <const>, past <const> = text:match("^\"?[sS][eE][pP]=([,;|\t])\"?\r?\n()")
  if said then at, line = past, 2 end
  local separator <const> = o and o.separator or said or guess_separator(text, at)
  local most <const> = {columns = limits.columns, line = limits.line, cells = limits.cells}
  local function read()
    while at <= #text do
      local first <const> = line
      local cells
      cells, at, line = read_row(text, at, line, separator, most)
      if filled(cells) > 0 then return cells, first end
    end
  end
  -- Blank cells at the end of the first row are columns if there is something below them.
  local cells, first = read()
  local second, second_line = read()
  local width <const> = cells and (o and o.whole and #cells
    or math.max(filled(cells), math.min(#cells, filled(second or {}))))
  return function()
    local row <const>, at_line <const> = cells, first
    if not row then return nil end
    cells, first = second, second_line
    if cells then second, second_line = read() end
    trim(row, width)
    if #row ~= width then
      fail("line %d: %d cells, but %d in the lines before", at_line, #row, width)
    end
    count = count + width
    if count > most.cells then
      fail("line %d: %s", at_line, limits.over("cells", count, "cells, or more"))
    end
    return row, at_line
  end, separator
end

--- All rows of a text, {{cells, line = number}, ..., separator =}; or nil and what is wrong. `o` is
-- as for rows.
M.read = damage.caught(function(text, o)
  local each <const>, separator <const> = M.rows(text, o)
  local rows <const> = {separator = separator}
  for cells, line in each do
    cells.line = line
    rows[#rows + 1] = cells
  end
  return rows
end)

M.trimmed = texts.trimmed

return M
