--- data.mix of data sets without pictures: tensors, tables and functions.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

-- Rows x = {i, -i} for i from first to last, with the labels that labels(i) gives.
local function rows_of(first, last, labels)
  local inputs <const>, lists <const>, tensors <const> = {}, {}, {}
  for i = first, last do
    inputs[#inputs + 1] = {i, -i}
    for name, value in pairs(labels(i)) do
      lists[name] = lists[name] or {}
      table.insert(lists[name], value)
    end
  end
  for name, list in pairs(lists) do
    tensors[name] = braid.tensor(list, {dtype = name == "k" and "int64" or "float32"})
  end
  return data.dataset{inputs = braid.tensor(inputs), labels = tensors}
end

local numbers <const> = rows_of(1, 20, function(i) return {y = i + 0.5, p = {i, 2 * i}} end)
local classes <const> = rows_of(101, 110, function(i) return {k = i % 3 + 1} end)
local made <const> = data.of{n = 7, inputs = {"input"}, get = function(i)
  return {input = {200.0 + i, -200.0 - i}, k = 1, y = 0.25}
end}

-- The labels that sample {x, -x} must have in a mix of these three sets.
local function wanted(x)
  if x <= 20 then return {y = x + 0.5, p = {x, 2 * x}, k = -100} end
  if x <= 110 then return {k = x % 3 + 1} end
  return {k = 1, y = 0.25}
end

local function is_missing(v) return v == nil or v ~= v or type(v) == "table" and v[1] ~= v[1] end

local function check_batch(batch)
  local x <const>, y <const>, p <const>, k <const> = batch.input:totable(), batch.y:totable(),
    batch.p:totable(), batch.k:totable()
  assert.equal(batch.count, #x)
  for i, row in ipairs(x) do
    local own <const> = wanted(row[1])
    assert.equal(-row[1], row[2])
    assert.equal(own.k or -100, k[i])
    assert.same(own.y or "missing", is_missing(y[i]) and "missing" or y[i])
    assert.same(own.p or "missing", is_missing(p[i]) and "missing" or p[i])
  end
end

-- The inputs of all batches in order, each number once.
local function seen_in(mix, o)
  local seen <const> = {}
  for batch in data.loader(mix, o) do
    check_batch(batch)
    for _, row in ipairs(batch.input:totable()) do seen[#seen + 1] = row[1] end
  end
  return seen
end

describe("data.mix of rows", function()
  it("gives each sample its own labels and marks those that its set does not have", function()
    for _, by in ipairs{"batch", "sample"} do
      for _, size in ipairs{1, 4, 16} do
        local mix <const> = data.mix{{numbers, 2}, {classes, 1}, {made, 1}, by = by, n = 48}
        local seen <const> = seen_in(mix, {batch = size, shuffle = true, seed = 3})
        local counts <const> = {0, 0, 0}
        for _, x in ipairs(seen) do
          local part <const> = x <= 20 and 1 or x <= 110 and 2 or 3
          counts[part] = counts[part] + 1
        end
        if size < 16 then assert.same({24, 12, 12}, counts) end
      end
    end
  end)

  it("takes its samples in the order that a mix of pictures of these sizes has", function()
    local function pictures(ds, first)
      local images <const> = braid.zeros({#ds, 1, 4, 4}, {dtype = "uint8"})
      for i = 1, #ds do images[i]:fill_(first + i) end
      return data.dataset{images = images, labels = {}}
    end
    local pictured <const> = data.mix{{pictures(numbers, 0), 3}, {pictures(classes, 100), 1},
      by = "sample", n = 32}
    local rows <const> = data.mix{{numbers, 3}, {classes, 1}, by = "sample", n = 32}
    local o <const> = {batch = 8, shuffle = true, seed = 9}
    local numbers_seen <const> = {}
    for batch in data.loader(pictured, {batch = 8, shuffle = true, seed = 9, whiten = false}) do
      for _, v in ipairs(batch.image[{ {}, 1, 1, 1}]:totable()) do
        numbers_seen[#numbers_seen + 1] = v
      end
    end
    assert.same(numbers_seen, seen_in(rows, o))
  end)

  it("has each sample once, set after set, where it is asked to", function()
    local mix <const> = data.mix{{numbers, 9}, {classes, 1}, {made, 1}, by = "once"}
    local in_order <const> = {}
    for i = 1, 20 do in_order[i] = i end
    for i = 101, 110 do in_order[#in_order + 1] = i end
    for i = 201, 207 do in_order[#in_order + 1] = i end
    assert.same(in_order, seen_in(mix, {batch = 8}))
    local shuffled <const> = seen_in(mix, {batch = 8, shuffle = true, seed = 2})
    assert.not_same(in_order, shuffled)
    table.sort(shuffled)
    assert.same(in_order, shuffled)
    assert.error_matches(function() data.mix{{numbers}, by = "once", n = 4} end,
      "has all 20 samples, so leave out n")
  end)

  it("continues from a state with the batches that were left", function()
    local mix <const> = data.mix{{numbers, 2}, {classes, 1}, by = "sample"}
    local o <const> = {batch = 5, shuffle = true, seed = 4}
    local all <const>, loader <const> = seen_in(mix, o), data.loader(mix, o)
    loader()
    loader()
    local left <const> = seen_in(mix, {batch = 5, shuffle = true, state = loader:state()})
    assert.same(table.move(all, 11, #all, 1, {}), left)
  end)

  it("trains tasks that have their labels in different tables", function()
    braid.manual_seed(1)
    local first <const>, second <const> = {}, {}
    for i, u in ipairs(braid.rand(200, 2):totable()) do
      first[i] = {a = u[1], b = u[2], sum = 10 + 5 * (u[1] + u[2])}
      second[i] = {a = u[1], b = u[2], larger = u[1] > u[2] and "a" or "b"}
    end
    local train <const>, val <const> = data.table(first, {inputs = {"a", "b"},
      reals = {"sum"}}).train:split(0.25)
    local other <const> = data.table(second, {inputs = {"a", "b"}, classes = {"larger"}}).train
    local tasks <const> = mtl.tasks{sum = mtl.real{}, larger = mtl.classes{2}}
    local net <const> = mtl.columns(tasks, nn.backbone({ {"fc", function(c)
      return nn.Sequential{nn.Linear(c, 16), nn.ReLU()}
    end} }, {channels = 2}))
    net:heads(function(task, c) return nn.Linear(c, task.size) end)
    local other_train <const>, other_val <const> = other:prepared(train):split(0.25)
    local mixed <const> = data.mix{{train}, {other_train}}
    local both <const> = data.mix{{val}, {other_val}, by = "once"}
    shell.in_directory(function(dir)
      braid.train.fit{net = net, tasks = tasks, train = mixed, val = data.mix{{val}, {other_val}},
        epochs = 25, batch = 25,
        optimizer = braid.optim.Adam(net:parameters(), {lr = 1e-2}), progress = false,
        dir = dir .. "/run"}
      local seen <const> = braid.train.history.read(dir .. "/run").epochs[25].val.larger.counted
      assert.same({100, 50}, {seen.samples, seen.missing})
      assert.equal("a", net.card.preprocessing.table.inputs[1].column)
    end)
    local report <const> = tasks:evaluate(net, data.loader(both))
    assert.is_true(report.sum.mae < 0.6, tostring(report)) -- in the units of the column
    assert.is_true(report.larger.accuracy > 0.9, tostring(report))
    assert.equal(50, report.larger.counted.samples - report.larger.counted.missing)
  end)

  it("by batch leaves a weighting nothing to weigh, and train.fit says so", function()
    local notice <const> = require "braid.notice"
    local said <const>, write <const> = {}, notice.write
    finally(function() notice.write = write end)
    notice.write = function(text) said[#said + 1] = text end
    local function run(by)
      local tasks <const> = mtl.tasks{y = mtl.real{}, k = mtl.classes{3}}
      local net <const> = mtl.network{tasks = tasks, columns = "shared", blocks = nn.backbone(
        { {"fc", function(c) return nn.Linear(c, 4) end} }, {channels = 2})}
      local first <const> = rows_of(1, 20, function(i) return {y = i} end)
      braid.train.fit{net = net, tasks = tasks, epochs = 2, batch = 5, progress = false,
        train = data.mix{{first}, {classes}, by = by}, weighting = mtl.weighting.pcgrad{}}
      return #said
    end
    assert.equal(0, run("sample"))
    assert.equal(1, run("batch"))
    assert.matches("the labels of one task alone", said[1])
  end)

  it("refuses parts that cannot make one batch, and names the part", function()
    local function refused(wanted_words, parts, o)
      assert.error_matches(function() data.loader(data.mix(parts), o or {}) end, wanted_words, 1,
        true)
    end
    local faces <const> = data.faces{n = 10, seed = 1}.train
    local function of(inputs, labels)
      return data.dataset{inputs = inputs, labels = labels or {}}
    end
    refused("part 1 has none and part 2 has some", {{numbers}, {faces}})
    refused("part 1 has some and part 2 has none", {{faces}, {numbers}})
    refused("input 'input' is float32 (2) in the first part, but float32 (3) in part 2",
      {{numbers}, {of(braid.zeros(4, 3))}})
    refused("input 'x' is not there in the first part, but float32 (2) in part 2",
      {{of{z = braid.zeros(4, 2)}}, {of{z = braid.zeros(4, 2), x = braid.zeros(4, 2)}}})
    refused("label 'y' is float32 (2) in part 2, but float32 () in an earlier one",
      {{numbers}, {of(braid.zeros(4, 2), {y = braid.zeros(4, 2)})}})
    refused("leave out size", {{numbers}, {numbers}}, {size = 8})
    refused("those of part 2 are made by a function",
      {{faces}, {data.of{n = 2, get = function() return {image = faces[1].image} end}}})
    local function table_of(k, labels)
      local rows <const> = {}
      for i = 1, 6 do rows[i] = {x = k * i, y = k * i} end
      return data.table(rows, {inputs = {"x"}, reals = labels}).train
    end
    refused("part 2 is prepared by the means and deviations of other rows than part 1",
      {{table_of(1)}, {table_of(2)}})
    local one <const> = table_of(1, {"y"})
    refused("label 'y' has other means and deviations in part 2 than in an earlier one",
      {{one}, {of(braid.zeros(4, 1), {y = braid.zeros(4)})}})
  end)
end)
