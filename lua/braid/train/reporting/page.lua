--- A page of HTML that needs no other file: its style, and the parts from which it is made.

local format <const> = require "braid.format"
local style <const> = require "braid.train.reporting.style"
local svg <const> = require "braid.plot.draw.svg"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

M.escape = text.escape
local escape <const> = text.escape

--- Lines of text, each escaped.
function M.escape_lines(value) return (value:gsub("[^\n]+", escape)) end

--- The whole page; sections are {name, title, html}.
function M.whole(title, head, sections)
  local links <const>, bodies <const> = {}, {}
  for _, s in ipairs(sections) do
    links[#links + 1] = ('<a href="#%s">%s</a>'):format(s.name, escape(s.title))
    bodies[#bodies + 1] = ('<section id="%s"><h2>%s</h2>%s</section>'):format(s.name,
      escape(s.title), s.html)
  end
  return table.concat({"<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    '<meta name="color-scheme" content="light dark">', "<title>" .. escape(title) .. "</title>",
    "<style>" .. svg.colours(":root") .. style .. "</style></head><body><main>", head,
    "<nav>" .. table.concat(links) .. "</nav>", table.concat(bodies, "\n"),
    "</main></body></html>\n"}, "\n")
end

--- A table; right[i] = true aligns column i at the right. Cells are text.
function M.table(header, rows, right)
  local lines <const> = {'<div class="wide"><table>'}
  local function add(cells, tag)
    local words <const> = {}
    for i, cell in ipairs(cells) do
      words[i] = ("<%s%s>%s</%s>"):format(tag, right and right[i] and ' class="n"' or "",
        escape(cell), tag)
    end
    lines[#lines + 1] = "<tr>" .. table.concat(words) .. "</tr>"
  end
  if header then add(header, "th") end
  for _, row in ipairs(rows) do add(row, "td") end
  lines[#lines + 1] = "</table></div>"
  return table.concat(lines)
end

--- Tiles of {value, label}.
function M.tiles(list)
  local words <const> = {}
  for i, tile in ipairs(list) do
    words[i] = ('<div class="tile"><b>%s</b><span>%s</span></div>'):format(escape(tile[1]),
      escape(tile[2]))
  end
  return '<div class="tiles">' .. table.concat(words) .. "</div>"
end

local function word(w)
  local class <const> = w.right == true and ' class="right"' or w.right == false
    and ' class="wrong"'
    or ""
  return ("<div%s>%s: %s</div>"):format(class, escape(w.task), escape(w.text))
end

--- Samples as cards.
function M.cards(list)
  local words <const> = {}
  for i, s in ipairs(list) do
    local lines <const> = {}
    for k, w in ipairs(s.words) do lines[k] = word(w) end
    local picture <const> = s.picture and ('<img alt="sample %d" width="%d" height="%d" '
      .. 'src="data:image/png;base64,%s">'):format(s.number, s.width, s.height, s.picture) or ""
    words[i] = ('<div class="card">%s%s<div class="muted">sample %d, loss %s</div></div>'):format(
      picture, table.concat(lines), s.number, type(s.loss) == "number" and format("%.4g", s.loss)
        or "not finite")
  end
  return '<div class="cards">' .. table.concat(words) .. "</div>"
end

function M.grid(parts) return '<div class="grid">' .. table.concat(parts, "\n") .. "</div>" end
function M.flow(parts) return '<div class="flow">' .. table.concat(parts, "\n") .. "</div>" end
function M.wide(part) return '<div class="wide">' .. part .. "</div>" end

--- A part that is closed until the reader opens it.
function M.details(title, part)
  return ("<details><summary>%s</summary>%s</details>"):format(escape(title), part)
end

return M
