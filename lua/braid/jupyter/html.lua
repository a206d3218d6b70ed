--- HTML of what the prompt prints as text: tables, tensors and the trees of networks. Text is
-- escaped, whatever is in it.

local text_of <const> = require "braid.plot.draw.text"
local table_html <const> = require "braid.train.table.html"

local M <const> = {}

local OPEN <const> = 2 -- levels of a tree that are unfolded at first

local escaped <const> = text_of.escape

local function lines_of(text)
  local lines <const> = {}
  for line in (text .. "\n"):gmatch("(.-)\n") do lines[#lines + 1] = line end
  return lines
end

-- ---- tables ---------------------------------------------------------------------------------

local function is_number(cell)
  return cell:find("^[-+]?[%d.][%d.,e+-]*%%?$") ~= nil or cell:find("^-?nan$") ~= nil
    or cell:find("^-?inf$") ~= nil or cell == "…"
end

-- Which columns hold words, so that they begin at the left.
local function words_in(rows, first)
  local left <const> = {}
  for i = first, #rows do
    for c, cell in ipairs(rows[i]) do left[c] = left[c] or cell ~= "" and not is_number(cell) end
  end
  return left
end

local function row_html(row, tag, left)
  local cells <const> = {}
  for c, cell in ipairs(row) do
    cells[c] = ("<%s%s>%s</%s>"):format(tag, left[c] and ' style="text-align:left"' or "",
      escaped(cell), tag)
  end
  return "<tr>" .. table.concat(cells) .. "</tr>"
end

--- A table of rows of texts; the first row is the head unless there is a caption in its place.
function M.table(rows, caption)
  local head <const> = not caption
  local left <const> = words_in(rows, head and 2 or 1)
  local lines <const> = {table_html.style, '<table class="braid-table">'}
  if caption then lines[#lines + 1] = "<caption>" .. escaped(caption) .. "</caption>" end
  for i, row in ipairs(rows) do
    lines[#lines + 1] = row_html(row, head and i == 1 and "th" or "td", left)
  end
  lines[#lines + 1] = "</table>"
  return table.concat(lines, "\n")
end

-- Where columns begin and end in lines of a text: they are set apart by two blanks or more.
local function columns_of(lines)
  local used <const>, width = {}, 0
  for _, line in ipairs(lines) do
    width = math.max(width, #line)
    for at in line:gmatch("()%S") do used[at] = true end
  end
  local columns <const>, from = {}, nil
  for at = 1, width + 2 do
    if used[at] then
      from = from or at
    elseif from and not used[at + 1] then
      columns[#columns + 1], from = {from, at - 1}, nil
    end
  end
  return columns
end

local function cells_of(line, columns)
  local cells <const> = {}
  for c, column in ipairs(columns) do
    cells[c] = line:sub(column[1], column[2]):match("^%s*(.-)%s*$")
  end
  return cells
end

local function block_html(lines)
  local columns <const>, rows <const> = columns_of(lines), {}
  if #lines < 2 or #columns < 2 then return nil end
  for i, line in ipairs(lines) do rows[i] = cells_of(line, columns) end
  return M.table(rows)
end

--- The tables in a text whose columns are set apart by blanks, such as the text of a summary; nil
-- if there is none. Lines without columns, such as a note below a table, stay lines.
function M.aligned(text)
  local parts <const>, block, found = {}, {}, false
  local function close()
    local made <const> = block_html(block)
    found = found or made ~= nil
    parts[#parts + 1] = made or #block > 0 and "<pre>" .. escaped(table.concat(block, "\n"))
      .. "</pre>" or nil
    block = {}
  end
  for _, line in ipairs(lines_of(text)) do
    if line:find("%S  +%S") then
      block[#block + 1] = line
    else
      close()
      if line:find("%S") then parts[#parts + 1] = "<p>" .. escaped(line) .. "</p>" end
    end
  end
  close()
  return found and table.concat(parts, "\n") or nil
end

--- A tensor of one or two dimensions, from its text; nil if the text has lines that are not rows.
function M.tensor(text)
  local lines <const>, rows <const> = lines_of(text), {}
  for i = 2, #lines do
    local line <const> = lines[i]
    local inner <const> = line:match("^%s*%[+([^%[%]]*)%]+,?$") or line:match("^ (%.%.%.),$")
    if not inner or line:find("[[[", 1, true) then return nil end
    local row <const> = {}
    for cell in inner:gmatch("[^,%s]+") do row[#row + 1] = cell == "..." and "…" or cell end
    rows[#rows + 1] = row
  end
  return #rows > 0 and M.table(rows, lines[1]) or nil
end

-- ---- trees ----------------------------------------------------------------------------------

-- The lines from number i that are deeper than `indent`, as nested lists. -> the number after them
local function branch(lines, i, indent, level, out)
  while lines[i] and #lines[i]:match("^ *") > indent do
    local own <const> = #lines[i]:match("^ *")
    local line <const> = escaped(lines[i]:sub(own + 1))
    if lines[i + 1] and #lines[i + 1]:match("^ *") > own then
      out[#out + 1] = ("<details%s><summary>%s</summary>"):format(level < OPEN and " open" or "",
        line)
      i = branch(lines, i + 1, own, level + 1, out)
      out[#out + 1] = "</details>"
    else
      out[#out + 1] = "<div>" .. line .. "</div>"
      i = i + 1
    end
  end
  return i
end

local TREE <const> = [[
<style>
.braid-tree{font-family:monospace}
.braid-tree details>*:not(summary){margin-left:1.5em}
.braid-tree details>div{padding-left:1em}
.braid-tree summary{cursor:pointer}
</style>
<div class="braid-tree">]]

--- A text whose indentation shows what belongs to what, as a tree that can be unfolded.
function M.tree(text)
  local out <const> = {TREE}
  branch(lines_of(text), 1, -1, 0, out)
  out[#out + 1] = "</div>"
  return table.concat(out, "\n")
end

--- An SVG in base64 as a picture, whose style sheet touches nothing else.
function M.image(svg, words)
  return ('<img src="data:image/svg+xml;base64,%s" alt="%s">'):format(svg,
    escaped(words or "figure"))
end

--- A bar of a share between 0 and 1, with words after it.
function M.bar(share, text)
  return ('<div><progress value="%d" max="1000" style="width:16em;vertical-align:middle">'
    .. '</progress> <span style="font-variant-numeric:tabular-nums">%s</span></div>'):format(
    math.floor(1000 * math.max(0, math.min(1, share))), escaped(text))
end

return M
