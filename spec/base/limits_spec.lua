--- Tests braid.limits, which bound what a file may ask for, and that the time to read a file is at
-- most proportional to its size.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local csv <const> = require "braid.io.csv"
local file <const> = require "spec.support.file"
local files <const> = require "braid.io.files"
local json <const> = require "braid.io.json"
local pictures <const> = require "spec.support.odd_pictures"
local shell <const> = require "spec.support.shell"
local torch_file <const> = require "spec.support.torch_file"
local trees <const> = require "spec.support.reader_trees"

local limits <const> = braid.limits

local function reader(name)
  local parse <const> = require("braid.io." .. name).parse
  return function(bytes) return parse(files.view(bytes, "file")) end
end

local function loaded(name)
  return function(bytes) return file.load(name, bytes) end
end

-- A deflated entry of n zero bytes in a zip file.
local function zip_bomb(n)
  local path <const> = os.tmpname()
  local script <const> = ("import zipfile; z = zipfile.ZipFile(%q, 'w', zipfile.ZIP_DEFLATED); "
    .. "z.writestr('a.npy', bytes(%d)); z.close()"):format(path, n)
  local made <const> = os.execute(("python3 -c \"%s\""):format(script:gsub('"', "'")))
  local bytes <const> = made and files.read(path)
  os.remove(path)
  return bytes
end

local count = 0

-- Returns a function that writes bytes to a file and reads it with a reader of braid.data.
local function data_reader(name, file_name, others, options)
  count = count + 1
  local dir <const> = trees.directory("limits" .. count)
  trees.put(dir, others or {})
  return function(bytes)
    shell.write(dir .. "/" .. file_name, bytes)
    return (braid.data[name](trees.readers[name].file and dir .. "/" .. file_name or dir, options))
  end
end

local MTFL <const> = trees.readers.mtfl
local read_csv <const>, read_jsonl <const> = data_reader("csv", "t.csv"),
  data_reader("jsonl", "t.jsonl")
local read_pts <const> = data_reader("pts", "1.pts", {["1.png"] = "picture"})
local read_mtfl <const> = data_reader("mtfl", "training.txt", MTFL, {val = 1})
local read_list <const> = data_reader("celeba", "list_attr_celeba.txt", {["1.png"] = "picture"})
local read_idx <const> = data_reader("idx", "train-images-idx3-ubyte", trees.readers.idx)
local read_cifar <const> = data_reader("cifar100", "train.bin", trees.readers.cifar100)

local PTH <const> = torch_file.sample()
local NESTED <const> = torch_file.bytes(torch_file.list(torch_file.list(torch_file.list())))
local SPREAD <const> = torch_file.bytes(torch_file.tensor(torch_file.storage("Float", "0", 1), 0,
  {25}, {0}), {torch_file.floats(1)})

local views <const> = {}
for i = 1, 9 do
  views[i] = torch_file.tensor(torch_file.storage("Float", "0", 9), 0, {i}, {1})
end
local VIEWS <const> = torch_file.bytes(torch_file.list(table.unpack(views)), {("x"):rep(36)})

