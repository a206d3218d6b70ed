--- Writes a table of results as HTML: a <table> for any page, with the few styles that it needs.

local ARROWS <const> = {min = " ↓", max = " ↑"}
local SPOKEN <const> = {min = "less is better", max = "more is better"}

local function escaped(text)
  return (text:gsub("[&<>\"']", {["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
    ["\""] = "&quot;", ["'"] = "&#39;"}))
end

local MARKS <const> = {best = "<b>%s</b>", near = "<i>%s</i>"}

local function cell_of(cell)
  if cell.text then return escaped(cell.text) end
  if not cell.shown then return "–" end
  local text <const> = cell.shown .. (cell.spread and " ± " .. cell.spread or "")
  return (cell.mark and MARKS[cell.mark]:format(text) or text)
    .. (cell.count and (" (%s)"):format(cell.count) or "")
end

local STYLE <const> = [[
<style>
.braid-table{border-collapse:collapse;font-variant-numeric:tabular-nums}
.braid-table caption{text-align:left;font-weight:bold;padding:.3em 0}
.braid-table th,.braid-table td{padding:.25em .7em;text-align:right;white-space:nowrap;
  border-bottom:1px solid rgba(128,128,128,.35)}
.braid-table th:first-child{text-align:left}
.braid-table tbody th{font-weight:normal}
</style>]]

local function html(t)
  local lines <const> = {STYLE, '<table class="braid-table">'}
  local function put(form, ...) lines[#lines + 1] = form:format(...) end
  if t.title then put("<caption>%s</caption>", escaped(t.title)) end
  put('<thead><tr><th scope="col">%s</th>', escaped(t.first))
  for _, c in ipairs(t.columns) do
    put('<th scope="col"%s>%s%s</th>', c.direction and (' title="%s"'):format(SPOKEN[c.direction])
      or "", escaped(c.title) .. (c.unit and ", " .. escaped(c.unit) or ""),
      ARROWS[c.direction] or "")
  end
  put("</tr></thead>\n<tbody>")
  for i, name in ipairs(t.names) do
    put('<tr><th scope="row">%s</th>', escaped(name))
    for _, c in ipairs(t.columns) do put("<td>%s</td>", cell_of(c.cells[i])) end
    put("</tr>")
  end
  put("</tbody></table>")
  for _, note in ipairs(t.notes) do put("<p>%s</p>", escaped(note)) end
  return table.concat(lines, "\n")
end

return {html = html, escaped = escaped, style = STYLE}
