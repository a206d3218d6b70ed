--- Operations on a network of columns: add_task, remove_task, extract, transfer and ablate, with
-- every mixer.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local columns <const> = require "spec.support.small_columns"

local tasks <const>, MIXERS <const> = columns.tasks, columns.MIXERS
local build <const> = columns.build
local outputs <const>, x <const>, batch <const> = columns.outputs, columns.x, columns.batch
local identical <const>, largest <const> = columns.identical, columns.largest

local function fails(f, message) assert.error_matches(f, message, 1, true) end

local function once(value) return coroutine.wrap(function() coroutine.yield(value) end) end

for name, mixer in pairs(MIXERS) do
  describe("with mtl." .. name, function()
    it("net:add_task leaves the outputs of the other tasks as they were, bit for bit", function()
      for _, stacked in ipairs{false, name ~= "progressive"} do
        local net <const> = build(mixer, {stacked = stacked})
        local before <const> = outputs(net)
        net:add_task("c", mtl.classes{4}, {freeze = "others"})
        local after <const> = outputs(net)
        for _, task in ipairs{"a", "b", "d"} do
          assert.is_true(identical(before[task], after[task]), task)
        end
        assert.same({5, 4}, after.c.shape)
      end
    end)

    it("net:add_task with freeze = 'others' lets only the new task train", function()
      local net <const> = build(mixer):add_task("c", mtl.classes{4}, {freeze = "others"})
      local before <const> = outputs(net)
      local opt <const> = braid.optim.SGD(net:parameters(), {lr = 0.1})
      net:train()
      local loss <const> = net(x).c:square():sum()
      loss:backward()
      opt:step()
      local after <const> = outputs(net)
      for _, task in ipairs{"a", "b", "d"} do
        assert.is_true(identical(before[task], after[task]), task)
      end
      assert.is_false(identical(before.c, after.c))
    end)

    it("net:extract gives a separate network with the same outputs", function()
      local net <const> = build(mixer, {stacked = false})
      local before <const> = outputs(net)
      local small <const> = net:extract{"b"}
      local after <const> = outputs(small)
      assert.is_nil(after.a)
      assert.is_true(identical(before.b, after.b))
      assert.is_true(small:count_parameters() < net:count_parameters())
      braid.no_grad(function() small.head.b[2].weight:zero_() end)
      assert.is_true(identical(before.b, outputs(net).b))
    end)

    it("net:remove_task leaves a network that runs and trains", function()
      local net <const> = build(mixer):remove_task("b")
      assert.same({"a", "d"}, net.tasks.names)
      local out <const> = net(x)
      assert.is_nil(out.b)
      local total <const> = out.a:sum() + out.d:sum()
      total:backward()
      for path, p in net:named_parameters() do
        assert.is_truthy(p.grad, path)
        assert.is_nil(path:find("%f[%w]b%f[%W]"), path)
      end
    end)
  end)
end

