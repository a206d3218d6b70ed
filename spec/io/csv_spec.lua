--- The reader and writer of .csv files: separators, quotes, numbers, encodings, and messages.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"

local function read(text, options)
  local value <const>, message <const> = file.load("t.csv", text, options)
  if not value then return nil, message end
  assert.equal("float64", value.data.dtype)
  return {value.header or false, value.data:totable()}
end

describe(".csv files", function()
  for what, case in pairs{
    ["only numbers"] = {"1,2.5\n-3,4e-2\n", {false, {{1, 2.5}, {-3, 0.04}}}},
    ["no line end at the end"] = {"1,2", {false, {{1, 2}}}},
    ["names, CRLF and blank lines"] = {"\r\na,b\r\n\r\n1,2\r\n   \r\n3,4\r\n\r\n",
      {{"a", "b"}, {{1, 2}, {3, 4}}}},
    ["a byte order mark"] = {"\xEF\xBB\xBFa\n1\n", {{"a"}, {{1}}}},
    ["quotes"] = {"\"a,\"\"b\"\"\n\",c\n\"1\",2\n", {{"a,\"b\"\n", "c"}, {{1, 2}}}},
    ["blanks around numbers"] = {" 1 ,\t2\n", {false, {{1, 2}}}},
    ["only names"] = {"a,b\n", {{"a", "b"}, {}}},
    ["a column without a name"] = {",b\n1,2\n", {{"", "b"}, {{1, 2}}}},
    ["semicolons and decimal commas"] = {"a;b\n1,5;-2\n1.234,25;7e1\n",
      {{"a", "b"}, {{1.5, -2}, {1234.25, 70}}}},
    ["tabs"] = {"a\tb\r\n1,5\t\"2\"\r\n", {{"a", "b"}, {{1.5, 2}}}},
    ["bars"] = {"1|2\n3|4\n", {false, {{1, 2}, {3, 4}}}},
    ["a line that names the separator"] = {"sep=;\r\n1,25;2\r\n",
      {false, {{1.25, 2}}}},
    ["thousands separated by commas"] = {"\"1,234.5\",\"12,345,678\"\n\"1,000\",2\n",
      {false, {{1234.5, 12345678}, {1000, 2}}}},
    ["thousands separated by apostrophes and spaces"] = {"1'234.5;1 000\n2\u{A0}000.25;3\n",
      {false, {{1234.5, 1000}, {2000.25, 3}}}},
    ["percent"] = {"50%,12.5 %\n", {false, {{0.5, 0.125}}}},
    ["separators at the ends of lines"] = {"a,b,\n1,2,\n3,4,,\n,,,\n",
      {{"a", "b"}, {{1, 2}, {3, 4}}}},
    ["an empty name at the end"] = {"a,\n1,2\n", {{"a", ""}, {{1, 2}}}},
    ["lines that end in CR"] = {"a,b\r1,2\r3,4", {{"a", "b"}, {{1, 2}, {3, 4}}}},
    ["UTF-16"] = {"\xFF\xFEa\0\t\0\xE9\0\r\0\n\0001\0\t\0002\0\r\0\n\0",
      {{"a", "\u{E9}"}, {{1, 2}}}},
    ["big-endian UTF-16 without a byte order mark"] = {"\0a\0,\0b\0\n\0001\0,\0002\0\n",
      {{"a", "b"}, {{1, 2}}}},
    ["Windows-1252"] = {"gr\xF6\xDFe,\x80\n1,2\n", {{"gr\u{F6}\u{DF}e", "\u{20AC}"}, {{1, 2}}}},
    ["gzip"] = {"\x1F\x8B\8\0\0\0\0\0\0\3\1\4\0\xFB\xFF1,2\n\x33\x42\x21\x55\4\0\0\0",
      {false, {{1, 2}}}},
    ["blanks before a quote"] = {"1, \"2\" ,3\n", {false, {{1, 2, 3}}}},
    ["infinity and signs"] = {"inf,-Infinity,+1,.5,5.\n",
      {false, {{math.huge, -math.huge, 1, 0.5, 5}}}},
  } do
    it("are read: " .. what, function() assert.same(case[2], assert(read(case[1]))) end)
  end

  it("give a tensor (0, 2) for two names and no rows", function()
    assert.same({0, 2}, assert(file.load("t.csv", "a,b\n")).data.shape)
  end)

  it("are read with NaN as NaN", function()
    local x <const> = assert(file.load("t.csv", "nan,NaN\n")).data
    assert.same({true, true}, x[1]:ne(x[1]):totable())
  end)

  it("are read with the first line as names or numbers, as the option header says", function()
    assert.same({{"x", "2019"}, {{1, 2}}}, read("x,2019\n1,2\n", {header = true}))
    assert.same({{"2018", "2019"}, {{1, 2}}}, read("2018,2019\n1,2\n", {header = true}))
    local value <const>, message <const> = read("x,y\n1,2\n", {header = false})
    assert.is_nil(value)
    assert.equal("line 1, column 1: 'x' is not a number", message)
  end)

  for text, wanted in pairs{
    [""] = "it has no rows", ["\n \r\n"] = "it has no rows",
    ["1,2\n3\n"] = "line 2: 1 cells, but 2 in the lines before",
    ["a,b\n\n1,2,3\n"] = "line 3: 3 cells, but 2 in the lines before",
    ["1,2\n3,x\n"] = "line 2, column 2: 'x' is not a number",
    ["1,2\n,4\n"] = "line 2, column 1: '' is not a number",
    ["1\n0x10\n"] = "line 2, column 1: '0x10' is not a number",
    ["1\n1e\n"] = "line 2, column 1: '1e' is not a number",
    ["1\n1.2.3\n"] = "line 2, column 1: '1.2.3' is not a number",
    ["1\n1 2\n"] = "line 2, column 1: '1 2' is not a number",
    ["\"a\nb\"\nx\n"] = "line 3, column 1: 'x' is not a number",
    ["a,\"b\n1,2\n"] = "line 1: a quote is not closed",
    ["a\"b\n"] = "line 1, column 1: a quote inside a cell",
    ["a,\"b\"c\n"] = "line 1, column 2: more after a closed quote",
    ["id,2019\n1,2\n"] =
      "line 1, column 1: 'id' is not a number ({header = true} reads the line as names)",
    ["1,2\n1,2\0\n"] = "line 2: a zero byte: it is not text",
    ["PK\3\4 and more"] =
      "it is a workbook (.xlsx, .ods) or another zip file: save its sheet as .csv",
    ["<html>"] = "it is a web page: did the download fail?",
    ["a|b;c\n1,5;2.5\n"] =
      "line 2: '1,5' has a decimal comma and '2.5' in line 2 a point: say decimal = \",\" or \".\"",
    ["\"1,234\",5\n"] = "line 1: '1,234' can be a decimal comma or a mark of thousands: " ..
      "say decimal = \",\" or \".\"",
    ["1\n" .. ("x"):rep(99)] = "line 2, column 1: '" .. ("x"):rep(37) .. "...' is not a number",
  } do
    it(("are refused with line and column: %q"):format(text:sub(1, 20)), function()
      local value <const>, message <const> = read(text)
      assert.is_nil(value)
      assert.equal(wanted, message)
    end)
  end

  it("are read with decimal commas or points, as the option decimal says", function()
    assert.same({false, {{1.234, 5}}}, read("\"1,234\",5\n", {decimal = ","}))
    assert.same({false, {{1234, 5}}}, read("\"1,234\",5\n", {decimal = "."}))
    assert.error_matches(function() read("1\n", {decimal = ";"}) end, "decimal must be")
  end)

  it("give the same names and numbers after they are written and read", function()
    local header <const> = {"a", "b,\"c\"", " d\n", ""}
    local data <const> = braid.tensor({{1, 0.1, 1e300, -2}, {1 / 3, -0.0, math.huge, 2 ^ 53}},
      {dtype = "float64"})
    local bytes <const> = file.saved("t.csv", {header = header, data = data})
    assert.equal("a,\"b,\"\"c\"\"\",\" d\n\",\"\"\n1,0.1,1e+300,-2\n"
      .. "0.3333333333333333,-0,inf,9007199254740992\n", bytes)
    assert.same({header, data:totable()}, read(bytes))
  end)

  for _, case in ipairs{
    {braid.tensor{0.1, 1 / 3, 16777216, 1e-45}, "0.1\n0.33333334\n16777216\n1.4013e-45\n"},
    {braid.tensor({{1, -2}}, {dtype = "int64"}), "1,-2\n"},
    {braid.tensor{{true, false}}, "1,0\n"}, {braid.tensor({7}, {dtype = "uint8"}), "7\n"},
    {{header = {"x"}, data = braid.zeros(0, 1)}, "x\n"}, {braid.zeros(0, 2), ""},
  } do
    it(("are written from tensors: %q"):format(case[2]), function()
      assert.equal(case[2], file.saved("t.csv", case[1]))
    end)
  end

  it("keep every float32 exactly", function()
    local x <const> = braid.randn(50, 4)
    local again <const> = assert(file.load("t.csv", file.saved("t.csv", x))).data:to("float32")
    assert.same(x:totable(), again:totable())
  end)

  it("cannot be written from values that are not tables of numbers", function()
    for value, message in pairs{
      [1] = "save: a .csv wants a tensor", [braid.ones(1, 2, 3)] = "save: a .csv wants a tensor",
      [{}] = "save: a .csv wants a tensor",
      [{header = {"a"}, data = braid.ones(2, 2)}] = "must name its 2 columns$",
      [{header = {"a", 2}, data = braid.ones(2, 2)}] = "must be strings$",
    } do
      assert.error_matches(function() braid.save("x.csv", value) end, message)
    end
    assert.error_matches(function() braid.load("x.csv", {heder = true}) end,
      "load: there is no option 'heder'; there is decimal, header; did you mean header%?$")
  end)
end)
