--- A page of HTML that needs no other file: its style, and parts of which it is made.

local format <const> = require "braid.format"
local svg <const> = require "braid.plot.draw.svg"
local text <const> = require "braid.plot.draw.text"

local M <const> = {}

M.escape = text.escape
local escape <const> = text.escape

--- Lines of text, each escaped.
function M.escape_lines(value) return (value:gsub("[^\n]+", escape)) end

local STYLE <const> = [[
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
 font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,
 "DejaVu Sans",sans-serif}
main{max-width:1240px;margin:0 auto;padding:24px 20px 60px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 12px;padding-top:12px;border-top:1px solid var(--grid)}
h3{font-size:14px;margin:0 0 6px}
p{margin:4px 0 12px;max-width:75ch}
.muted{color:var(--muted)}
nav{margin:12px 0 0;display:flex;flex-wrap:wrap;gap:4px 16px}
nav a{color:var(--s1)}
.tiles{display:flex;flex-wrap:wrap;gap:12px;margin:18px 0 0}
.tile{background:var(--box);border-radius:8px;padding:10px 16px;min-width:130px}
.tile b{display:block;font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums}
.tile span{color:var(--muted);font-size:13px}
.grid{display:grid;gap:16px 28px;align-items:start;
 grid-template-columns:repeat(auto-fill,minmax(min(100%,520px),1fr))}
.flow{display:flex;flex-wrap:wrap;gap:20px 36px;align-items:flex-start}
.wide{overflow-x:auto}
svg.braid{display:block;max-width:100%;height:auto}
.wide svg.braid{max-width:none}
table{border-collapse:collapse;font-size:14px}
th,td{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid var(--grid);vertical-align:top}
td{overflow-wrap:anywhere}
th{font-weight:600}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(158px,1fr));gap:14px}
.card{background:var(--box);border-radius:8px;padding:8px;font-size:12.5px;line-height:1.35;
 break-inside:avoid}
.card img{display:block;width:100%;height:auto;border-radius:4px;margin-bottom:6px}
.card div{overflow-wrap:anywhere}
.right::before{content:"\2713\00a0";color:var(--s3)}
.wrong::before{content:"\2717\00a0";color:var(--s2)}
.wrong{font-weight:600}
pre{font:12px/1.4 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;
 overflow-x:auto}
details summary{cursor:pointer;color:var(--muted)}
@media print{body{font-size:11px}main{max-width:none;padding:0}nav{display:none}
 h2{break-after:avoid}svg.braid,.tile,tr{break-inside:avoid}
 .grid{grid-template-columns:1fr 1fr;gap:10px}.cards{grid-template-columns:repeat(6,1fr)}
 .wide{overflow:visible}.wide svg.braid{max-width:100%}
 *{-webkit-print-color-adjust:exact;print-color-adjust:exact}}]]

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
    "<style>" .. svg.colours(":root") .. STYLE .. "</style></head><body><main>", head,
    "<nav>" .. table.concat(links) .. "</nav>", table.concat(bodies, "\n"),
    "</main></body></html>\n"}, "\n")
end

--- A table; right[i] = true sets column i to the right. Cells are text.
function M.table(header, rows, right)
  local lines <const> = {"<table>"}
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
  lines[#lines + 1] = "</table>"
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

--- A part that stays closed until the reader opens it.
function M.details(title, part)
  return ("<details><summary>%s</summary>%s</details>"):format(escape(title), part)
end

return M