describe("net:add_task", function()
  -- At these sizes, a convolution of stacked columns rounds differently from that of one column.
  it("keeps the outputs of stacked columns bit for bit, also in training mode", function()
    for _, case in ipairs{{"cross_stitch"}, {"nddr"}, {"sluice"}, {"soft_sharing"}, {"dmt", 32},
        {"dcnet", 40, 3, width = 0.25}, {"smtn", 32, 3, width = 0.1, variant = "plain"},
        {"smtn", 32, 3, width = 0.1, variant = "channelwise"}} do
      local side <const>, smtn <const> = case[2] or 40, case[1] == "smtn"
      local net <const> = braid.model(("models/%s.lua"):format(case[1]), {tasks = tasks,
        width = case.width, input = smtn and side or nil, variant = case.variant,
        end_to_end = smtn or nil})
      assert.is_true((net:stacked()))
      local images <const> = braid.randn(4, case[3] or 1, side, side)
      local trained <const>, evaluated <const> = net:clone()(images), net:eval()(images)
      net:add_task("A", mtl.classes{4}):add_task("c", mtl.classes{2}, {init = "d"})
      for name in tasks:each() do
        assert.is_true(identical(evaluated[name], net(images)[name]), case[1])
        assert.is_true(identical(trained[name], net:clone():train()(images)[name]), case[1])
      end
    end
  end)

  -- The order of columns decides how sums over their maps are divided among registers.
  it("keeps the outputs bit for bit for any name in alphabetical order, and any size", function()
    local _ <close> = braid.no_grad()
    local function check(name, channels, late)
      local function layers(c)
        return nn.Sequential{nn.Conv2d(c, channels, {kernel = 3}), nn.BatchNorm2d(channels)}
      end
      local net <const> = mtl.columns(tasks, nn.backbone({{"conv", layers}}, {channels = 2}),
        {stacked = name ~= "progressive" and channels % 2 == 0})
      net:mix("conv", MIXERS[name]):heads():eval()
      for _, p in ipairs(net:parameters()) do p:uniform_(-1, 1) end
      local images <const> = braid.randn(3, 2, 5, 8)
      local before <const> = net(images)
      for _, added in ipairs(late) do net:add_task(added, mtl.classes{2}) end
      local same <const>, near <const> = {net, net:clone()},
        {net:extract(tasks.names), net:clone():unstack()}
      if name ~= "progressive" then
        near[3] = net:clone()
        assert.is_true((near[3]:stack()))
      end
      for task in tasks:each() do
        for _, one in ipairs(same) do
          assert.is_true(identical(before[task], one(images)[task]), name .. channels .. late[1])
        end
        for _, one in ipairs(near) do
          assert.is_true(largest(before[task], one(images)[task]) < 1e-4, name .. late[1])
        end
      end
    end
    for name in pairs(MIXERS) do
      for _, channels in ipairs{1, 6, 17} do
        for _, late in ipairs{{"A"}, {"ab", "c"}, {"z", "B"}} do check(name, channels, late) end
      end
    end
  end)

  it("runs the new column beside the stacked ones until net:stack() stacks all", function()
    for name, mixer in pairs(MIXERS) do
      if name ~= "progressive" then
        local net <const> = build(mixer, {stacked = true}):add_task("c", mtl.classes{4})
        local stacked <const>, why <const> = net:stacked()
        assert.is_false(stacked)
        assert.equal("c came later and runs beside the others until net:stack()", why)
        local before <const>, listed <const> = outputs(net), outputs(net:clone():unstack())
        net:stack()
        assert.is_true((net:stacked()))
        -- a network in training mode can be stacked too
        assert(build(mixer, {stacked = true}):add_task("c", mtl.classes{4}):stack())
        for task in net.tasks:each() do
          assert.is_true(largest(before[task], listed[task]) < 1e-5, name)
          assert.is_true(largest(before[task], outputs(net)[task]) < 1e-5, name)
        end
      end
    end
  end)

  it("makes a column that trains beside stacked ones as it does in a list", function()
    for name, mixer in pairs(MIXERS) do
      local net <const> = build(mixer):add_task("c", mtl.classes{4})
      local states <const> = {}
      for i, own in ipairs{net, net:clone():unstack()} do
        local opt <const>, total = braid.optim.SGD(own:parameters(), {lr = 0.01}), 0
        local out <const> = own:train()(x)
        for task in own.tasks:each() do total = total + out[task]:square():sum() end
        total:backward()
        for path, p in own:named_parameters() do assert.is_truthy(p.grad, path) end
        opt:step()
        states[i] = own:state_dict()
      end
      for path, t in pairs(states[1]) do
        assert.is_true(largest(t, states[2][path]) < 1e-4, name .. " " .. path)
      end
    end
  end)

  it("allows all other operations with columns beside stacked ones", function()
    for name, mixer in pairs(MIXERS) do
      local net <const> = build(mixer):add_task("c", mtl.classes{4})
      local before <const>, state <const> = outputs(net), net:clone():state_dict()
      for _, p in ipairs(net:parameters()) do braid.no_grad(function() p:zero_() end) end
      net:load_state_dict(state)
      assert.is_true(identical(before.c, outputs(net).c), name)
      assert.is_true(largest(before.c, outputs(net:extract{"c"}).c) < 1e-6, name)
      assert.same({6, 6}, {net:features(x, {"conv2"}).conv2.c:size(2),
        net:features(x, {"conv2"}).conv2.a:size(2)})
      local labelled <const> = {image = x, count = 5, a = batch.a, b = batch.b, d = batch.d,
        c = braid.tensor({4, 3, 2, 1, 1}, {dtype = "int64"})}
      assert.equal(4, #net:transfer(labelled).gradients.conv1[4])
      assert.is_table(net:ablate({labelled}, {part = "map"}).change.conv1.c.c)
      assert.is_true(largest(mtl.mutual(net), mtl.mutual(net:clone():unstack())) < 1e-6)
      assert.equal(net:clone():unstack():count_parameters(), net:count_parameters())
      assert.equal(net:count_parameters(), net:summary{1, 6, 6}.parameters)
      assert.same({"b", "c", "d"}, net:remove_task("a").tasks.names)
      assert.same({5, 4}, outputs(net).c.shape)
    end
    fails(function()
      local net <const> = build():add_task("c", mtl.classes{4})
      mtl.ttc_update(net, braid.optim.SGD(net:parameters(), {lr = 0.1}))
    end, "mtl.ttc_update: c came later and runs beside the others until net:stack(); make the "
      .. "optimizer after that")
  end)

  it("adds only a head if all blocks are shared; init = 'a' copies a's column", function()
    local shared <const> = build(nil, {columns = "shared"})
    local before <const> = outputs(shared)
    shared:add_task("c", mtl.classes{4})
    assert.is_true(identical(before.a, outputs(shared).a))
    assert.same({5, 4}, outputs(shared).c.shape)
    shared:add_task("aa", mtl.classes{2}):add_task("A", mtl.classes{3}) -- "A" sorts before all
    assert.same({5, 3}, outputs(shared).A.shape)
    assert.is_true(identical(before.a, outputs(shared).a))
    local net <const> = build(mtl.ttc{}):add_task("c", mtl.classes{4}, {init = "a"})
    local state <const> = net:state_dict()
    assert.equal(0, largest(state["columns.a.conv1.1.weight"], state["columns.c.conv1.1.weight"]))
  end)

  it("gives a float64 network a float64 column", function()
    for name, mixer in pairs(MIXERS) do
      local net <const> = build(mixer):to("float64"):eval()
      local before <const> = net(x:to("float64")).a
      local after <const> = net:add_task("c", mtl.classes{4})(x:to("float64"))
      assert.equal("float64", after.c.dtype)
      assert.is_true(largest(before, after.a) < 1e-14, name)
    end
  end)

  it("adds a second task with mtl.ttc; refuses a mixer that would change the first one", function()
    local net <const> = build(mtl.ttc{}, {single = "a"})
    local before <const> = outputs(net)
    net:add_task("b", mtl.classes{3})
    assert.is_true(identical(before.a, outputs(net).a))
    fails(function() build(mtl.nddr{}, {single = "a"}):add_task("b", mtl.classes{2}) end,
      "add_task: nddr would change the outputs of the only old task")
  end)

  it("names the argument that is wrong", function()
    fails(function() build():add_task("a", mtl.classes{2}) end, "there is a task 'a' already")
    fails(function() build():add_task("c", 5) end, "the task is a number")
    fails(function() build():add_task("c", mtl.classes{2}, {freeze = "all"}) end,
      "freeze must be \"others\", not \"all\"")
    fails(function() build():add_task("c", mtl.classes{2}, {init = "z"}) end,
      "add_task: init: there is no column 'z'")
    fails(function() build(mtl.separation{}):add_task("c", mtl.classes{2}) end, "end_to_end")
    fails(function() build(mtl.nddr{}):extract("b"):add_task("a", mtl.classes{2}) end,
      "add_task: there is a column 'a' already, which other tasks take from")
    fails(function() build():add_task("each", mtl.classes{2}) end,
      "mtl.tasks: 'each' cannot be the name of a task")
    fails(function() build():add_task("a.x", mtl.classes{2}) end,
      "mtl.tasks: 'a.x' cannot be the name of a task: dots separate the parts of weights' names")
    fails(function() build():add_task(mtl.classes{2}) end,
      "add_task: wants the name of a task, then the task, not ")
    fails(function() build():add_task("c", mtl.classes{2}, {head = "wide"}) end,
      "add_task: head must be \"linear\" or \"deep\", or a function")
    fails(function() build():add_task("order", mtl.classes{2}) end,
      "columns: a task cannot be called 'order'")
  end)

  it("leaves the network as it was when an argument is wrong", function()
    for name, mixer in pairs(MIXERS) do
      local net <const> = build(mixer)
      local before <const> = outputs(net)
      for _, case in ipairs{{"order"}, {"names"}, {"c", {head = function() end}}} do
        assert.has_error(function() net:add_task(case[1], mtl.classes{2}, case[2]) end)
      end
      assert.same({"a", "b", "d"}, net.names)
      assert.is_true(identical(before.a, outputs(net).a), name)
    end
  end)
end)

describe("net:remove_task", function()
  it("names an unknown task, and refuses to remove the only one", function()
    fails(function() build():remove_task("z") end, "there is no task 'z'; there is a, b, d")
    fails(function() build(nil, {single = "a"}):remove_task("a") end, "'a' is the only task")
  end)
end)

describe("net:extract", function()
  it("needs names of tasks", function()
    fails(function() build():extract{} end, "extract: wants the names of tasks; there is a, b, d")
    fails(function() build():extract{"z"} end, "extract: there is no task 'z'; there is a, b, d")
  end)

  it("gives a network with one head if all blocks are shared", function()
    local shared <const> = build(nil, {columns = "shared"})
    local small <const> = shared:extract("b")
    assert.same({"b"}, small.names)
    assert.is_true(identical(outputs(shared).b, outputs(small).b))
    assert.same({5, 2}, outputs(small:add_task("a", mtl.classes{2})).a.shape)
  end)

  it("leaves out columns whose weights are 0", function()
    local net <const> = build(mtl.ttc{start = 0}, {stacked = true})
    assert.same({"b"}, net:extract{"b"}.names)
    assert.equal(build(nil, {single = "b"}):count_parameters(),
      net:extract("b"):count_parameters())
  end)
end)

describe("net:transfer", function()
  it("gives for each block the weights and gradients between tasks", function()
    for _, stacked in ipairs{true, false} do
      local net <const> = build(mtl.cross_stitch{}, {stacked = stacked})
      local t <const> = net:transfer(batch)
      assert.same({"conv1", "conv2"}, t.blocks)
      assert.near(0.9, t.weights.conv1[2][2], 1e-6)
      assert.near(0.05, t.weights.conv1[2][3], 1e-6)
      for _, block in ipairs(t.blocks) do
        for i = 1, 3 do
          local sum = 0
          for j = 1, 3 do sum = sum + t.gradients[block][i][j] end
          assert.near(1, sum, 1e-6)
          assert.is_true(t.gradients[block][i][i] > 0.5)
        end
      end
    end
    local alone <const> = build(mtl.none{}):transfer(batch)
    assert.same({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, alone.weights.conv2)
    assert.same({{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}, alone.gradients.conv1)
  end)
end)

describe("net:ablate", function()
  it("changes the metrics of the task whose map is zeroed, and of no independent task", function()
    for _, stacked in ipairs{true, false} do
      local net <const> = build(mtl.none{}, {stacked = stacked})
      local t <const> = net:ablate({batch, batch}, {blocks = {"conv2"}, part = "map",
        relative = false})
      local plain <const> = tasks:evaluate(net, once(batch))
      assert.near(plain.b.accuracy, t.base.b.accuracy, 1e-12)
      assert.equal(0, t.change.conv2.a.b.accuracy)
      -- with zeroed features only the head's bias remains, which is the same for all images
      local bias <const> = net.head.a[2].bias:argmax():item()
      local share <const> = batch.a:eq(bias):sum():item() / 5
      assert.near(share - t.base.a.accuracy, t.change.conv2.a.a.accuracy, 1e-6)
    end
  end)

  it("takes one batch or a list of them, and one block or a list of them", function()
    local net <const> = build(mtl.cross_stitch{})
    local listed <const> = net:ablate({batch}, {blocks = {"conv1"}})
    assert.same(listed, net:ablate(batch, {blocks = "conv1"}))
  end)

  it("needs columns and batches", function()
    fails(function() build(nil, {columns = "shared"}):ablate{batch} end, "has no columns")
    fails(function() build():ablate() end,
      "ablate: wants a loader, a batch or a list of batches, not a nil")
    fails(function() build():ablate(3) end, "batches, not a number")
    fails(function() build():ablate{3} end,
      "ablate: entry 1 is a number, not a batch with an input and labels")
    fails(function() build(mtl.separation{}):ablate(batch) end,
      "ablate: in stage 1 the columns do not run; call net:stage(2) first")
    fails(function() build(mtl.ttc{}, {split = "conv1"}):ablate(batch, {blocks = "conv1"}) end,
      "ablate: block 'conv1' is shared by all tasks; name a block after 'conv1'")
    fails(function() build():ablate(batch, {blocks = {}}) end,
      "ablate: wants a block or a list of them; there is conv1, conv2")
    fails(function() build(mtl.ttc{}):ablate{} end, "ablate: there is no batch to measure on")
  end)
end)

-- A user's own mixer, as in lesson 8, with the methods given besides init.
local function own_mixer(methods)
  local Own <const> = class("halves", mtl.mixer)
  function Own:init(at) self.half = nn.Module.parameter(braid.full({#at.names}, 0.5)) end
  for name, f in pairs(methods) do Own[name] = f end
  return mtl.mixer.define(Own, {})
end

local function halves(self, xs)
  local mean <const>, ys <const> = braid.stack(xs, 1):mean(1), {}
  for i, y in ipairs(xs) do ys[i] = y * self.half[1] + mean * (1 - self.half[1]) end
  return ys
end

describe("operations with a user's own mixer", function()
  -- What each operation does with a mixer that has only `list`: an error, or nothing.
  local OPERATIONS <const> = {
    add_task = {function(net) net:add_task("c", mtl.classes{4}) end,
      "add_task: the mixer mixer.conv1 (mtl.halves) has no method resize(self, names), which "
        .. "changes its columns; help(\"mtl.mixer\") explains it"},
    remove_task = {function(net) net:remove_task("b") end,
      "remove_task: the mixer mixer.conv1 (mtl.halves) has no method resize(self, names), which"},
    extract = {function(net) return net:extract{"b"} end},
    transfer = {function(net) net:transfer(batch) end},
    ablate = {function(net) net:ablate(batch) end,
      "ablate: the mixer mixer.conv1 (mtl.halves) cannot hide a column's map from the other"},
    ["ablate a block"] = {function(net) net:ablate(batch, {blocks = "conv2"}) end,
      "ablate: the mixer mixer.conv2 (mtl.halves) cannot hide a column's map from the other"},
    ["ablate maps"] = {function(net) net:ablate(batch, {part = "map"}) end},
    freeze = {function(net) net:freeze("b"):unfreeze("b") end},
    train_only = {function(net) net:train_only{"mixers"}:unfreeze() end},
    stack = {function(net) net:stack() net:unstack() end},
    clone = {function(net) net:clone() end},
    penalty = {function(net) net:penalty() end},
    features = {function(net) net:features(x) end},
    turns = {function(net) net(x, {tasks = "b"}) end},
    add_to_column = {function(net) net:clone():add_task("c", mtl.classes{4}, {column = "a"}) end},
    topology = {function(net) braid.plot.topology(net) end},
    weigh = {function(net)
      tasks:weigh(net, mtl.weighting.pcgrad{}):backward(net(x), batch)
    end},
  }

  for name, case in pairs(OPERATIONS) do
    it(name .. " leaves the network as it was", function()
      local net <const> = build(own_mixer{list = halves}{})
      local before <const>, state <const>, text <const> = outputs(net), net:clone():state_dict(),
        tostring(net)
      if case[2] then
        fails(function() case[1](net) end, case[2])
      else
        case[1](net)
      end
      assert.equal(text, tostring(net))
      assert.same({"a", "b", "d"}, net.names)
      assert.same({"a", "b", "d"}, net.tasks.names)
      for path, t in pairs(net:state_dict()) do assert.is_true(identical(t, state[path]), path) end
      for task, y in pairs(outputs(net)) do assert.is_true(identical(before[task], y), task) end
    end)
  end

  it("net:extract keeps all columns of a mixer without `needs`", function()
    local net <const> = build(own_mixer{list = halves}{})
    local small <const> = net:extract{"b"}
    assert.same({"a", "b", "d"}, small.names)
    assert.is_true(identical(outputs(net).b, outputs(small).b))
    assert.is_nil(outputs(small).a)
  end)

  it("net:extract names a mixer that has `needs` and no `resize`", function()
    local net <const> = build(own_mixer{list = function(_, xs) return xs end,
      needs = function(_, i) return {({"a", "b", "d"})[i]} end}{})
    fails(function() net:extract{"b"} end,
      "extract: the mixer mixer.conv1 (mtl.halves) has no method resize(self, names)")
  end)

  it("name a mixer whose `needs` gives no columns", function()
    for wrong, message in pairs{[3] = "returned 3, not a list of columns' names",
                                ["e"] = "names \"e\", which is not a column; there is a, b, d"} do
      local net <const> = build(own_mixer{list = halves,
        needs = function() return wrong == "e" and {"e"} or wrong end}{})
      fails(function() net:extract{"b"} end,
        "extract: the mixer mixer.conv2 (mtl.halves): needs(2) " .. message)
    end
  end)

  it("mtl.mixer.define names the argument that is wrong", function()
    local Own <const>, define <const> = class("own", mtl.mixer), mtl.mixer.define
    for message, given in pairs{
      ["the first argument must be a class that derives from mtl.mixer"] = {nn.Linear, {}},
      ["class(\"mine\", mtl.mixer), not 3"] = {3, {}},
      ["its options must be a table of kinds by name, {} for none, not nil"] = {Own},
      ["its option a must be a kind of value, such as check.number(0.1), not 3"] = {Own, {a = 3}},
      ["relation must be a function of the options, not 3"] = {Own, {}, 3},
    } do
      fails(function() define(given[1], given[2], given[3]) end, message)
      fails(function() define(given[1], given[2], given[3]) end, "mtl.mixer.define: ")
    end
  end)

  it("net:mix refuses a mixer without `list`, before and after the heads", function()
    local none <const> = own_mixer{resize = function() end}{}
    local message <const> = "mix: the mixer mixer.conv1 (mtl.halves) has no method "
      .. "list(self, xs, z), which mixes maps in a list; help(\"mtl.mixer\") explains it"
    fails(function() build(none) end, message)
    local net <const> = build()
    local before <const>, text <const> = outputs(net), tostring(net)
    fails(function() net:mix("*", none) end, message)
    assert.equal(text, tostring(net))
    assert.is_true(identical(before.a, outputs(net).a))
    net:mix("*", mtl.none{})
  end)
end)
