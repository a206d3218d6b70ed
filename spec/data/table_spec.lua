--- Tests tables of numbers without pictures: data.csv with inputs, its loader, and training on it.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local data <const>, mtl <const>, nn <const> = braid.data, braid.mtl, braid.nn

local function with(text, options, f)
  shell.in_directory(function(dir)
    shell.write(dir .. "/t.csv", text)
    f(data.csv(dir .. "/t.csv", options), dir)
  end)
end

local TEXT <const> = "age,sex,dose,bp,risk,set\n30,f,1.5,120,low,train\n41,m,2,NA,mid,train\n"
  .. "52,f,2.5,131,,test\n63,m,3,140,high,train\n"
local OPTIONS <const> = {inputs = {"dose", "age", sex = {"f", "m"}}, reals = {"bp"},
  classes = {risk = {"low", "mid", "high"}}, missing = "NA", split = "set"}

describe("data.csv with inputs", function()
  it("reads numbers and words as inputs, labels and sets", function()
    with(TEXT, OPTIONS, function(sets)
      local train <const> = sets.train
      assert.same({3, 1}, {#train, #sets.test})
      assert.same({"dose", "age", "sex=f", "sex=m"}, train.input_names)
      assert.same({ {1.5, 30, 1, 0}, {2, 41, 0, 1}, {3, 63, 0, 1} }, train.inputs:totable())
      assert.same({2, 41, 0, 1}, train[2].input:totable())
      assert.same({nil, nil, 2}, {train[2].image, train[2].bp, train[2].risk})
      assert.is_nil(sets.test[1].risk)
      assert.equal(1, #train:filter(function(s) return s.input[2]:item() > 50 end))
      assert.matches("3 samples", tostring(train:stats()))
      assert.same({3, 63, 0, 1}, train:subset{3, 1}[1].input:totable())
    end)
  end)

  it("takes columns that are not inputs as labels, and words as one-hot inputs", function()
    with("x,w,y\n1,b,5\n2,a,6\n", {inputs = {"x", "w"}}, function(sets)
      assert.same({y = "real"}, sets.train.kinds)
      assert.same({ {1, 0, 1}, {2, 1, 0} }, sets.train.inputs:totable())
    end)
  end)

  it("raises an error for a missing input, unless fill gives a value", function()
    local text <const> = "x,y\n1,5\n,6\n3,7\n"
    shell.in_directory(function(dir)
      shell.write(dir .. "/t.csv", text)
      assert.error_matches(function() data.csv(dir .. "/t.csv", {inputs = {"x"}}) end,
        "t.csv:3: column 'x': an input is missing: say fill = 0 or fill = \"mean\"")
      assert.error_matches(function() data.csv(dir .. "/t.csv", {inputs = {"z"}}) end,
        "there is no column 'z'; there is x, y")
      assert.error_matches(function() data.csv(dir .. "/t.csv", {inputs = {}}) end,
        "inputs names no column")
      assert.error_matches(function() data.csv(dir .. "/t.csv", {inputs = {"x"}, image = "y"}) end,
        "with inputs there are no pictures: leave out image")
    end)
    for fill, value in pairs{[0] = 0, [-1.5] = -1.5, mean = 2} do
      with(text, {inputs = {"x"}, fill = fill}, function(sets)
        assert.same({ {1}, {value}, {3} }, sets.train.inputs:totable())
      end)
    end
  end)
end)

describe("data.loader of a table", function()
  it("gives inputs and labels in every order, and continues from a state", function()
    with(TEXT, OPTIONS, function(sets)
      local batch <const> = data.loader(sets.train, {batch = 3})()
      assert.same(sets.train.inputs:totable(), batch.input:totable())
      assert.same({1, 2, 3}, batch.risk:totable())
      assert.same({true, false, true}, batch.bp:eq(batch.bp):totable())
      assert.equal(3, batch.count)
      assert.same({-100}, data.loader(sets.test, {batch = 3})().risk:totable())
      local o <const> = {batch = 1, shuffle = true, seed = 4}
      local loader <const>, seen <const> = data.loader(sets.train, o), {}
      seen[1] = loader().input[{1, 2}]:item()
      o.batch, o.state, o.seed = 2, loader:state(), nil
      for rest in data.loader(sets.train, o) do
        for i = 1, rest.count do seen[#seen + 1] = rest.input[{i, 2}]:item() end
      end
      table.sort(seen)
      assert.same({30, 41, 63}, seen)
      local turns <const> = {}
      for b in data.loader(sets.train, {batch = 2, balanced = {"risk"}}) do
        turns[#turns + 1] = b.task
        assert.is_false(b.bp:eq(b.bp):any():item())
      end
      assert.same({"risk", "risk"}, turns)
      assert.error_matches(function() data.loader(sets.train, {size = 8}) end,
        "a table of numbers has no pictures: leave out size")
    end)
  end)

  it("trains and evaluates columns of linear layers", function()
    local rows <const> = {"a,b,y,k"}
    for i = 1, 200 do
      local a <const>, b <const> = i % 10 / 10, i // 10 % 10 / 10
      rows[#rows + 1] = ("%g,%g,%g,%s"):format(a, b, a - b, a > b and "more" or "less")
    end
    with(table.concat(rows, "\n"), {inputs = {"a", "b"}, reals = {"y"}, classes = {"k"}},
      function(sets)
      braid.manual_seed(1)
      local tasks <const> = mtl.tasks{y = mtl.real{1}, k = mtl.classes{2}}
      local function block(c) return nn.Sequential{nn.Linear(c, 16), nn.ReLU()} end
      local net <const> = mtl.columns(tasks, nn.backbone({ {"fc", block} }, {channels = 2}))
      net:heads(function(task, c) return nn.Linear(c, task.size) end)
      local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-2})
      for epoch = 1, 30 do
        for batch in data.loader(sets.train, {batch = 50, shuffle = true, epoch = epoch}) do
          local _ <close> = braid.scope()
          local loss <const> = tasks:loss(net(batch.input), batch)
          opt:zero_grad()
          loss:backward()
          opt:step()
        end
      end
      local report <const> = tasks:evaluate(net, data.loader(sets.train))
      assert.is_true(report.k.accuracy > 0.9, tostring(report))
    end)
  end)
end)
