--- Writes a table of results in Markdown, with `|` between its columns.

local ARROWS <const> = {min = " ↓", max = " ↑"}

-- Escapes characters that mean something in Markdown or in HTML.
local function escaped(text)
  return (text:gsub("%s*[\r\n]+%s*", " "):gsub("[\\`*_{}%[%]|~#]", "\\%0")
    :gsub("[&<>]", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;"}))
end

local MARKS <const> = {best = "**%s**", near = "*%s*"}

local function cell_of(cell)
  if cell.text then return escaped(cell.text) end
  if not cell.shown then return "-" end
  local text <const> = cell.shown .. (cell.spread and " ± " .. cell.spread or "")
  return (cell.mark and MARKS[cell.mark]:format(text) or text)
    .. (cell.count and (" (%s)"):format(cell.count) or "")
end

return function(t)
  local head <const>, rule <const>, lines <const> = {escaped(t.first)}, {"---"}, {}
  for _, c in ipairs(t.columns) do
    head[#head + 1] = escaped(c.title) .. (c.unit and ", " .. escaped(c.unit) or "")
      .. (ARROWS[c.direction] or "")
    rule[#rule + 1] = "---:"
  end
  local function put(cells) lines[#lines + 1] = "| " .. table.concat(cells, " | ") .. " |" end
  if t.title then lines[1], lines[2] = "**" .. escaped(t.title) .. "**", "" end
  put(head)
  put(rule)
  for i, name in ipairs(t.names) do
    local cells <const> = {escaped(name)}
    for _, c in ipairs(t.columns) do cells[#cells + 1] = cell_of(c.cells[i]) end
    put(cells)
  end
  for _, note in ipairs(t.notes) do
    lines[#lines + 1] = ""
    lines[#lines + 1] = escaped(note)
  end
  return table.concat(lines, "\n")
end
