--- Tests data sets of the user's own making: data.tensors, data.of (a function makes each sample),
-- and Lua functions among a loader's transforms.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local function same(wanted, got, what)
  assert.equal(table.concat(wanted.shape, " "), table.concat(got.shape, " "), what)
  local known <const> = wanted:eq(wanted)
  assert.is_true(wanted:eq(got):logical_or(known:logical_not()):all():item(), what)
  assert.is_true(known:eq(got:eq(got)):all():item(), what)
end

describe("data.tensors", function()
  local x <const> = braid.arange(1, 40):reshape(20, 2):to("float64")
  local z <const> = braid.randint(1, 5, {20, 3})
  local y <const>, k <const> = braid.arange(1, 20):to("float32"), braid.randint(1, 3, {20})

  it("makes inputs and labels of tensors that have a row for each sample", function()
    local set <const> = data.tensors{x = x, y = y, k = k}
    assert.same({y = "real", k = "class"}, set.kinds)
    local batch <const> = data.loader(set, {batch = 6})()
    assert.same({"x"}, batch.inputs)
    assert.equal("float32", batch.x.dtype)
    same(x[{ {1, 6} }]:to("float32"), batch.x)
    same(y[{ {1, 6} }], batch.y)
    assert.equal(6, batch.count)
    assert.same({11, 12}, set[6].x:totable())
    local train <const>, val <const> = set:split(0.25)
    assert.same({15, 5}, {#train, #val})
    assert.equal(16, val[1].y)
    assert.equal(3, #set:filter(function(s) return s.y > 17 end))
    assert.matches("20 samples", tostring(set:stats()))
  end)

  it("gives a network one tensor, or several tensors by name", function()
    local two <const> = data.tensors({x = x, z = z, y = y}, {inputs = {"x", "z"}})
    local seen <const> = {}
    local tasks <const> = mtl.tasks{y = mtl.real{}}
    tasks:evaluate(function(given)
      seen[#seen + 1] = given
      return {y = given.x:sum(2):unsqueeze(2)}
    end, data.loader(two, {batch = 20}))
    assert.equal("int64", seen[1].z.dtype)
    same(z, seen[1].z)
    tasks:evaluate(function(given) return {y = given:sum(2):unsqueeze(2)} end,
      data.loader(data.tensors{x = x, y = y}, {batch = 20}))
    local named <const> = {count = 2, inputs = {"a"}, a = braid.ones(2, 3), y = braid.ones(2)}
    local function summed(given) return {y = given:sum(2):unsqueeze(2)} end
    local report <const> = tasks:evaluate(summed, function()
      local batch <const> = named.count and {count = 2, inputs = named.inputs, a = named.a,
        y = named.y}
      named.count = nil
      return batch
    end)
    assert.equal(2, report.y.mae)
    assert.error_matches(function()
      tasks:evaluate(print, function() return {inputs = {"b"}, count = 1} end)
    end, "batch: inputs names 'b', but the batch has no such tensor")
  end)

  it("has the same order of samples and the same states as a data set of pictures", function()
    local function numbers(o, take)
      local loader <const>, list <const> = data.loader(data.tensors{x = x, y = y}, o), {}
      for batch in loader do
        for _, v in ipairs(batch.y:totable()) do list[#list + 1] = v end
        if take and #list >= take then return list, loader:state() end
      end
      return list
    end
    for _, o in ipairs{{shuffle = true, seed = 3, epoch = 2}, {drop_last = true},
      {shuffle = true, batch = 7, drop_last = true}} do
      o.batch = o.batch or 6
      local whole <const> = numbers(o)
      assert.same(whole, numbers(o))
      local first <const>, state <const> = numbers(o, o.batch)
      local rest <const> = numbers{batch = o.batch, shuffle = o.shuffle, drop_last = o.drop_last,
        state = state}
      assert.same(whole, table.move(rest, 1, #rest, #first + 1, first))
    end
    local images <const> = data.dataset{images = braid.zeros({20, 1, 4, 4}, {dtype = "uint8"}),
      labels = {y = y}}
    local o <const>, order <const> = {shuffle = true, seed = 9, batch = 6}, {}
    for batch in data.loader(images, o) do
      for _, v in ipairs(batch.y:totable()) do order[#order + 1] = v end
    end
    assert.same(order, numbers(o)) -- the order of the pictures
  end)

  it("works with train.fit and net:predict, which takes one sample or several", function()
    local a <const> = braid.randn(60, 3)
    local sum <const> = a:sum(2)
    local set <const> = data.tensors{x = a, sum = sum}
    local tasks <const> = mtl.tasks{sum = mtl.real{}}
    local net <const> = mtl.columns(tasks, nn.backbone({ {"fc", function(c)
      return nn.Linear(c, 4)
    end} }, {channels = 3}))
    net:heads(function(task, c) return nn.Linear(c, task.size) end)
    braid.train.fit{net = net, train = set, val = set, epochs = 2, progress = false}
    assert.same({tensors = {x = {3}}}, net.card.preprocessing)
    local answers <const> = net:predict(a)
    local outputs <const> = net(a)
    for i, answer in ipairs(answers) do
      assert.is_true(math.abs(outputs.sum[{i, 1}]:item() - answer.sum.values[1]) < 1e-6)
    end
    assert.equal(answers[1].sum.values[1], net:predict(a)[1].sum.values[1])
    assert.equal(1, net:predict(a[2]).row.number)
    assert.equal(60, #net:predict(set))
    assert.equal(60, #net:predict{x = a})
    for given, message in pairs{[braid.ones(2, 4)] = "takes %(3%) a sample as 'x', not %(2, 4%)",
      [3] = "takes tensors by name: x", [{y = a}] =
      "takes a tensor %(3%) a sample as 'x', not nil"} do
      assert.error_matches(function() net:predict(given) end, message)
    end
  end)

  it("raises an error for tensors that do not fit together", function()
    for _, case in ipairs{
      {{ {x = x, y = braid.ones(3)} }, "'x' has 20 rows, but 'y' has 3"},
      {{ {a = x} }, "inputs is missing: which of a does the network see?"},
      {{ {x = x}, {inputs = "b"} }, "there is no tensor 'b'; there is x"},
      {{ {x = x, y = braid.tensor(1)} }, "y must have a row for each sample"},
      {{ {x = x, count = y} }, "'count' cannot be the name of a label"},
      {{ {x = x, k = k - 1} }, "labels.k holds 0; labels count from 1"},
    } do
      assert.error_matches(function() data.tensors(table.unpack(case[1])) end, case[2], 1, true)
    end
  end)
end)

-- ---- samples of functions -----------------------------------------------------------------

local faces <const> = data.faces{n = 40, seed = 1, size = 24}
local ds <const> = faces.train

local function made(more)
  local o <const> = {n = #ds, points = ds.points, flips = ds.flips, get = function(i)
    local s <const> = ds[i]
    return {image = s.image, landmarks = s.landmarks, smile = s.smile, pose = s.pose}
  end}
  for key, value in pairs(more or {}) do o[key] = value end
  return data.of(o)
end

local FLIPS <const> = mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
  pose = mtl.classes{5, flip = {5, 4, 3, 2, 1}}}

describe("data.of", function()
  local LOADERS <const> = {
    plain = {}, shuffled = {shuffle = true, seed = 5, epoch = 3},
    ["with random changes"] = {shuffle = true, size = 20, tasks = FLIPS,
      augment = {flip = 0.5, rotate = 20, shift = 0.1}, workers = 2},
    ["with transforms"] = {transforms = {data.crop(1.2), data.resize(16), data.noise(0.1)}},
    ["smaller"] = {size = 12, whiten = false, drop_last = true},
  }
  for what, o in pairs(LOADERS) do
    it("gives the same batches as a data set in memory: " .. what, function()
      for _, cache in ipairs{false, true} do
        o.batch = 7
        local wanted <const>, got <const> = data.loader(ds, o), data.loader(made{cache = cache}, o)
        assert.equal(#wanted, #got)
        for batch in wanted do
          local other <const> = got()
          for _, name in ipairs{"image", "landmarks", "smile", "pose"} do
            same(batch[name], other[name], name)
          end
        end
        assert.is_nil(got())
      end
    end)
  end

  it("calls its function in each epoch, or only once for each sample with cache = true", function()
    for cache, wanted in pairs{[false] = 20, [true] = 10} do
      local calls = 0
      local set <const> = data.of{n = 10, cache = cache, get = function(i)
        calls = calls + 1
        return {x = {i}, y = i + 0.5}
      end}
      for epoch = 1, 2 do
        for batch in data.loader(set, {batch = 4, shuffle = true, epoch = epoch}) do
          local _ <close> = braid.scope()
          for i = 1, batch.count do
            assert.equal(batch.x[{i, 1}]:item() + 0.5, batch.y[i]:item())
          end
        end
      end
      -- Sample 1 is also made to find out which labels samples have.
      assert.is_true(calls >= wanted and calls <= wanted + 3, tostring(calls))
    end
  end)

  it("accepts a function that fills the same tensors for every sample", function()
    local x <const>, y <const> = braid.zeros(2), braid.zeros(1)
    for _, cache in ipairs{false, true} do
      local set <const> = data.of{n = 5, cache = cache, get = function(i)
        x:fill_(i)
        y:fill_(-i)
        return {x = x, y = y}
      end}
      local batch <const> = data.loader(set, {batch = 5})()
      assert.same({1, 2, 3, 4, 5}, batch.x[{ {}, 1}]:totable())
      assert.same({-1, -2, -3, -4, -5}, batch.y:reshape(-1):totable())
    end
  end)

  it("can be split, filtered, and sampled by labels that are given as tensors", function()
    local k <const> = braid.tensor({1, 1, 1, 1, 1, 1, 1, 1, 2, 2}, {dtype = "int64"})
    local set <const> = data.of{n = 10, labels = {k = k}, get = function(i) return {x = {i}} end}
    local train <const>, val <const> = set:split(0.5, {stratify = "k", seed = 1})
    assert.same({5, 5}, {#train, #val})
    for batch in data.loader(val, {batch = 5}) do
      for i = 1, 5 do
        assert.equal(k[math.tointeger(batch.x[{i, 1}]:item())]:item(), batch.k[i]:item())
      end
    end
    local counts <const> = {0, 0}
    for batch in data.loader(set, {batch = 5, balanced = "k"}) do
      for _, class in ipairs(batch.k:totable()) do counts[class] = counts[class] + 1 end
    end
    assert.same({5, 5}, counts)
    assert.equal(3, #set:filter(function(s) return s.x[1]:item() > 7 end))
    assert.equal(9, set:subset{9, 2}[1].x[1]:item())
  end)

  it("joins pictures of several sizes, and marks labels that a sample lacks as missing", function()
    local set <const> = data.of{n = 6, size = 8, get = function(i)
      return {image = braid.full({1, 8 + 4 * (i % 2), 8 + 4 * (i % 2)}, 10 * i, {dtype = "uint8"}),
        smile = i ~= 2 and 1 or nil, age = i ~= 3 and i + 0.5 or nil}
    end}
    local batch <const> = data.loader(set, {batch = 6, whiten = false})()
    assert.same({6, 1, 8, 8}, batch.image.shape)
    assert.same({1, -100, 1, 1, 1, 1}, batch.smile:totable())
    local ages <const> = batch.age:totable()
    assert.is_true(ages[3] ~= ages[3])
    assert.equal(4.5, ages[4])
    local values <const> = batch.image:select(4, 1):select(3, 1):select(2, 1):totable()
    for i = 2, 6 do assert.is_true(values[i] > values[i - 1]) end
  end)

  it("raises an error that names the sample with a wrong value", function()
    local fits <const> = {x = {1}, y = 1.5, k = 1}
    for _, case in ipairs{
      {3, "sample 2: get must return a table"}, {{x = 1}, "sample 2: 'x' must be a tensor"},
      {{x = {1}, y = "a"}, "sample 2: 'y' must be a number"},
      {{x = {1}, new = 1}, "sample 2: it has a label 'new', which sample 1 has not"},
      {{x = {1}, k = 0}, "sample 2: 'k' is 0, and classes are whole numbers from 1"},
      {{x = {1}, k = 1.5}, "sample 2: 'k' is 1.5, and classes are whole numbers from 1"},
      {{x = {1}, count = 1}, "sample 2: \"count\" cannot be the name of a label"},
      {{x = {1, 2}}, "'x' is float32 (1) in one sample and float32 (2) in another"},
    } do
      local set <const> = data.of{n = 2, get = function(i) return i == 1 and fits or case[1] end}
      assert.error_matches(function() data.loader(set, {batch = 2})() end, case[2], 1, true)
    end
    local blind <const> = data.of{n = 1, get = function() return {y = 1} end}
    assert.error_matches(function() data.loader(blind, {})() end,
      "sample 1: it has no image, x or input", 1, true)
    local floats <const> = data.of{n = 1, get = function() return {image = braid.ones(1, 2, 2)} end}
    assert.error_matches(function() data.loader(floats, {})() end,
      "sample 1: image must be a tensor of bytes", 1, true)
    assert.equal(0, #data.loader(data.of{n = 0, get = print}, {}))
  end)
end)

describe("a Lua function among a loader's transforms", function()
  it("changes pictures and labels after all other steps", function()
    local plain <const> = data.loader(ds, {batch = 8})
    local changed <const> = data.loader(ds, {batch = 8, workers = 2,
      transforms = {function(x, s)
        s.smile:fill_(2)
        return x * 2 + 1
      end}})
    for batch in plain do
      local other <const> = changed()
      same(batch.image * 2 + 1, other.image)
      assert.is_true(other.smile:eq(2):all():item())
      same(batch.landmarks, other.landmarks)
    end
  end)

  it("works on rows of numbers", function()
    local set <const> = data.tensors{x = braid.ones(4, 2), y = braid.ones(4)}
    local batch <const> = data.loader(set, {batch = 4, transforms = {function(x)
      return braid.cat({x, x * 3}, 1)
    end}})()
    assert.same({1, 1, 3, 3}, batch.x[2]:totable())
  end)

  it("gets a different seed for each sample; a resumed loader gives the same seeds", function()
    local seeds
    local o <const> = {batch = 8, shuffle = true, seed = 4, epoch = 2, transforms = {function(x, s)
      seeds[#seeds + 1] = s.seed
      return x
    end}}
    local function run(state, count)
      seeds = {}
      o.state = state
      local loader <const> = data.loader(ds, o)
      for _ in loader do
        count = count and count - 1
        if count == 0 then return seeds, loader:state() end
      end
      return seeds
    end
    local whole <const> = run()
    local first <const>, state <const> = run(nil, 2)
    local rest <const> = run(state)
    assert.same(whole, table.move(rest, 1, #rest, #first + 1, first))
    local unique <const> = {}
    for _, seed in ipairs(whole) do unique[seed] = true end
    local n = 0
    for _ in pairs(unique) do n = n + 1 end
    assert.equal(#ds, n)
  end)

  it("must be the last transform, and must return a tensor of the same type and shape", function()
    for _, case in ipairs{
      {{print, data.whiten()}, "functions come after all other transforms, but item 2"},
      {{function() return 3 end}, "must return a tensor of float32 for image, not 3"},
      {{function(x) return x:to("float64") end}, "must return a tensor of float32"},
      {{function(x, s) return s.pose:item() == 3 and x or x[{ {}, {1, 3} }] end}, "of another"},
    } do
      assert.error_matches(function()
        for _ in data.loader(ds, {batch = #ds, transforms = case[1]}) do end
      end, case[2], 1, true)
    end
  end)

  it("is not saved with a network: net:predict then says that it is missing", function()
    shell.in_directory(function(dir)
      local function darker(x) return x * 0.5 end
      local tasks <const> = mtl.tasks{smile = mtl.classes{2}}
      shell.write(dir .. "/net.lua", "return function(tasks)\n  local function block(c) return "
        .. "nn.Conv2d(c, 4, {kernel = 3, stride = 2}) end\n  return mtl.columns(tasks, nn.backbone("
        .. "{ {\"one\", block} }, {channels = 1})):heads()\nend\n")
      local net <const> = braid.model(dir .. "/net.lua", {tasks = tasks})
      local steps <const> = {data.resize(16), data.whiten(), darker}
      braid.train.fit{net = net, epochs = 1, progress = false,
        train = (data.loader(ds, {batch = 16, transforms = steps}))}
      braid.save(dir .. "/net.safetensors", net)
      local again <const> = braid.open(dir .. "/net.safetensors")
      assert.same(1, #again.card.preprocessing.functions)
      assert.matches("own_data_spec.lua:%d+$", again.card.preprocessing.functions[1])
      assert.error_matches(function() again:predict(ds) end, "1 function of Lua, which no file can "
        .. "hold", 1, true)
      local answers <const> = again:predict(ds, {transforms = {darker}})
      local batch <const> = data.loader(ds, {batch = 64, transforms = steps})()
      local outputs <const> = again(batch.image)
      for i, answer in ipairs(answers) do
        assert.equal(outputs.smile[i]:softmax(1)[answer.smile.class]:item(), answer.smile.share)
      end
    end)
  end)
end)
