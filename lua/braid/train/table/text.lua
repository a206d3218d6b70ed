--- Writes a table of results for the terminal. A table wider than the terminal is split into parts,
-- one below the other. "*" marks the best of a column, "~" values that cannot be told apart from
-- the best.

local core <const> = require "braid.core"

local ARROWS <const> = {min = " ↓", max = " ↑"}
local MARKS <const> = {best = " *", near = " ~"}
-- the width if output does not go to a terminal, and the blanks between columns
local WIDTH <const>, GAP <const> = 100, 2

-- One line without control characters, which could move the cursor.
local function plain(text) return (text:gsub("[%c\127]+", " ")) end

local function length(text) return utf8.len(text) or #text end

local function padded(text, width, left)
  local space <const> = (" "):rep(width - length(text))
  return left and text .. space or space .. text
end

local function cell_of(cell, marked)
  if cell.text then return plain(cell.text) end
  local text = "-"
  if cell.shown then
    text = cell.shown .. (cell.spread and " ± " .. cell.spread or "")
      .. (cell.count and (" (%s)"):format(cell.count) or "")
  end
  return marked and text .. (MARKS[cell.mark] or "  ") or text
end

-- Every column as a list of texts of the same width; the first is the heading.
local function columns_of(t)
  local list <const> = {}
  local names <const> = {plain(t.first)}
  for i, name in ipairs(t.names) do names[i + 1] = plain(name) end
  list[1] = names
  for _, c in ipairs(t.columns) do
    local texts <const>, marked = {}, false
    for _, cell in ipairs(c.cells) do marked = marked or cell.mark ~= nil end
    texts[1] = plain(c.title) .. (c.unit and " " .. plain(c.unit) or "")
      .. (ARROWS[c.direction] or "") .. (marked and "  " or "")
    for i, cell in ipairs(c.cells) do texts[i + 1] = cell_of(cell, marked) end
    list[#list + 1] = texts
  end
  for k, texts in ipairs(list) do
    local width = 0
    for _, text in ipairs(texts) do width = math.max(width, length(text)) end
    for i, text in ipairs(texts) do texts[i] = padded(text, width, k == 1) end
    texts.width = width
  end
  return list
end

-- The last column that fits beside the names, starting at `from`; at least `from` itself.
local function last_of(list, from, width)
  local used, last = list[1].width, from
  for k = from, #list do
    used = used + GAP + list[k].width
    if used > width and k > from then break end
    last = k
  end
  return last
end

return function(t, width)
  local list <const>, lines <const> = columns_of(t), {}
  width = width or core.terminal_width() or WIDTH
  if t.title then lines[1] = plain(t.title) end
  local from = 2
  repeat
    local last <const> = last_of(list, from, width)
    if from > 2 then lines[#lines + 1] = "" end
    for i = 1, #list[1] do
      local words <const> = {list[1][i]}
      for k = from, last do words[#words + 1] = list[k][i] end
      lines[#lines + 1] = (table.concat(words, (" "):rep(GAP)):gsub("%s+$", ""))
    end
    from = last + 1
  until from > #list
  for _, note in ipairs(t.notes) do lines[#lines + 1] = plain(note) end
  return table.concat(lines, "\n")
end
