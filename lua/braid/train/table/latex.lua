--- Writes a table of results for LaTeX, with the rules of booktabs (\usepackage{booktabs}).

local ARROWS <const> = {min = " $\\downarrow$", max = " $\\uparrow$"}
local ESCAPES <const> = {["\\"] = "\\textbackslash{}", ["~"] = "\\textasciitilde{}",
  ["^"] = "\\textasciicircum{}", ["<"] = "\\textless{}", [">"] = "\\textgreater{}",
  ["|"] = "\\textbar{}", ["\""] = "\\textquotedbl{}"}

local function escaped(text)
  return (text:gsub("%s*[\r\n]+%s*", " "):gsub("[\\~^<>|\"&%%$#_{}]", function(c)
    return ESCAPES[c] or "\\" .. c
  end):gsub("±", "$\\pm$"):gsub("×", "$\\times$"))
end

local MARKS <const> = {best = "\\textbf{%s}", near = "\\textit{%s}"}

local function cell_of(cell)
  if cell.text then return escaped(cell.text) end
  if not cell.shown then return "--" end
  local function marked(text) return cell.mark and MARKS[cell.mark]:format(text) or text end
  return marked(cell.shown) .. (cell.spread and " $\\pm$ " .. marked(cell.spread) or "")
    .. (cell.count and (" (%s)"):format(cell.count) or "")
end

return function(t)
  local head <const>, lines <const> = {escaped(t.first)}, {}
  local function put(text) lines[#lines + 1] = text end
  for _, c in ipairs(t.columns) do
    head[#head + 1] = escaped(c.title) .. (c.unit and ", " .. escaped(c.unit) or "")
      .. (ARROWS[c.direction] or "")
  end
  put("% \\usepackage{booktabs}")
  put("\\begin{table}\n  \\centering")
  if t.title then put(("  \\caption{%s}"):format(escaped(t.title))) end
  put(("  \\begin{tabular}{l%s}"):format(("r"):rep(#t.columns)))
  put("    \\toprule\n    " .. table.concat(head, " & ") .. " \\\\\n    \\midrule")
  for i, name in ipairs(t.names) do
    local cells <const> = {escaped(name)}
    -- LaTeX would read a [ as an option of the line above
    if cells[1]:sub(1, 1) == "[" then cells[1] = "{}" .. cells[1] end
    for _, c in ipairs(t.columns) do cells[#cells + 1] = cell_of(c.cells[i]) end
    put("    " .. table.concat(cells, " & ") .. " \\\\")
  end
  put("    \\bottomrule\n  \\end{tabular}")
  for _, note in ipairs(t.notes) do put("\n  " .. escaped(note)) end
  put("\\end{table}")
  return table.concat(lines, "\n")
end
