--- Tests data.csv and data.jsonl on tables as users have them: written by spreadsheets, with other
-- separators, with wrong lines.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local trees <const> = require "spec.support.reader_trees"
local data <const> = braid.data

local column <const>, said <const>, with <const> = trees.column, trees.said, trees.with
local all_read <const>, names <const> = trees.all_read, trees.names

-- ---- tables ---------------------------------------------------------------------------------

describe("data.csv", function()
  local function rows(text, o)
    local ds
    with({["t.csv"] = text}, function(dir) ds = data.csv(dir .. "/t.csv", o).train end)
    return ds
  end
  local function complaint(text, o)
    return said({["t.csv"] = text}, function(dir) data.csv(dir .. "/t.csv", o) end)
  end

  for what, text in pairs{
    ["semicolons and decimal commas"] = "path;age;kind\r\na.png;1,5;x\r\nb.png;2;y\r\n",
    ["tabs"] = "path\tage\tkind\na.png\t1.5\tx\nb.png\t2\ty\n",
    ["bars"] = "path|age|kind\na.png|1.5|x\nb.png|2|y\n",
    ["a line that names the separator"] = "sep=;\r\npath;age;kind\r\na.png;1,5;x\r\nb.png;2;y",
    ["a byte order mark"] = "\u{FEFF}path,age,kind\na.png,1.5,x\nb.png,2,y\n",
    ["lines that end in CR"] = "path,age,kind\ra.png,1.5,x\rb.png,2,y\r",
    ["quotes and blanks"] = '"path", "age", "kind"\n"a.png", "1.5", "x"\n"b.png","2", y \n',
    ["separators at the ends"] = "path,age,kind,,\na.png,1.5,x,,\nb.png,2,y\n,,,,\n\n",
    ["the numbers of pandas"] = ",path,age,kind\n0,a.png,1.5,x\n1,b.png,2,y\n",
    ["the numbers of pandas, twice"] = "Unnamed: 0,path,age,kind\n0,a.png,1.5,x\n1,b.png,2,y\n",
    ["shares"] = "path,age,kind\na.png,150%,x\nb.png,200 %,y\n",
    ["marks of thousands"] = 'path,age,kind\na.png,"0,001.5",x\nb.png,2,y\n',
    ["names in capitals"] = "Path,age,kind\na.png,1.5,x\nb.png,2,y\n",
    ["UTF-16"] = (("\u{FEFF}path\tage\tkind\r\na.png\t1,5\tx\r\nb.png\t2\ty\r\n"):gsub(
      utf8.charpattern, function(c) return string.pack("<I2", utf8.codepoint(c)) end)),
  } do
    it("reads a table with " .. what, function()
      if what == "marks of thousands" then text = text:gsub("0,001.5", "1.5") end
      local ds <const> = rows(text)
      assert.same({age = "real", kind = "class"}, ds.kinds)
      assert.same({1.5, 2}, column(ds, "age"))
      assert.same({1, 2}, column(ds, "kind"))
      assert.same({"a.png", "b.png"}, names(ds))
    end)
  end

  it("reads thousands separators where they are unambiguous", function()
    assert.same({1234.5, 2}, column(rows('path,v\na,"1,234.5"\nb,2\n'), "v"))
    assert.same({1234.5, 2}, column(rows("path;v\na;1.234,5\nb;2\n"), "v"))
    assert.same({1234, 2}, column(rows('path,v\na,"1,234"\nb,2\n', {decimal = "."}), "v"))
    assert.matches("line 2: '1,234' can be a decimal comma or a mark of thousands: say decimal",
      complaint('path,v\na,"1,234"\nb,2\n'))
  end)

  it("reads the Windows character set, and line breaks in quotes", function()
    local ds <const> = rows('path,kind\na.png,"gro\xDF"\nb.png,"two\nlines"\n')
    assert.same({"gro\u{DF}", "two\nlines"}, ds.classes.kind)
  end)

  it("takes a word as a missing value only if missing names it; the error says so", function()
    for _, word in ipairs{"NA", "N/A", "NULL", "null", "None", "-", "?"} do
      local text <const> = "path,age\na.png,1\nb.png," .. word .. "\nc.png,3\n"
      assert.matches("DIR/t.csv:3: column 'age': '" .. word .. "' is not a number from -1e9 to "
        .. "1e9; if it marks a missing value: missing = {\"" .. word .. "\"}", complaint(text),
        1, true)
      for _, missing in ipairs{word, {word}, {age = word}, {age = {word, "x"}}} do
        assert.same({1, false, 3}, column(rows(text, {missing = missing}), "age"))
      end
      assert.error(function() rows(text, {missing = {other = word}}) end)
    end
    assert.same({1, false, 3}, column(rows("path,a\nx,1\ny,-1.0\nz,3\n", {missing = -1}), "a"))
    assert.same({1, false, false}, column(rows("path,a\nx,1\ny,\nz,NaN\n"), "a"))
  end)

  it("takes classes that are numbered from the option from", function()
    local text <const> = "path,k\na,0\nb,3\nc,-1\n"
    assert.same({2, 3, 1}, column(rows(text, {classes = {"k"}}), "k"))
    local ds <const> = rows(text, {classes = {"k"}, from = 0, missing = -1})
    assert.same({1, 4, false}, column(ds, "k"))
    assert.same({"0", "1", "2", "3"}, ds.classes.k)
    assert.same({2, 5, 1}, column(rows(text, {classes = {"k"}, from = {k = -1}}), "k"))
    assert.matches("DIR/t.csv:4: column 'k': '-1' is not a whole number from 0", complaint(text,
      {classes = {"k"}, from = 0}), 1, true)
    assert.matches("DIR/t.csv:2: column 'k': 'x' is not a whole number from 1", complaint(
      "path,k\na,x\n", {classes = {"k"}, from = 1}), 1, true)
    assert.matches("classes in DIR/t.csv:2", complaint("path,k\na,1000000000\n",
      {classes = {"k"}, from = 1}), 1, true)
  end)

  it("finds pictures whose paths have backslashes, other case or no folder or ending", function()
    with({["t.csv"] = "path,k\nimgs\\a.png,1\nIMGS/B.PNG,2\n./imgs/c.png,3\n", ["imgs/a.png"] =
      "picture", ["IMGS/b.png"] = "picture", ["imgs/c.png"] = "picture"}, function(dir)
      all_read(data.csv(dir .. "/t.csv").train)
    end)
    for _, text in ipairs{"id,k\na,1\nb,2\n", "id,k\na.jpg,1\nb.jpg,2\n",
      "id,k\nA.PNG,1\nb.png,2\n"} do
      with({["t.csv"] = text, ["images/a.png"] = "picture", ["images/b.png"] = "picture"},
        function(dir) all_read(data.csv(dir .. "/t.csv", {image = "id", check = true}).train) end)
    end
    with({["t.csv"] = "path,k\nsub/a.png,1\n", ["else/sub/a.png"] = "picture"}, function(dir)
      all_read(data.csv(dir .. "/t.csv", {root = dir .. "/else/"}).train)
      shell.write(dir .. "/u.csv", "path,k\n" .. dir .. "/else/sub/a.png,1\n")
      all_read(data.csv(dir .. "/u.csv", {root = "/no/where"}).train)
    end)
    assert.matches("DIR/t.csv:2: column 'path': 'C:\\data\\a.png' is a path of Windows",
      complaint("path,k\nC:\\data\\a.png,1\n"), 1, true)
    assert.matches("is an address: pictures are read from files",
      complaint("path,k\nhttps://example.org/a.png,1\n"), 1, true)
  end)

  it("leaves out pictures that cannot be read with check = true", function()
    with({["t.csv"] = "path,k,set\na.png,1,train\nb.png,2,train\nc.png,3,Test\n", ["a.png"] =
      "picture", ["b.png"] = "x", ["c.png"] = "picture"}, function(dir)
      local sets <const> = data.csv(dir .. "/t.csv", {check = true, split = "set"})
      assert.same({1, 1, 1}, {#sets.train, #sets.test, sets.train.unreadable})
      assert.matches("b.png", sets.test.first_unreadable, 1, true)
    end)
  end)

  it("takes 1 and 1.0 as one class, and shortens long lists of names in errors", function()
    assert.same({1, 1, 2}, column(rows("path,k\na,1\nb,1.0\nc,02\n", {classes = {"k"}}), "k"))
    local wide <const> = {"label"}
    for i = 2, 785 do wide[i] = "p" .. i end
    assert.matches("There is label, p2, .*, p20 and 765 more: say image = ...$",
      complaint(table.concat(wide, ",") .. "\n1" .. (",0"):rep(784) .. "\n"))
  end)

  it("refuses workbooks, binary files, and a first line without names", function()
    assert.matches("DIR/t.csv: it is a workbook (.xlsx", complaint("PK\3\4xxxx"), 1, true)
    assert.matches("DIR/t.csv: it is a workbook of Excel", complaint("\xD0\xCF\x11\xE0xx"), 1, true)
    assert.matches("DIR/t.csv: line 2: a zero byte", complaint("path,a\nx\0,1\n"), 1, true)
    assert.matches("if the first line names no columns: header = false",
      complaint("a.png,1\nb.png,2\n"))
    assert.matches("DIR/t.csv: line 3: 1 cells, but 2 in the lines before",
      complaint("path,a\nx,1\ny\n"), 1, true)
  end)
end)

describe("data.jsonl", function()
  local function rows(text, o)
    local ds
    with({["t.jsonl"] = text}, function(dir) ds = data.jsonl(dir .. "/t.jsonl", o).train end)
    return ds
  end

  it("reads blank lines, byte order marks, a list of objects, and NaN of Python", function()
    for _, text in ipairs{
      '\u{FEFF}{"path": "a", "v": 1}\r\n\r\n{"path": "b", "v": NaN}\r\n',
      '[{"path": "a", "v": 1}, {"path": "b", "v": null}]',
      ' \n[\n{"path": "a", "v": 1},\n{"path": "b"}\n]\n',
      '{"path": "a", "v": 1}\r{"path": "b", "v": NaN}\r',
    } do
      assert.same({1, false}, column(rows(text, {reals = {"v"}}), "v"))
    end
  end)

  it("names the form of a file that is not one object on each line", function()
    for _, text in ipairs{'{\n"path": {"0": "a"}\n}\n', '{\n "images": [1]}'} do
      assert.matches("DIR/t.jsonl:1: json: .* %(the file is one value of JSON over many lines;",
        said({["t.jsonl"] = text}, function(dir) data.jsonl(dir .. "/t.jsonl") end))
    end
    local sparse <const> = {}
    for i = 1, 3000 do sparse[i] = ('{"path": "%d", "k%d": 1}'):format(i, i) end
    assert.matches("3001 columns, and most of their %d+ cells are missing: say which",
      said({["t.jsonl"] = table.concat(sparse, "\n")},
        function(dir) data.jsonl(dir .. "/t.jsonl") end))
  end)
end)
