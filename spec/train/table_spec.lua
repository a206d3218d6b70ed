--- Tables of results: their text in every format, with any characters in the names.

local braid <const> = require "braid"
local sheet <const> = require "braid.io.sheet"
local shell <const> = require "spec.support.shell"

local table_of <const> = braid.train.table

local COLUMNS <const> = {{name = "failure", percent = true, direction = "min"},
  {name = "accuracy", direction = "max"}, {name = "parameters"},
  {name = "macs", title = "MACs", short = true}, {name = "note"}}

local function sample(names)
  return table_of(COLUMNS, {
    {names[1], failure = {0.3281, 0.3312, 0.3299}, accuracy = {0.91, 0.93}, parameters = 79741,
      macs = 3400000, note = names[3]},
    {names[2], failure = {0.2331, 0.2312, 0.2399}, accuracy = {0.92, 0.94, 0.93},
      parameters = 1218221, macs = 38600000},
  }, {title = "runs", near = {accuracy = {[names[1]] = true}}, notes = {"bold: best mean"}})
end

describe("a table of results", function()
  local t <const> = sample{"hard", "dcnet", "x"}

  it("prints means and deviations with significant digits, and marks the best mean", function()
    assert.equal([[
runs
network   failure % ↓                accuracy ↑    parameters    MACs  note
hard     32.97 ± 0.16    0.920 ± 0.014 (2 of 3) ~      79,741   3.4 M     x
dcnet    23.47 ± 0.46 *           0.930 ± 0.010 *   1,218,221  38.6 M     -
bold: best mean]], t:text(100))
  end)

  it("can be written as Markdown, LaTeX, HTML and CSV", function()
    assert.equal([[
**runs**

| network | failure, % ↓ | accuracy ↑ | parameters | MACs | note |
| --- | ---: | ---: | ---: | ---: | ---: |
| hard | 32.97 ± 0.16 | *0.920 ± 0.014* (2 of 3) | 79,741 | 3.4 M | x |
| dcnet | **23.47 ± 0.46** | **0.930 ± 0.010** | 1,218,221 | 38.6 M | - |

bold: best mean]], t:markdown())
    local latex <const> = t:latex()
    for _, line in ipairs{"\\begin{tabular}{lrrrrr}", "\\toprule", "\\caption{runs}",
      "network & failure, \\% $\\downarrow$ & accuracy $\\uparrow$ & parameters & MACs & note \\\\",
      "dcnet & \\textbf{23.47} $\\pm$ \\textbf{0.46} & \\textbf{0.930} $\\pm$ \\textbf{0.010} & "
        .. "1,218,221 & 38.6 M & -- \\\\"} do
      assert(latex:find(line, 1, true), line)
    end
    local html <const> = t:html()
    for _, line in ipairs{"<td><b>23.47 ± 0.46</b></td>", "<td><i>0.920 ± 0.014</i> (2 of 3)</td>",
      '<th scope="col" title="less is better">failure, % ↓</th>', "<td>–</td>"} do
      assert(html:find(line, 1, true), line)
    end
    local rows <const> = sheet.read(t:csv())
    assert.equal("network, failure (%), failure (%) deviation, failure (%) n, accuracy, "
      .. "accuracy deviation, accuracy n, parameters, MACs, note", table.concat(rows[1], ", "))
    assert(math.abs(tonumber(rows[2][2]) - 100 * (0.3281 + 0.3312 + 0.3299) / 3) < 1e-12)
    assert.same({"2", "79741", "3400000", "x"}, table.move(rows[2], 7, 10, 1, {}))
  end)

  it("escapes characters in names that are special in a format", function()
    for _, case in ipairs{
      {"a|b_c*d", "a\\|b\\_c\\*d", "a\\textbar{}b\\_c*d", "a|b_c*d"},
      {"<b>&\"'", "&lt;b&gt;&amp;\"'", "\\textless{}b\\textgreater{}\\&\\textquotedbl{}'",
        "&lt;b&gt;&amp;&quot;&#39;"},
      {"50% of $x^2$", "50% of $x^2$", "50\\% of \\$x\\textasciicircum{}2\\$", "50% of $x^2$"},
      {"a\\b{c}~#", "a\\\\b\\{c\\}\\~\\#", "a\\textbackslash{}b\\{c\\}\\textasciitilde{}\\#",
        "a\\b{c}~#"},
      {"Größe ± 1", "Größe ± 1", "Größe $\\pm$ 1", "Größe ± 1"},
      {"two\nlines", "two lines", "two lines", "two\nlines"},
      {"[1cm]", "\\[1cm\\]", "{}[1cm]", "[1cm]"},
    } do
      local name <const> = case[1]
      local odd <const> = sample{name, "z", name}
      assert(odd:markdown():find("| " .. case[2] .. " | 32", 1, true), odd:markdown())
      assert(odd:latex():find("    " .. case[3] .. " & 32", 1, true), odd:latex())
      assert(odd:html():find('<th scope="row">' .. case[4] .. "</th>", 1, true), odd:html())
      local rows <const> = sheet.read(odd:csv())
      assert.equal(name, rows[2][1])
      assert.equal(name, rows[2][10])
      assert.equal(5, select(2, odd:text(200):gsub("\n", "")) + 1)
    end
  end)

  it("continues the columns below where the terminal is too narrow", function()
    for width = 20, 100, 10 do
      local lines <const> = {}
      for line in t:text(width):gmatch("[^\n]+") do lines[#lines + 1] = line end
      for _, line in ipairs(lines) do assert(utf8.len(line) <= math.max(width, 37), line) end
    end
    assert.equal(5, select(2, t:text(20):gsub("\nhard", "")))
  end)

  it("leaves out and counts values that are not finite, and marks missing cells", function()
    local few <const> = table_of({{name = "e", direction = "min"}, {name = "f"}},
      {{"a", e = {0.5, 0 / 0, 0.7}}, {"b", e = {0 / 0, 0 / 0}}, {"c", e = {}}, {"d", e = 1 / 0},
        {"e", e = {0.25}}, {"f", f = -12345}})
    assert.equal([[
network e ↓ f
a 0.60 ± 0.14 (2 of 3) -
b nan -
c - -
d inf -
e 0.25 (1 of 3) * -
f - -12,345]], (few:text(100):gsub(" +", " "):gsub(" \n", "\n")))
    assert.same({e = true}, few:best("e"))
    assert.same({}, few:best("f"))
  end)

  it("is written in the format that the path's ending names", function()
    shell.in_directory(function(dir)
      for ending, method in pairs{txt = "text", md = "markdown", csv = "csv", tex = "latex",
        html = "html"} do
        t:write(dir .. "/t." .. ending)
        assert.equal(t[method](t) .. "\n", shell.read(dir .. "/t." .. ending))
      end
      assert.error_matches(function() t:write(dir .. "/t.doc") end, "must end in .txt, .md, .csv")
      assert.error_matches(function() t:write(dir .. "/none/t.md") end, "cannot write")
    end)
  end)

  it("refuses cells without a column, and values that are not cells", function()
    assert.error_matches(function() table_of({{name = "error"}}, {{"a", eror = 1}}) end,
      "row 'a' has a cell 'eror', but there is no such column; did you mean error?")
    assert.error_matches(function() table_of({{name = "error"}}, {{"a", error = print}}) end,
      "error of row 'a' must be a number, a list of numbers or a text, not a function")
    assert.error_matches(function() table_of({{name = "error", direction = "up"}}, {}) end,
      "entry 1 is")
    assert.error_matches(function() t:best("eror") end, "there is no column 'eror'")
  end)
end)