-- The limit, a value for it, how a file is read, a file that needs more, and how much it needs.
local TENSORS <const> = {a = braid.ones(3), b = braid.ones(2), c = braid.ones(2)}
local BEYOND <const> = {
  {"pixels", 98, loaded("t.png"), pictures.pngs.gray16, 99},
  {"pixels", 63, loaded("t.jpg"), pictures.jpegs.baseline, 64},
  {"picture", 40, loaded("t.png"), pictures.pngs.gray16, #pictures.pngs.gray16},
  {"elements", 2, reader "safetensors", file.saved("t.safetensors", TENSORS), 3},
  {"elements", 2, reader "npy", file.saved("t.npy", TENSORS.a), 3},
  {"elements", 2, reader "npz", file.saved("t.npz", TENSORS), 3},
  {"elements", 2, reader "caffemodel", file.caffemodel{{"conv", TENSORS.a}}, 3},
  {"elements", 5, reader "pth", PTH, 6},
  {"header", 99, reader "pth", PTH},
  {"members", 7, reader "pth", VIEWS, 8},
  {"values", 50, reader "pth", PTH, 51},
  {"depth", 2, reader "pth", NESTED, 3},
  {"inflated", 95, reader "pth", SPREAD, 96},
  {"header", 99, reader "safetensors", file.saved("t.safetensors", TENSORS)},
  {"header", 9, reader "npy", file.saved("t.npy", TENSORS.a), 118},
  {"header", 99, reader "npz", file.saved("t.npz", TENSORS)},
  {"members", 2, reader "safetensors", file.saved("t.safetensors", TENSORS), 3},
  {"members", 2, reader "npz", file.saved("t.npz", TENSORS), 3},
  {"members", 2, reader "caffemodel",
    file.caffemodel{{"a", TENSORS.a}, {"b", TENSORS.b}, {"c", TENSORS.c}}, 3},
  {"values", 4, json.decode, "[1, 2, 3, 4]", 5},
  {"values", 4, reader "safetensors", file.saved("t.safetensors", TENSORS), 5},
  {"depth", 3, json.decode, "[[[[1]]]]", 4},
  {"inflated", 99, reader "npz", file.deflated(TENSORS.a), 140},
  {"text", 9, loaded("t.csv"), "1,2,3\n4,5,6\n", 12},
  {"line", 9, csv.parse, "1,2,3\n4,5,678901234\n", 13},
  {"cells", 5, csv.parse, "1,2,3\n4,5,6\n", 6},
  {"columns", 2, csv.parse, "1,2,3\n4,5,6\n", 3},
  {"text", 20, read_csv, "path,a\nx.png,1\ny.png,2\n", 23},
  {"line", 12, read_csv, "path,a\nx.png,1\ny.png,2345678\n", 13},
  {"cells", 5, read_csv, "path,a\nx.png,1\ny.png,2\n", 6},
  {"columns", 1, read_csv, "path,a\nx.png,1\ny.png,2\n", 2},
  {"members", 3, data_reader("csv", "t.csv", nil, {classes = {"a"}, from = 1}), "path,a\nx,4\n", 4},
  {"text", 20, read_jsonl, '{"path": "a", "b": 1}\n', 22},
  {"line", 20, read_jsonl, '{"path": "a", "b": 1}\n', 21},
  {"cells", 3, read_jsonl, '{"path": "a", "b": 1}\n{"path": "a", "b": 1}\n', 4},
  {"columns", 1, read_jsonl, '{"path": "a", "b": 1}\n', 2},
  {"values", 3, read_jsonl, '{"path": "a", "b": [1, 2, 3]}\n', 4},
  {"depth", 2, read_jsonl, '{"path": "a", "b": [[1]]}\n', 3},
  {"text", 15, read_pts, "n_points: 1\n{\n3 4\n}\n", 20},
  {"line", 10, read_pts, "n_points: 1\n{\n3 4\n}\n", 11},
  {"text", 60, read_mtfl, MTFL["training.txt"], #MTFL["training.txt"]},
  {"line", 40, read_mtfl, MTFL["training.txt"], #MTFL["training.txt"] // 2 - 1},
  {"text", 20, read_list, "1\nSmiling Young\n1.jpg -1 1\n", 27},
  {"columns", 1, read_list, "1\nSmiling Young\n1.jpg -1 1\n", 2},
  {"elements", 11, read_idx, trees.readers.idx["train-images-idx3-ubyte"], 28},
  {"elements", 3000, read_cifar, trees.readers.cifar100["train.bin"], 3074},
}

describe("braid.limits", function()
  it("has a value for each limit, and nil restores the default", function()
    local seen <const> = {}
    for name, value in pairs(limits) do
      seen[#seen + 1] = name
      assert.equal("integer", math.type(value))
      limits[name] = value - 1
      assert.equal(value - 1, limits[name])
      limits[name] = nil
      assert.equal(value, limits[name])
      assert.matches("\n?" .. name .. " +" .. value, tostring(limits))
      limits[name] = math.huge
      assert.is_true(limits[name] >= value)
      limits[name] = nil
    end
    assert.is_true(#seen > 9)
  end)

  it("allows pictures of 100 million pixels, but not of 16000 x 16000", function()
    assert.is_true(limits.pixels >= 100e6 and limits.pixels < 16000 * 16000)
  end)

  it("refuses values that are not whole numbers in range, and unknown names", function()
    for name in pairs(limits) do
      for _, value in ipairs{0, -1, 1.5, 0 / 0, -math.huge, math.mininteger, math.maxinteger, 1e300,
        "9", {}, true} do
        local ok <const>, message <const> = pcall(function() limits[name] = value end)
        assert.is_false(ok)
        assert.matches("limits_spec%.lua:%d+: limits%." .. name .. ": must be a whole number "
          .. "from 1 to %d+ ", message)
      end
    end
    for _, name in ipairs{"pixls", "over", "bound", 1, true} do
      assert.error_matches(function() limits[name] = 5 end, "limits: there is no limit")
    end
    assert.error_matches(function() return limits.pixls end,
      "there is no limit 'pixls'; there is pixels, ")
  end)

  for _, case in ipairs(BEYOND) do
    local name <const>, value <const>, read <const>, bytes <const> = table.unpack(case)
    it("refuses a file that needs more " .. name .. ", and says how to allow it", function()
      assert.is_truthy((read(bytes)))
      limits[name] = value
      local ok, result, message = pcall(read, bytes)
      limits[name] = nil
      if not ok then message = result else assert.is_nil(result) end
      local wanted <const> = ("%%f[%%d]%s .*and braid%%.limits%%.%s is %d; if you trust the "
        .. "file: braid%%.limits%%.%s = (%%d+)"):format(case[5] or "%d+", name, value, name)
      assert.matches(wanted, message)
      limits[name] = tonumber(message:match(" = (%d+)")) * 30
      ok, result = pcall(read, bytes)
      limits[name] = nil
      assert.is_true(ok and result ~= nil)
    end)
  end

  it("stops a packed file before it takes memory", function()
    local bomb <const> = zip_bomb(40 << 20)
    if not bomb then return pending("needs python3") end
    limits.inflated = 1 << 20
    collectgarbage()
    core.reset_peak()
    local before <const>, text <const> = braid.memory().peak, collectgarbage("count")
    local t <const>, message <const> = reader "npz"(bomb)
    limits.inflated = nil
    assert.is_nil(t)
    assert.matches("41943040 bytes unpacked, up to 'a.npy', and braid.limits.inflated", message)
    assert.is_true(braid.memory().peak - before < 1 << 20)
    assert.is_true(collectgarbage("count") - text < 1 << 10)
  end)
end)

-- ---- time -----------------------------------------------------------------------------------

-- Counts the hundreds of instructions of Lua in f, and measures its processor time in seconds.
local function cost(f, ...)
  local steps = 0
  collectgarbage()
  collectgarbage("stop")
  debug.sethook(function() steps = steps + 1 end, "", 100)
  local begun <const> = os.clock()
  pcall(f, ...)
  local seconds <const> = os.clock() - begun
  debug.sethook()
  collectgarbage("restart")
  return steps, seconds
end

local function rep(text) return function(n) return text:rep(n // #text) end end
local function between(a, text, b)
  return function(n) return a .. text:rep(n // #text) .. b end
end

local function listed(format, a, b, joint)
  return function(n)
    local parts <const> = {}
    for i = 1, n // 40 do parts[i] = format:format(i) end
    return (a or "") .. table.concat(parts, joint or ",") .. (b or "")
  end
end

local function headed(make)
  return function(n) return string.pack("<s8", make(n)) end
end

-- The format, its reader, {what = a function that makes a text of about n bytes}
local SHAPES <const> = {
  {"JSON", json.decode, {
    blanks = rep(" "), nested = rep("["), objects = rep('{"a":'), quotes = rep('"'),
    escapes = between('"', "\\u00e9", '"'), digits = between("", "1", "x"), minus = rep("-"),
    ["a list of words"] = between("[", "true,", "1]"), letters = rep("n"),
    keys = listed('"key %d": 0', "{", "}"), ["a key again"] = between("{", '"a": 1,', "}"),
    ["blanks between"] = between("[1", "   ,     1", "]"),
  }},
  {"safetensors", reader "safetensors", {
    tensors = headed(listed('"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}', "{", "}")),
    backwards = headed(function(n)
      local parts <const> = {}
      for i = n // 60, 1, -1 do
        parts[#parts + 1] = ('"t%09d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'):format(i)
      end
      return "{" .. table.concat(parts, ",") .. "}"
    end),
    metadata = headed(listed('"k%d": "v"', '{"__metadata__":{', "}}")),
    shapes = headed(between('{"a":{"shape":[', "0,", "0]}}")), blanks = headed(rep(" ")),
  }},
  {".npy", reader "npy", {
    blanks = function(n)
      return "\x93NUMPY\2\0" .. string.pack("<s4", "{" .. (" "):rep(n) .. "}")
    end,
    shape = function(n)
      return "\x93NUMPY\2\0" .. string.pack("<s4", "{'shape': (" .. ("1,"):rep(n // 2) .. ")}")
    end,
    spaces = function(n)
      return "\x93NUMPY\2\0" .. string.pack("<s4", "{'shape': (1" .. (" "):rep(n) .. "2,)}")
    end,
  }},
  {".npz", reader "npz", {
    entries = function(n)
      local tensors <const> = {}
      for i = 1, n // 100 do tensors["t" .. i] = braid.zeros(0) end
      return file.saved("t.npz", tensors)
    end,
    ends = rep("PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\9\0"),
  }},
  {".caffemodel", reader "caffemodel", {
    layers = function(n)
      return file.field(100, file.field(1, "x")):rep(n // 5)
    end,
    pieces = function(n)
      local blob <const> = ("\x2D\0\0\0\0"):rep(n // 5)
      return file.field(100, file.field(1, "x") .. file.field(7, blob))
    end,
    numbers = rep("\8\1"), long = rep("\xff"),
  }},
  {".csv", csv.parse, {
    blanks = rep(" "), commas = rep(","), lines = rep("1\n"), ["blank lines"] = rep("\r\n"),
    quotes = rep('"'), ["a quote"] = between('"', "a\n", ""), cells = between("1", ",    1", "\n"),
    ["blanks in a cell"] = between("a", " ", "b"), returns = rep("\r"),
    ["a long number"] = between("", "1", "\n"), ["a long cell"] = between("1", " ", "x\n"),
    tabs = rep("\t"), semicolons = rep("1;2,5;"),
  }},
}

for _, case in ipairs{
  {"data.csv", read_csv, {
    ["blanks in the head"] = between("path,a", " ", "b\nx,1\n"),
    ["blanks in a cell"] = between("path,a\nx,1", " ", "b\n"),
    rows = between("path,a\n", "x,1\n", ""),
    columns = function(n)
      local names <const> = {"path"}
      for i = 2, n // 8 do names[i] = "c" .. i end
      return table.concat(names, ",") .. "\nx" .. (",1"):rep(#names - 1) .. "\n"
    end,
    classes = listed("a.png,word%d", "path,a\n", "\n", "\n"),
    ["marks of thousands"] = between('path,v\n', 'x,"1,234,567,890"\n', ""),
    ["a word for a number"] = between("path,v\n", "x,1 2 3 4 5 6 7 8 9\n", ""),
    percent = between("path,v\nx,", "1", "%\n"),
  }},
  {"data.jsonl", read_jsonl, {
    lines = between("", '{"path": "x", "a": 1}\n', ""), blanks = rep(" "), breaks = rep("\n"),
    keys = listed('{"path": "x", "k%d": 1}', "", "\n", "\n"),
    ["one object"] = listed('"k%d": 1', '{"path": "x", ', "}"),
    ["a list"] = between("[", '{"path": "x"},', '{"path": "x"}]'), quotes = rep('"'),
    ["no lines"] = between("{\n", '"a": 1,\n', '"b": 2}'), brackets = rep("["),
  }},
  {"data.pts", read_pts, {
    points = between("{\n", "1 2\n", "}\n"), blanks = between("{\n1", " ", "2\n}\n"),
    head = between("n_points:", " ", "1\n{\n1 2\n}"), returns = rep("\r"), names = rep("a"),
    open = rep("{\n"), ["blanks first"] = rep(" "),
  }},
  {"data.mtfl", read_mtfl, {
    rows = between("", MTFL["training.txt"], ""), words = rep("a "), blanks = rep(" "),
    digits = rep("1"), breaks = rep("\n"),
  }},
  {"data.celeba", read_list, {
    names = between("1\n", "a ", "\n1.jpg 1\n"), rows = between("9\nA\n", "1.jpg 1\n", ""),
    numbers = between("1\nA\n1.jpg ", "1 ", "\n"), blanks = between("1\nA\n", " ", "1.jpg 1"),
    digits = between("1\nA\n1.jpg ", "1", ""),
  }},
} do
  SHAPES[#SHAPES + 1] = case
end

for _, case in ipairs(SHAPES) do
  local name <const>, read <const>, shapes <const> = table.unpack(case)
  describe("the time to read " .. name, function()
    for what, make in pairs(shapes) do
      it("grows no faster than the text: " .. what, function()
        local n <const> = 1 << 14
        local small <const>, large <const> = make(n), make(4 * n)
        limits.members, limits.values, limits.depth = math.huge, math.huge, 2000
        local a <const>, b <const> = cost(read, small), table.pack(cost(read, large))
        limits.members, limits.values, limits.depth = nil, nil, nil
        assert.is_true(b[1] <= 4.6 * a + 100, ("%d and %d steps"):format(a, b[1]))
        assert.is_true(b[2] < 1, ("%.2f seconds"):format(b[2]))
      end)
    end
  end)
end
