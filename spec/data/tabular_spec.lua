--- Tests data.table, which makes data sets of rows of numbers and words: its recipe has statistics
-- of only the training rows. Also tests networks that are trained on a table.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local NAN <const> = 0 / 0

local function close(wanted, t)
  local got <const> = t:reshape(-1):totable()
  assert.equal(#wanted, #got)
  for i, v in ipairs(wanted) do
    assert.is_true(math.abs(v - got[i]) < 1e-6, ("%d: %.9g, not %.9g"):format(i, got[i], v))
  end
end

-- Turns columns {name = values} into rows {{name = value}}.
local function rows_of(columns)
  local rows <const> = {}
  for name, list in pairs(columns) do
    for i = 1, #list do
      rows[i] = rows[i] or {}
      rows[i][name] = list[i]
    end
  end
  return rows
end

local function with_file(name, text, f)
  shell.in_directory(function(dir)
    shell.write(dir .. "/" .. name, text)
    f(dir .. "/" .. name)
  end)
end

describe("data.table", function()
  it("standardises numbers, makes one-hot categories, and keeps labels in their units", function()
    local train <const> = data.table(rows_of{x = {1, 3, 5, 7}, sex = {"f", "m", "f", "m"},
      y = {10, 20, 30, 40}, k = {"low", "high", "low", ""}}, {reals = {"y"},
      classes = {k = {"low", "high"}}}).train
    local s <const> = math.sqrt(5)
    assert.same({"sex=f", "sex=m", "x"}, train.input_names)
    close({1, 0, -3 / s, 0, 1, -1 / s, 1, 0, 1 / s, 0, 1, 3 / s}, train.inputs)
    assert.equal(20, train[2].y)
    assert.is_nil(train[4].k)
    local batch <const> = data.loader(train, {batch = 4})()
    close({-3 / s, -1 / s, 1 / s, 3 / s}, batch.y)
    assert.same({1, 2, 1, -100}, batch.k:totable())
    assert.same({mean = {25}, deviation = {math.sqrt(125)}}, batch.units.y)
    assert.equal("float32", batch.input.dtype)
  end)

  it("makes the same inputs of rows, columns, CSV, TSV, JSONL and npz", function()
    local rows <const> = rows_of{x = {1, 2.5, -4}, z = {3, 1, 1}, y = {0.5, 1, 9}}
    local wanted <const> = data.table(rows, {reals = {"y"}}).train.inputs:totable()
    local x <const>, y <const> = braid.tensor{1, 2.5, -4}, braid.tensor{0.5, 1, 9}
    local z <const> = braid.tensor({3, 1, 1}, {dtype = "int64"})
    assert.same(wanted, data.table({x = x, z = z, y = {0.5, 1, 9}}, {reals = {"y"}}).train.inputs
      :totable())
    shell.in_directory(function(dir)
      shell.write(dir .. "/t.csv", "\xEF\xBB\xBFx,z,y\r\n1,3,0.5\r\n\"2.5\",1,1\r\n-4,1,9\r\n")
      shell.write(dir .. "/t.tsv", "x\tz\ty\n1\t3\t0.5\n2.5\t1\t1\n-4\t1\t9\n")
      shell.write(dir .. "/u.csv", "x;z;y\n1,0;3;0,5\n2,5;1;1\n-4,0;1;9\n")
      shell.write(dir .. "/t.jsonl", '{"x":1,"z":3,"y":0.5}\n{"x":2.5,"z":1,"y":1}\n'
        .. '{"x":-4,"z":1,"y":9}\n')
      braid.save(dir .. "/t.npz", {x = x, z = z, y = y})
      for _, name in ipairs{"t.csv", "t.tsv", "u.csv", "t.jsonl", "t.npz"} do
        assert.same(wanted, data.table(dir .. "/" .. name, {reals = {"y"}}).train.inputs:totable(),
          name)
      end
    end)
  end)

  it("takes statistics of only the training rows, however the table is divided", function()
    local rows <const> = {}
    for i = 1, 20 do
      rows[i] = {x = i <= 12 and i or 1000 * i, k = i <= 12 and "seen" or "new", y = i,
        set = i <= 12 and "train" or i <= 16 and "val" or "test"}
    end
    local function check(train, val)
      local mean <const>, s <const> = 6.5, math.sqrt((12 ^ 2 - 1) / 12)
      assert.same({"k=seen", "x"}, train.input_names)
      assert.same({"k=seen", "x"}, val.input_names)
      assert.is_true(math.abs((1 - mean) / s - train.inputs[{1, 2}]:item()) < 1e-6)
      assert.is_true(math.abs((13000 - mean) / s - val.inputs[{1, 2}]:item()) < 1e-2)
      assert.equal(0, val.inputs[{1, 1}]:item())
      local label <const> = data.loader(val, {batch = 1})().y:item()
      assert.is_true(math.abs((13 - mean) / s - label) < 1e-6)
    end
    local o <const> = {reals = {"y"}, inputs = {"k", "x"}}
    local function whole() return data.table(rows, o).train end
    local by_column <const> = data.table(rows, {reals = {"y"}, split = "set", inputs = {"k", "x"}})
    check(by_column.train, by_column.val)
    check(by_column.train, by_column.val:subset(1, 2))
    check(whole():split(8))
    local used <const> = whole()
    assert.equal(20, data.loader(used, {batch = 20})().count) -- statistics of all rows
    check(used:split(8))
    local all <const> = whole()
    local train <const> = all:subset(1, 12):prepared()
    check(train, all:subset(13, 20):prepared(train))
    local rest <const>, test <const> = whole():split(4)
    local first <const>, val <const> = rest:split(4)
    check(first, val)
    assert.error_matches(function() data.loader(test, {}) end,
      "prepared by 16 training rows, which were split again: test:prepared(train)", 1, true)
    assert.equal(4, #test:prepared(first).inputs)
  end)

  it("gives the same parts before and after the whole table was read", function()
    local rows <const> = {}
    for i = 1, 10 do rows[i] = {x = i * i, y = i} end
    local cuts <const> = {
      split = function(all) return all:split(0.3) end,
      subset = function(all) return all:subset(1, 7):prepared() end,
      filter = function(all) return all:filter(function(s) return s.y < 8 end):prepared() end,
      ["two splits"] = function(all) return (all:split(2)):split(2) end,
      open = function(all) return all:subset(1, 7) end,
    }
    local looks <const> = {
      sample = function(all) return all[1].input end,
      inputs = function(all) return all.inputs end,
      names = function(all) return all.input_names end,
      loader = function(all) return data.loader(all, {batch = 2})() end,
      filter = function(all) return all:filter(function(s) return s.input[1]:item() < 0 end) end,
      stats = function(all) return tostring(all:stats()) end,
      recipe = function(all) return data.loader(all, {}):recipe() end,
    }
    local function seen(cut, look)
      local all <const> = data.table(rows, {reals = {"y"}}).train
      if look then look(all) end
      local ok <const>, inputs <const> = pcall(function() return cut(all).inputs:totable() end)
      return ok and inputs or "refused"
    end
    for name, cut in pairs(cuts) do
      local plain <const> = seen(cut)
      assert.equal(name == "open", plain == "refused", name)
      for way, look in pairs(looks) do assert.same(plain, seen(cut, look), name .. ", " .. way) end
    end
  end)

  it("raises an error if nothing says which part of a table is for training", function()
    local all <const> = data.table(rows_of{x = {1, 2, 3, 4}}).train
    assert.error_matches(function() return all:subset(3, 4).inputs end,
      "these 2 rows are a part of 4, and nothing says which rows the network trains on", 1, true)
    assert.equal(2, #all:subset(3, 4):prepared(all).inputs)
    assert.error_matches(function() data.dataset{inputs = braid.ones(2, 2)}:prepared() end,
      "prepared: wants the rows of a table")
    assert.error_matches(function() all:prepared(3) end, "prepared: wants a data set")
  end)

  it("draws val and test by shares, the same rows for the same seed", function()
    local rows <const> = {}
    for i = 1, 50 do rows[i] = {x = i, y = 2 * i} end
    local function parts(seed)
      local sets <const> = data.table(rows, {reals = {"y"}, val = 0.2, test = 0.1, seed = seed})
      assert.same({35, 10, 5}, {#sets.train, #sets.val, #sets.test})
      return sets.val.labels.y:totable(), sets.test.labels.y:totable(), sets
    end
    local val <const>, test <const>, sets <const> = parts(1)
    local again <const>, also <const> = parts(1)
    assert.same({val, test}, {again, also})
    assert.not_same(val, (parts(2)))
    assert.equal(5, #sets.test.inputs)
  end)

  it("fills gaps with the training mean, and marks them with indicator = true", function()
    local columns <const> = {x = {1, NAN, 3, 5}, z = {1, 2, 3, 4}, k = {"a", "", "b", "a"}}
    local plain <const> = data.table(rows_of(columns), {inputs = {"x", "z", "k"}}).train
    assert.equal(0, plain.inputs[{2, 1}]:item())
    assert.same({0, 0}, plain.inputs[{2, {3, 4}}]:totable())
    local marked <const> = data.table(rows_of(columns), {inputs = {"x", "z", "k"},
      indicator = true}).train
    assert.same({"x", "x?", "z", "k=a", "k=b", "k?"}, marked.input_names)
    assert.same({0, 1, 0, 0}, marked.inputs[{ {}, 2}]:totable())
    assert.same({0, 1, 0, 0}, marked.inputs[{ {}, 6}]:totable())
    local raw <const> = data.table(rows_of(columns), {inputs = {"x"}, standardise = false}).train
    assert.same({ {1}, {3}, {3}, {5} }, raw.inputs:totable())
  end)

  it("marks missing labels, and takes the values of missing as missing", function()
    local train <const> = data.table(rows_of{x = {1, 2, 3}, y = {"NA", 4, 6}, k = {"?", "a", "b"}},
      {reals = {"y"}, classes = {"k"}, missing = {"NA", "?"}}).train
    local batch <const> = data.loader(train, {batch = 3})()
    assert.same({false, true, true}, batch.y:eq(batch.y):totable())
    assert.same({-100, 1, 2}, batch.k:totable())
    assert.is_nil(train[1].y)
  end)

  it("standardises inputs, labels, both or none, by the option standardise", function()
    local rows <const> = rows_of{x = {1, 3}, y = {10, 30}}
    for what, wanted in pairs{[true] = {-1, -1}, [false] = {1, 10}, inputs = {-1, 10},
      labels = {1, -1}} do
      local set <const> = data.table(rows, {reals = {"y"}, standardise = what}).train
      local batch <const> = data.loader(set, {batch = 2})()
      assert.same(wanted, {batch.input[{1, 1}]:item(), batch.y[1]:item()}, tostring(what))
    end
  end)

  it("gives 0 for a column whose values are all the same", function()
    for _, value in ipairs{0, 0.1, 1 / 3, 1e9 + 0.1, -7} do
      local list <const> = {}
      for i = 1, 11 do list[i] = value end
      local set <const> = data.table(rows_of{c = list, x = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}},
        {inputs = {"c", "x"}}).train
      assert.equal(0, set.inputs[{ {}, 1}]:abs():max():item())
    end
  end)

  it("gives the categories of index as whole numbers, and a number for unknown ones", function()
    local train <const>, val <const> = data.table(rows_of{x = {1, 2, 3, 4}, city = {"b", "a", "b",
      "c"}, y = {1, 2, 3, 4}}, {reals = {"y"}, index = {"city"}}).train:split(1)
    local batch <const> = data.loader(train, {batch = 4})()
    assert.same({"city", "input"}, batch.inputs)
    assert.same({2, 1, 2}, batch.city:totable())
    assert.same({3}, data.loader(val, {batch = 4})().city:totable())
    assert.equal("int64", batch.city.dtype)
  end)

  it("makes one label of several columns, and categories of numbers", function()
    local train <const> = data.table(rows_of{yaw = {1, 2}, pitch = {3, 5}, zip = {"10", "20"},
      two = {"1", "0"}}, {reals = {pose = {"yaw", "pitch"}}, categories = {"zip"},
      classes = {"two"}, from = 0}).train
    assert.same({"zip=10", "zip=20"}, train.input_names)
    assert.same({ {-1, -1}, {1, 1} }, data.loader(train, {batch = 2})().pose:totable())
    assert.same({2, 1}, train.labels.two:totable())
  end)

  local WRONG <const> = {
    ["an empty file"] = {"", "there are no rows in it"},
    ["a header without rows"] = {"x,y\n", "there are no rows in it"},
    ["two columns of one name"] = {"x,x\n1,2\n", "t.csv:1: two columns are called 'x'"},
    ["words among numbers"] = {"x,y\n1,1\n2,2\nabc,3\n",
      "t.csv:4: column 'x': 'abc' among numbers such as '1'"},
    ["an integer beyond 2^53"] = {"x,y\n9007199254740993,1\n1,2\n",
      "t.csv:2: column 'x': '9007199254740993' is beyond 2^53"},
    ["a word among numbers"] = {"x,y\n1,1\n2,oops\n",
      "t.csv:3: column 'y': 'oops' is not a number from -1e30 to 1e30"},
    ["a column without values"] = {"x,e,y\n1,,1\n2,,2\n",
      "input 'e' is missing in all 2 training rows: leave it out"},
    ["a label without values"] = {"x,y\n1,\n2,\n",
      "label 'y' is missing in all 2 training rows: leave it out"},
    ["decimal signs that disagree"] = {"x;y\n1,5;1\n2.5;2\n", "say decimal = \",\" or \".\""},
    ["a row that is too short"] = {"x,y\n1,2\n3\n", "line 3: 1 cells, but 2 in the lines before"},
    ["a quote that is not closed"] = {"x,y\n1,\"2\n", "a quote is not closed"},
  }
  for what, case in pairs(WRONG) do
    it("refuses " .. what .. " with its place in the file", function()
      with_file("t.csv", case[1], function(path)
        assert.error_matches(function() return data.table(path, {reals = {"y"}}).train.inputs end,
          case[2], 1, true)
      end)
    end)
  end

  it("keeps a quoted cell with line breaks as one cell", function()
    with_file("t.csv", "k,y\n\"a\nb\",1\n\"c,d\",2\n", function(path)
      assert.same({"k=a\nb", "k=c,d"}, data.table(path, {reals = {"y"}}).train.input_names)
    end)
  end)

  it("raises an error for options that contradict each other", function()
    local rows <const> = rows_of{x = {1, 2}, y = {1, 2}}
    for _, case in ipairs{
      {{inputs = {"x", "y"}, reals = {"y"}}, "column 'y' is both an input and a label"},
      {{inputs = {"z"}}, "there is no column 'z'; there is x, y"},
      {{inputs = {}}, "inputs names no column"},
      {{val = 0.5, split = "x"}, "only one of split, and val and test"},
      {{val = 0.6, test = 0.5}, "val and test leave nothing for training"},
      {{reals = {"y"}, classes = {"y"}}, "'y' is in reals and in classes"},
      {{reals = {"y"}, index = {"y"}}, "column 'y' is both an index and a label"},
      {{split = "x"}, "'1' is not train, val or test"},
    } do
      assert.error_matches(function() data.table(rows, case[1]) end, case[2], 1, true)
    end
    assert.error_matches(function() data.table(3) end, "data.table: wants the path of a file")
    assert.error_matches(function() data.table{ {x = 1}, 3 } end, "rows:2: a row is a table")
    local texts <const> = {}
    for i = 1, 1001 do texts[i] = {name = "n" .. i, y = i} end
    assert.error_matches(function() data.table(texts, {reals = {"y"}}) end,
      "column 'name' has 1001 different words", 1, true)
  end)
end)

-- ---- training and prediction --------------------------------------------------------------

local DEFINITION <const> = [[
return function(tasks, o)
  local function block(c) return nn.Sequential{nn.Linear(c, 16), nn.ReLU()} end
  local net = mtl.columns(tasks, nn.backbone({ {"fc", block} }, {channels = o.channels}))
  return net:heads(function(task, c) return nn.Linear(c, task.size) end)
end
]]

local function people(n)
  local rows <const> = {}
  for i = 1, n do
    local age <const>, sex <const> = 20 + (i * 7) % 50, i % 3 == 0 and "f" or "m"
    rows[i] = {age = age, sex = sex, bp = 100 + age / 2 + (sex == "f" and 5 or 0),
      risk = age > 45 and "high" or "low", dose = i % 11 == 0 and "" or i % 5}
  end
  return rows
end

local function trained(dir, more)
  local sets <const> = data.table(people(200), {reals = {"bp"}, classes = {"risk"}, val = 0.25})
  braid.manual_seed(1)
  shell.write(dir .. "/net.lua", DEFINITION)
  local net <const> = braid.model(dir .. "/net.lua", {channels = #sets.train.input_names,
    tasks = mtl.tasks{bp = mtl.real{}, risk = mtl.classes{2}}})
  local o <const> = {net = net, train = sets.train, val = sets.val, epochs = 6, seed = 1,
    batch = 16, optimizer = braid.optim.Adam(net:parameters(), {lr = 1e-2}), progress = false}
  for key, value in pairs(more or {}) do o[key] = value end
  return net, sets, braid.train.fit(o)
end

describe("a network trained on data.table", function()
  it("learns, and predicts in the units of the table's columns", function()
    shell.in_directory(function(dir)
      local net <const>, sets <const> = trained(dir)
      local report <const> = net.tasks:evaluate(net, data.loader(sets.val))
      assert.is_true(report.bp.mae < 4 and report.bp.mae > 0.05, tostring(report))
      assert.is_true(report.risk.accuracy > 0.8, tostring(report))
      local answers <const> = net:predict(people(8))
      assert.is_true(math.abs(answers[1].bp.values[1] - people(8)[1].bp) < 15)
      assert.equal(8, #answers)
      assert.equal(8, answers[8].row.number)
      assert.matches("^row 8: bp %d+.*; risk %a+ %d+%%$", tostring(answers[8]))
    end)
  end)

  it("predicts exactly the same for a data set, rows, columns and a file", function()
    shell.in_directory(function(dir)
      local made <const>, sets <const> = trained(dir)
      braid.save(dir .. "/net.safetensors", made)
      for _, net in ipairs{made, (braid.open(dir .. "/net.safetensors"))} do
        local rows <const> = people(60)
        local part <const> = data.table(rows).train:prepared(made.card.preprocessing)
        local lines <const>, columns <const> = {"age,sex,dose"}, {age = {}, sex = {}, dose = {}}
        for i, row in ipairs(rows) do
          lines[i + 1] = ("%d,%s,%s"):format(row.age, row.sex, row.dose)
          for name, list in pairs(columns) do list[i] = row[name] end
        end
        shell.write(dir .. "/ask.csv", table.concat(lines, "\n"))
        local outputs <const> = net(data.loader(part, {batch = 64})().input)
        local unit <const> = net.card.preprocessing.table.labels.bp
        for _, given in ipairs{rows, part, columns, dir .. "/ask.csv"} do
          local answers <const> = net:predict(given)
          assert.equal(60, #answers)
          for i, answer in ipairs(answers) do
            assert.equal(outputs.bp[{i, 1}]:item() * unit.deviation[1] + unit.mean[1],
              answer.bp.values[1])
            assert.equal(outputs.risk[i]:softmax(1)[answer.risk.class]:item(), answer.risk.share)
          end
        end
        assert.equal("low", net:predict(rows[1]).risk.name)
      end
      assert.equal(#sets.val, #made:predict(sets.val))
    end)
  end)

  it("raises an error for a category unknown in training, or takes it as missing", function()
    shell.in_directory(function(dir)
      local net <const> = trained(dir)
      local row <const> = {age = 30, sex = "x", dose = 1}
      assert.error_matches(function() net:predict(row) end,
        "predict: rows:1: column 'sex': 'x' was in no training row: there was f, m; unknown = "
        .. "\"missing\"", 1, true)
      assert.same(net:predict({age = 30, sex = "", dose = 1}).bp,
        net:predict(row, {unknown = "missing"}).bp)
      assert.error_matches(function() net:predict{age = 30, sex = "f"} end,
        "there is no column 'dose', which the network takes; there is age, sex. A value that is "
        .. "missing is \"\" or NaN", 1, true)
      assert.error_matches(function() net:predict(3) end, "predict: wants rows by name", 1, true)
      assert.error_matches(function() net:predict(row, {size = 4}) end,
        "size is an option for pictures", 1, true)
      assert.error_matches(function() net:predict(braid.ones(3)) end,
        "a tensor has no words", 1, true)
    end)
  end)

  it("can be trained on a subset, and has the statistics of that subset", function()
    shell.in_directory(function(dir)
      local all <const> = data.table(people(200), {reals = {"bp"}, classes = {"risk"}}).train
      local net <const> = trained(dir, {train = all:subset(1, 150), val = all:subset(151, 200)})
      local train <const> = all:subset(1, 150):prepared()
      assert.equal(train:prepared().inputs:sum():item(), train.inputs:sum():item())
      local sum = 0
      for i = 1, 150 do sum = sum + people(150)[i].age end
      assert.equal(sum / 150, net.card.preprocessing.table.inputs[1].mean)
    end)
  end)

  it("has the same weights after a training that was stopped in an epoch and resumed", function()
    local function run(stop)
      local values <const> = {}
      shell.in_directory(function(dir)
        local own <const> = {dir = dir .. "/run", every = 3, on = {step = function(_, event)
          if event.step == stop then error("stopped", 0) end
        end}}
        if stop then
          assert.is_false((pcall(trained, dir, own)))
          stop = nil
        end
        local net <const>, _, history <const> = trained(dir, own)
        assert.equal(60, history:last("stop").step)
        for name, p in pairs(net:state_dict()) do values[name] = p:totable() end
      end)
      return values
    end
    assert.same(run(nil), run(14))
  end)

  it("without a card needs prepared rows in train.test", function()
    shell.in_directory(function(dir)
      local o <const> = {reals = {"bp"}, inputs = {"age"}}
      local train <const>, rest <const> = data.table(people(60), o).train:split(20)
      local tasks <const> = mtl.tasks{bp = mtl.real{}}
      local Plain <const> = class("Plain", nn.Module)
      function Plain:init() self.bp = nn.Linear(1, 1) end
      function Plain:forward(x) return {bp = self.bp(x)} end
      braid.train.fit{net = Plain(), tasks = tasks, train = train, val = rest, epochs = 1,
        best = "bp.mae", dir = dir .. "/run", progress = false}
      local fresh <const> = {net = Plain(), tasks = tasks}
      local other <const> = data.table(people(40), o).train
      assert.error_matches(function() braid.train.test(dir .. "/run", other, fresh) end,
        "pass test:prepared(train), with the rows that it trained on", 1, true)
      local report <const> = braid.train.test(dir .. "/run", other:prepared(train), fresh)
      assert.is_true(report.bp.mae >= 0)
    end)
  end)

  it("is measured in train.test with the statistics on its card", function()
    shell.in_directory(function(dir)
      local sets <const> = data.table(people(200), {reals = {"bp"}, classes = {"risk"}, test = 0.2,
        val = 0.2})
      trained(dir, {train = sets.train, val = sets.val, dir = dir .. "/run", best = "bp.mae"})
      local other <const> = data.table(people(40), {reals = {"bp"}, classes = {"risk"}}).train
      local report <const> = braid.train.test(dir .. "/run", other)
      assert.is_true(report.bp.mae < 5, tostring(report))
    end)
  end)
end)
