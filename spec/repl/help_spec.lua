--- Help on every public name, and its examples, which must run.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local columns <const> = require "braid.repl.width"
local docs <const> = require "braid.repl.docs"
local lookup <const> = require "braid.repl.lookup"
local names <const> = require "braid.repl.names"
local paragraphs <const> = require "braid.repl.paragraphs"
local reader_trees <const> = require "spec.support.reader_trees"
local Session <const> = require "braid.repl.session"
local shell <const> = require "spec.support.shell"
local tars <const> = require "spec.support.tars"
local words <const> = require "braid.repl.words"

-- The public functions and classes, each value once, with its help.
local function called()
  local list <const>, seen <const> = {}, {}
  for _, item in ipairs(names.all()) do
    local value <const> = item.value
    if (type(value) == "function" or class.is_class(value)) and not seen[value] then
      seen[value] = true
      item.doc = docs.of(value, item.chain, item.place, item.method)
      item.path = table.concat(item.chain, ".")
      list[#list + 1] = item
    end
  end
  return list
end

describe("every public name", function()
  local all <const> = called()

  it("is in the list of names", function()
    assert.is_true(#all > 450)
    local set <const> = {}
    for _, item in ipairs(all) do set[item.path] = true end
    for _, path in ipairs{"braid.zeros", "braid.F.conv2d", "braid.nn.Conv2d",
      "braid.nn.init.normal", "braid.mtl.cross_stitch", "braid.mtl.metric.auc",
      "braid.mtl.weighting.pcgrad", "braid.data.faces", "braid.data.crop", "braid.optim.Adam",
      "braid.optim.cosine",
      "braid.train.fit", "braid.train.space.log", "braid.plot.lines", "braid.io.load",
      "braid.vision.mtcnn.detector", "tensor.backward", "tensor.relu_", "tensor.item"} do
      assert.is_true(set[path] or false, path)
    end
  end)

  it("has a signature, a sentence and an example", function()
    for _, item in ipairs(all) do
      local doc <const> = item.doc
      assert.truthy(doc.signature:find("%(.*%)$"), item.path .. ": signature " .. doc.signature)
      local sentence <const> = docs.summary(item.value, item.chain, item.place, item.method)
      assert.is_true(#sentence > 1, item.path .. ": no sentence")
      assert.truthy(doc.examples[1] and doc.examples[1][1], item.path .. ": no example")
    end
  end)

  it("has names for all its arguments", function()
    local unnamed <const> = {}
    for _, item in ipairs(all) do
      if item.doc.signature:find("[(, ]_[,)]") then unnamed[#unnamed + 1] = item.doc.signature end
    end
    assert.same({}, unnamed)
  end)

  it("has a help text with an example and the place of its source", function()
    for _, item in ipairs(all) do
      local text <const> = docs.text(item.value, item.chain, item.place, item.method)
      assert.truthy(text:find("\nexample", 1, true), item.path)
      assert.is_true(utf8.len(text) ~= nil, item.path)
      assert.truthy(text:find("%)$"), item.path .. ": does not end with its place")
    end
  end)

  it("has a help text that fits the terminal's width, except for code, its words in order",
    function()
      for _, item in ipairs(all) do
        local text <const> = docs.text(item.value, item.chain, item.place, item.method)
        for _, wide in ipairs{30, 60, 80, 120} do
          local in_code, wrapped <const> = false, columns.wrapped(docs.text(item.value, item.chain,
            item.place, item.method, wide), wide)
          assert.equal(text:gsub("%s+", " "), wrapped:gsub("%s+", " "))
          for line in wrapped:gmatch("[^\n]+") do
            in_code = line:find("^examples?:$") and true or in_code and line:find("^ ") ~= nil
            local fits <const> = in_code or columns.of(line) <= wide or not line:find("%S%s+%S")
            assert.is_true(fits, item.path .. ": " .. line)
          end
        end
      end
    end)

  it("that is a table has a help text that lists its names", function()
    for _, item in ipairs(names.all()) do
      local text <const> = docs.text(item.value, item.chain, item.place, item.method)
      if type(item.value) == "table" and item.value == braid.optim then
        assert.truthy(text:find("\n  Adam%s+Adam %(Kingma and Ba 2015"))
      end
    end
  end)
end)

-- A line of a comment: its beginning, and n words of three letters and a blank.
local function line_of(n, first) return (first or "") .. ("abc "):rep(n) .. "end" end

describe("a paragraph", function()
  it("is filled: no line has room for the word that begins the next one", function()
    local lines <const> = {line_of(23), line_of(23), "abc end.", "", line_of(23), "end"}
    for wide = 10, 130 do
      local filled <const> = paragraphs.filled(lines, wide)
      local text <const> = table.concat(filled, "\n")
      assert.equal(table.concat(lines, " "):gsub("%s+", " "), text:gsub("%s+", " "))
      assert.equal(2, select(2, (text .. "\n\n"):gsub("\n\n", "")))
      local before
      for line in (text .. "\n"):gmatch("(.-)\n") do
        assert.is_true(#line <= wide)
        local word <const> = line:match("^%S+")
        if before and before ~= "" and word then assert.is_true(#before + 1 + #word > wide) end
        before = line
      end
    end
  end)

  it("hangs under the text of its item", function()
    local list <const> = {"Options:", line_of(20, "  one     "), "          more",
      "  two     of them", line_of(20, "  three   "), line_of(8, "            inner   "),
      "  - " .. line_of(22), "    more",
      line_of(20, "  name, another = {...}   "), "          more"}
    for _, wide in ipairs{40, 60, 80, 120} do
      local out <const> = {}
      for line in (table.concat(paragraphs.filled(list, wide), "\n") .. "\n"):gmatch("(.-)\n") do
        local indent <const> = #line:match("^ *")
        out[#out + 1] = line:find("^  %S") and line:match("%S+") or tostring(indent)
      end
      assert.matches("^0 one [10 ]*two three [10 ]*12 [20 ]*%- [4 ]*name,[10 ]*$",
        table.concat(out, " "))
    end
  end)

  it("leaves lines that were ended on purpose", function()
    for _, lines in ipairs{{"A sum:", "  y = a + b", "  z = y + c", "as above."},
      {line_of(22) .. ":", "abc"}, {"for x in list do", "end"}, {"1. one", "2. two"},
      {"Code:", "  " .. ("x"):rep(80) .. " = f[1]", "  print(" .. ("y"):rep(20) .. ")"},
      {"Files", "  dir   a directory", "Others", "  log   a number"}} do
      assert.same(lines, paragraphs.filled(lines, 100))
    end
  end)
end)

-- Makes the files that examples of readers read, in the directory where they run.
local function put_data(dir)
  for name, tree in pairs(reader_trees.readers) do
    local files <const> = {}
    for path, bytes in pairs(tree) do files[path] = path ~= "file" and bytes or nil end
    reader_trees.put(dir .. "/" .. name, files)
  end
  reader_trees.put(dir .. "/WIDER", {["WIDER_train/images/a.png"] = "picture",
    ["wider_face_split/wider_face_train_bbx_gt.txt"] = "a.png\n1\n3 4 5 6\n"})
  reader_trees.put(dir .. "/shards", {["faces-000.tar"] = tars.sample()})
  braid.save(dir .. "/a.png", braid.zeros({3, 20, 20}, {dtype = "uint8"}))
  local Stem <const> = class("Stem", braid.nn.Module)
  function Stem:init()
    self.conv1 = braid.nn.Conv2d(3, 4, {kernel = 3})
    self.layer1 = braid.nn.Conv2d(4, 4, {kernel = 3})
  end
  function Stem:forward(x) return self.layer1(self.conv1(x):relu()) end
  braid.export(Stem(), dir .. "/net.onnx", {input = {3, 8, 8}})
  shell.write(dir .. "/faces.csv", "file,smile,age,x1,y1,x2,y2,set\na.png,yes,30,3,4,9,9,train\n"
    .. "a.png,no,30,3,4,9,9,test\n")
  shell.write(dir .. "/faces.jsonl",
    '{"image": "a.png", "smile": "yes", "points": [[1, 2], [3, 4]]}\n')
end

local HERE <const> = shell.run("pwd").out:gsub("\n", "")
local BRAID <const> = shell.braid:gsub("%f[^%s\0](build%S*)", HERE .. "/%1")

describe("the examples of", function()
  for group, quick in pairs{braid = false, F = false, nn = true, tensor = true, optim = true,
    data = false, mtl = false, plot = false, train = false, vision = true} do
    it((quick and "" or "#slow ") .. group .. " run", function()
      shell.in_directory(function(dir)
        put_data(dir)
        local r <const> = shell.run(("cd %s && NO_COLOR=1 %s %s/spec/support/examples.lua %s")
          :format(dir, BRAID, HERE, group))
        assert.equal("", r.err:gsub("[^\n]*train%.test: this run was already tested[^\n]*\n", ""))
        assert.same({0}, {r.status})
        assert.truthy(tonumber(r.out:match("(%d+) examples ran\n$")) > 3, r.out)
      end)
    end)
  end
end)

describe("a question", function()
  it("may be written as name?, ?name or help", function()
    for _, text in ipairs{"conv2d?", "?conv2d", " ? conv2d ", "conv2d ?"} do
      assert.equal("conv2d", words.asked(text))
    end
    for text, name in pairs{["x:conv2d?"] = "x:conv2d", ["?nn.Conv2d"] = "nn.Conv2d"} do
      assert.equal(name, words.asked(text))
    end
    local session <const> = Session {write = function() end}
    for _, text in ipairs{"?", " ? ", "help"} do
      local said
      session.tell = function(line) said = line end
      assert.is_true(words.is(session, text))
      assert.is_true(words.run(session, text))
      assert.truthy(said:find("Tab completes", 1, true), text)
    end
    for _, text in ipairs{"", "x", "f(?", "f()", ": trace", "??", "x ? y",
      "f(x) -- right?", "y = 2 -- what?"} do
      assert.is_false(words.is(session, text), text)
    end
  end)

  it("may be about any expression, and explains its value", function()
    local session <const> = Session {write = function() end}
    session.complain = function(text) error(text, 0) end
    for text, wanted in pairs{["nn.ReLU()?"] = "^nn.ReLU", ["?nn.Linear(2, 3)"] = "^nn.Linear",
      ["(1 + 2)?"] = "^3$", ["F['relu']?"] = "relu%(x%)", ["braid.zeros(2) * 1 ?"] = "^tensor"} do
      local said
      session.tell = function(line) said = line end
      assert.is_true(words.is(session, text), text)
      assert.is_true(words.run(session, text))
      assert.matches(wanted, said)
    end
    local complaint
    session.complain = function(text) complaint = text end
    assert.is_true(words.run(session, "error('mine')?"))
    assert.matches("mine", complaint)
  end)
end)

-- What help tells at the prompt, as one text.
local function told(name)
  local lines <const>, session <const> = {}, Session {write = function() end,
    width = function() return 80 end}
  session.tell = function(text) lines[#lines + 1] = text end
  session.env.help(name)
  return table.concat(lines, "\n")
end

describe("a choice", function()
  it("shows a tab as Lua writes it", function()
    for _, name in ipairs{"data.csv", "data.table"} do
      assert.truthy(told(name):find([[  separator: ",", ";", "\t" or "|"]], 1, true))
    end
  end)
end)

describe("a class without a public name", function()
  it("has help under the name that it prints", function()
    for _, name in ipairs{"mtl.per_column", "PerColumn", "per_column"} do
      local text <const> = told(name)
      assert.matches("PerColumn: a module for each column", text)
      assert.truthy(text:find('\n  local PerColumn <const> = require "braid.mtl', 1, true))
    end
    assert.truthy(told("mtl.mixer"):find("mtl.per_column", 1, true))
  end)
end)

describe("a method of a class", function()
  it("has help under its name, whatever its object is called", function()
    for _, name in ipairs{"net:predict", "predict", "Module:predict", "model:predict",
      braid.nn.Module.predict} do
      local text <const> = told(name)
      assert.matches("^net:predict%(inputs, {options}%)\n", text)
      for _, part in ipairs{"{points = ", "\n  batch: a whole number", "\n  margin ", "\nreturns ",
        "\nexample:\n"} do
        assert.truthy(text:find(part, 1, true), part)
      end
    end
    assert.matches("^net:freeze%(%)\n", told("Module:freeze"))
    assert.matches("^net:freeze%(names%)\n", told("columns:freeze"))
  end)

  it("stands on the page of its class", function()
    local text <const> = told("nn.Module")
    assert.matches("\nmethods:\n.*\n  predict%(inputs, {options}%)  .*\nexample", text)
    assert.matches("\n  freeze%(%)  Freezes the module", text)
    assert.is_nil(told("nn.ReLU"):find("methods:", 1, true))
  end)

  it("is listed with others of its name", function()
    assert.matches("^  mtl.columns:freeze .*\n  nn.Module:freeze .*", told("freeze"))
  end)
end)

describe("a wrong name", function()
  it("is answered with similar names, each once", function()
    for _, item in ipairs(names.all()) do
      local name <const> = item.chain[#item.chain]
      if #name > 4 and name ~= "tensor" then
        local hint <const>, seen <const> = lookup.hint(name .. "x"), {}
        for near in (hint:match("did you mean (.*)%?") or ""):gsub(" or ", ", "):gmatch("[^, ]+") do
          assert.is_nil(seen[near], hint)
          seen[near] = true
        end
        assert.is_true(seen[name] or false, name .. ": " .. hint)
      end
    end
  end)
end)

describe("an option without a default", function()
  it("is marked in help as one that must be given", function()
    local count = 0
    for _, item in ipairs(called()) do
      for key, kind in pairs(item.doc.declared and item.doc.declared.kinds or {}) do
        if kind.needed and not kind.positional then
          local lines <const> = "\n" .. table.concat(item.doc.options, "\n")
          local place <const> = type(key) == "string" and key or "%[" .. key .. "%]"
          assert.truthy(lines:find("\n  " .. place .. ": [^\n]*; it must be given"), item.path)
          count = count + 1
        end
      end
    end
    assert.is_true(count > 5)
  end)
end)

describe("a search", function()
  it("finds names that contain the word, then texts that do, each value once", function()
    local named <const>, said <const> = lookup.search("landmark")
    local paths <const> = {}
    for i, item in ipairs(named) do paths[i] = lookup.path_of(item) end
    assert.same({"data.landmark_bins", "mtl.landmark_bins", "mtl.landmarks", "plot.landmarks"},
      paths)
    local set <const> = {}
    for _, item in ipairs(said) do
      assert.is_nil(set[item.value])
      set[item.value] = true
      assert.truthy(docs.text(item.value, item.chain, item.place):lower():find("landmark", 1, true))
    end
    assert.is_true(set[braid.data.mtfl] and set[braid.F.wing] or false)
  end)

  it("prefers whole words and names of options to the insides of words", function()
    local named <const>, said <const> = lookup.search("turns")
    assert.same({}, named)
    assert.is_true(#said > 1 and #said < 25)
    for i, item in ipairs(said) do
      if item.value == braid.train.fit then assert.is_true(i < 4) end
      local text <const> = docs.text(item.value, item.chain, item.place, item.method):lower()
      assert.truthy(text:find("%f[%w]turns%f[%W]"), lookup.path_of(item))
    end
    local _, inside <const> = lookup.search("eturn")
    assert.is_true(#inside > 10)
  end)

  it("takes any bytes for the word", function()
    for _, word in ipairs{"%", "[", "(", ".", "\0", "\xff", ("x"):rep(10000), " "} do
      assert.is_table((lookup.search(word)))
    end
  end)
end)
