--- What can be done with a network of columns, and what can be read off it.

local braid <const> = require "braid"
local nn <const>, mtl <const>, plot <const> = braid.nn, braid.mtl, braid.plot

local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}, d = mtl.classes{2}}

local function conv(outputs)
  return function(c)
    return nn.Sequential{nn.Conv2d(c, outputs, {kernel = 3, padding = 1}),
      nn.BatchNorm2d(outputs), nn.ReLU()}
  end
end

local function head(task, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)} end

local function build(mixer, o)
  local b <const> = nn.backbone({{"conv1", conv(4)}, {"conv2", conv(6)}}, {channels = 1})
  local net <const> = mtl.columns(tasks, b, o)
  if mixer then net:mix("*", mixer) end
  return net:heads(head)
end

local function identical(a, b) return a:eq(b):all():item() end
local function largest(a, b) return (a - b):abs():max():item() end
local function fails(f, message) assert.error_matches(f, message, 1, true) end

local x <const> = braid.randn(5, 1, 6, 6)
local batch <const> = {image = x, count = 5, a = braid.tensor({1, 2, 2, 1, 2}, {dtype = "int64"}),
  b = braid.tensor({3, 2, 1, 1, 2}, {dtype = "int64"}),
  d = braid.tensor({2, 2, 1, 2, 1}, {dtype = "int64"})}

local function outputs(net)
  local _ <close> = braid.no_grad()
  return net:eval()(x)
end

local function once(value) return coroutine.wrap(function() coroutine.yield(value) end) end

local MIXERS <const> = {
  none = mtl.none{}, cross_stitch = mtl.cross_stitch{}, ttc = mtl.ttc{}, nddr = mtl.nddr{},
  collaborative = mtl.collaborative{}, sluice = mtl.sluice{}, progressive = mtl.progressive{},
  separation = mtl.separation{end_to_end = true, form = "channelwise"},
}

for name, mixer in pairs(MIXERS) do
  describe("with mtl." .. name, function()
    it("a further task leaves the outputs of the others as they were, bit for bit", function()
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

    it("a further task alone trains when the others are frozen", function()
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

    it("extract gives a network of its own with the same outputs", function()
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

    it("a task goes, and the rest runs and trains", function()
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

describe("add_task", function()
  -- At these sizes convolutions of several columns and of one round differently.
  it("leaves outputs bit for bit where columns run as one, and in training", function()
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

  it("lets the others run as one, until they are stacked anew", function()
    for name, mixer in pairs(MIXERS) do
      if name ~= "progressive" then
        local net <const> = build(mixer, {stacked = true}):add_task("c", mtl.classes{4})
        local stacked <const>, why <const> = net:stacked()
        assert.is_false(stacked)
        assert.equal("c came later and runs beside the others until net:stack()", why)
        local before <const>, listed <const> = outputs(net), outputs(net:clone():unstack())
        net:stack()
        assert.is_true((net:stacked()))
        for task in net.tasks:each() do
          assert.is_true(largest(before[task], listed[task]) < 1e-5, name)
          assert.is_true(largest(before[task], outputs(net)[task]) < 1e-5, name)
        end
      end
    end
  end)

  it("trains columns beside those that run as one as it does in a list", function()
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

  it("lets all other operations be done with columns beside those that run as one", function()
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

  it("adds a head alone where all is shared, and a column like another's", function()
    local shared <const> = build(nil, {columns = "shared"})
    local before <const> = outputs(shared)
    shared:add_task("c", mtl.classes{4})
    assert.is_true(identical(before.a, outputs(shared).a))
    assert.same({5, 4}, outputs(shared).c.shape)
    shared:add_task("aa", mtl.classes{2}):add_task("A", mtl.classes{3}) -- names before the others
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

  it("grows a single task's network by TTC, and refuses where that would change it", function()
    local net <const> = build(mtl.ttc{}, {single = "a"})
    local before <const> = outputs(net)
    net:add_task("b", mtl.classes{3})
    assert.is_true(identical(before.a, outputs(net).a))
    fails(function() build(mtl.nddr{}, {single = "a"}):add_task("b", mtl.classes{2}) end,
      "add_task: nddr would change the only task there is")
  end)

  it("says what is wrong", function()
    fails(function() build():add_task("a", mtl.classes{2}) end, "there is a task 'a' already")
    fails(function() build():add_task("c", 5) end, "the task is a number")
    fails(function() build():add_task("c", mtl.classes{2}, {freeze = "all"}) end,
      "freeze must be \"others\", not \"all\"")
    fails(function() build():add_task("c", mtl.classes{2}, {init = "z"}) end,
      "add_task: init names no column: 'z'")
    fails(function() build(mtl.separation{}):add_task("c", mtl.classes{2}) end, "end_to_end")
    fails(function() build(mtl.nddr{}):extract("b"):add_task("a", mtl.classes{2}) end,
      "add_task: there is a column 'a' already, which other tasks take from")
    fails(function() build():add_task("each", mtl.classes{2}) end,
      "mtl.tasks: 'each' cannot be the name of a task")
    fails(function() build():add_task("a.x", mtl.classes{2}) end,
      "mtl.tasks: 'a.x' cannot be the name of a task: dots part the names of weights")
    fails(function() build():add_task(mtl.classes{2}) end,
      "add_task: wants the name of a task, then the task, not ")
    fails(function() build():add_task("c", mtl.classes{2}, {head = "wide"}) end,
      "add_task: head must be \"linear\" or \"deep\", or a function")
    fails(function() build():add_task("order", mtl.classes{2}) end,
      "columns: a task cannot be called 'order'")
  end)

  it("that is refused leaves the network as it was", function()
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

describe("remove_task", function()
  it("says what is wrong", function()
    fails(function() build():remove_task("z") end, "there is no task 'z'; there is a, b, d")
    fails(function() build(nil, {single = "a"}):remove_task("a") end, "'a' is the only task")
  end)
end)

describe("extract", function()
  it("wants names", function()
    fails(function() build():extract{} end, "extract: wants the names of tasks; there is a, b, d")
    fails(function() build():extract{"z"} end, "extract: there is no task 'z'; there is a, b, d")
  end)

  it("gives a head to one task where all is shared", function()
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

describe("transfer", function()
  it("tells what flows between tasks, by block", function()
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

describe("ablate", function()
  it("changes the metrics of the task that is zeroed, and of those that depend on it", function()
    for _, stacked in ipairs{true, false} do
      local net <const> = build(mtl.none{}, {stacked = stacked})
      local t <const> = net:ablate({batch, batch}, {blocks = {"conv2"}, part = "map",
        relative = false})
      local plain <const> = tasks:evaluate(net, once(batch))
      assert.near(plain.b.accuracy, t.base.b.accuracy, 1e-12)
      assert.equal(0, t.change.conv2.a.b.accuracy)
      -- zeroed features leave the head's bias, which says the same of all images
      local bias <const> = net.head.a[2].bias:argmax():item()
      local share <const> = batch.a:eq(bias):sum():item() / 5
      assert.near(share - t.base.a.accuracy, t.change.conv2.a.a.accuracy, 1e-6)
    end
  end)

  it("takes one batch, and one block", function()
    local net <const> = build(mtl.cross_stitch{})
    local listed <const> = net:ablate({batch}, {blocks = {"conv1"}})
    assert.same(listed, net:ablate(batch, {blocks = "conv1"}))
  end)

  it("wants columns and batches", function()
    fails(function() build(nil, {columns = "shared"}):ablate{batch} end, "has no columns")
    fails(function() build():ablate() end,
      "ablate: wants a loader, a batch or a list of batches, not a nil")
    fails(function() build():ablate(3) end, "batches, not a number")
    fails(function() build():ablate{3} end,
      "ablate: entry 1 is a number, not a batch with an image and labels")
    fails(function() build(mtl.separation{}):ablate(batch) end,
      "ablate: in stage 1 the columns do not run; net:stage(2) first")
    fails(function() build(mtl.ttc{}, {split = "conv1"}):ablate(batch, {blocks = "conv1"}) end,
      "ablate: block 'conv1' is shared by all tasks, up to 'conv1'; name one after it")
    fails(function() build():ablate(batch, {blocks = {}}) end,
      "ablate: wants a block or a list of them; there is conv1, conv2")
    fails(function() build(mtl.ttc{}):ablate{} end, "ablate: there is no batch to measure on")
  end)
end)

describe("mtl.affinity", function()
  it("gives the cosines of gradients at what tasks share", function()
    local w <const> = braid.tensor({1, 2}, {requires_grad = true})
    local own <const> = braid.tensor({3}, {requires_grad = true})
    local losses <const> = {p = w[1] * 2, q = w[1] + w[2] + own:sum(), r = -w[2]}
    local a <const> = mtl.affinity(losses, {w, own})
    assert.same({"p", "q", "r"}, a.names)
    local half <const> = math.sqrt(0.5)
    for i, row in ipairs{{1, half, 0}, {half, 1, -half}, {0, -half, 1}} do
      for j, value in ipairs(row) do assert.near(value, a.cosine[i][j], 1e-6) end
    end
    assert.near(math.sqrt(2), a.norm.q, 1e-6)
    assert.is_nil(w.grad)
    fails(function() mtl.affinity({}, {w}) end, "mtl.affinity: wants {task = loss}")
    fails(function() mtl.affinity({q = w:sum()}) end,
      "mtl.affinity: wants a network or a list of parameters, not a nil")
  end)
end)

describe("mtl.contrast_maps", function()
  it("are how far the mean maps of two classes are apart, and group tasks by them", function()
    local one <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}, d = mtl.classes{2}}
    local b <const> = nn.backbone({{"image", nn.Identity()}}, {channels = 1})
    local net <const> = mtl.columns(one, b, {columns = "shared"}):heads(function(task)
      return nn.Sequential{nn.Flatten(), nn.Linear(36, task.size)}
    end)
    local labels <const> = {image = x, a = batch.a, b = batch.a, d = batch.d}
    local r <const> = mtl.contrast_maps(net, {labels, labels}, "image", {groups = 2})
    local wanted <const> = (x[2] + x[3] + x[5]) / 3 - (x[1] + x[4]) / 2
    assert.is_true(largest(wanted[1]:abs(), r.maps.a) < 1e-6)
    assert.equal(0, r.distance[1][2])
    assert.near((r.maps.a - r.maps.d):abs():sum():item(), r.distance[1][3], 1e-5)
    assert.same({{"a", "b"}, {"d"}}, r.groups)
  end)
end)

describe("mtl.early_stopping", function()
  -- Equation 4 sums over j = t - k .. t.
  it("computes the criterion over k + 1 epochs", function()
    -- k = 3: 3 med = 3 * 2.5 = 7.5, sum = 11, 7.5 / 3.5; (2 - 1) / (0.5 * 1)
    local criterion <const> = mtl.early_stopping.criterion
    assert.near(7.5 / 3.5 * 2, criterion({5, 3, 2, 1}, {1, 3, 1.5, 2}, 0.5), 1e-12)
    -- 3 * 2 = 6, sum = 7
    assert.near(6 / 1 * 2, criterion({2, 2, 2, 1}, {1, 3, 1.5, 2}, 0.5), 1e-12)
    -- k = 4: 4 * 3 = 12 of a sum of 22.5, whose gap is 10.5; (3 - 2) / (1 * 2)
    assert.near(12 / 10.5 / 2, criterion({9, 6, 3, 2.5, 2}, {5, 4, 2, 2.5, 3}, 1), 1e-12)
    assert.near(4, criterion({1, 3, 3}, {1, 1, 3}, 0.5) / 6, 1e-12) -- 6 of 7
    assert.equal(0, criterion({2, 2}, {2, 1}, 1))
    assert.equal(1, criterion({2, 2}, {1, 2}, 1)) -- k = 1: 2 / (4 - 2)
  end)

  it("ends auxiliary tasks, not the main one, and none in the first epochs", function()
    local own <const> = mtl.tasks{main = mtl.classes{2}, aux = mtl.classes{2, weight = 0.5},
      fine = mtl.classes{2}}
    local stopping <const> = mtl.early_stopping(own,
      {main = "main", window = 3, epsilon = function(lambda) return 15 * lambda end})
    -- Four losses of 2: 6 / (8 - 6) = 3, times (4 - 1) / (0.5 * 1) = 6: 18 above 7.5.
    for epoch = 1, 5 do
      local ended <const> = stopping:step({main = 2, aux = 2, fine = 2},
        {main = epoch, aux = epoch, fine = 1})
      if epoch == 4 then assert.same({aux = 18}, ended) else assert.same({}, ended) end
    end
    assert.equal(0, own.aux.weight)
    assert.equal(1, own.main.weight)
    assert.same({aux = 4}, stopping.stopped)
  end)

  it("goes on from a state as if it had never stopped", function()
    local function fresh()
      local own <const> = mtl.tasks{main = mtl.classes{2}, aux = mtl.classes{2, weight = 0.5},
        late = mtl.classes{2}}
      return mtl.early_stopping(own, {main = "main", window = 2, epsilon = 3}), own
    end
    local function told(stopping, from, to)
      local events <const> = {}
      for epoch = from, to do
        for name, value in pairs(stopping:step({main = 1, aux = 1, late = 4 / epoch},
          {main = 1, aux = epoch, late = math.max(1, epoch - 3)})) do
          events[#events + 1] = ("%d %s %.6f"):format(epoch, name, value)
        end
      end
      return events
    end
    local whole <const> = told(fresh(), 1, 9)
    assert.is_true(#whole > 1)
    for cut = 0, 8 do
      local first <const> = fresh()
      local events <const> = told(first, 1, cut)
      local second <const>, tasks_of <const> = fresh()
      second:load_state_dict(first:state_dict())
      for name in pairs(first.stopped) do assert.equal(0, tasks_of[name].weight) end
      for _, e in ipairs(told(second, cut + 1, 9)) do events[#events + 1] = e end
      assert.same(whole, events)
    end
  end)

  it("refuses states that are not its own", function()
    local stopping <const> = mtl.early_stopping(mtl.tasks{a = mtl.classes{2}}, {window = 2})
    fails(function() stopping:load_state_dict(5) end,
      "load_state_dict: this is no state of an mtl.early_stopping: 5")
    local state <const> = stopping:state_dict()
    state.epoch = 2
    fails(function() stopping:load_state_dict(state) end,
      "load_state_dict: training of task 'a' must be a list of 2 losses, not")
  end)
end)

describe("mtl.mutual", function()
  -- two columns, rows (1, 2) and (3, -1): distance squared 13
  local function net_of(stacked)
    local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
    local b <const> = nn.backbone({{"conv", function()
      return nn.Conv2d(1, 2, {kernel = 1}) end}}, {channels = 1})
    local net <const> = mtl.columns(two, b, {stacked = stacked}):heads(head)
    local state <const> = net:state_dict()
    state["columns.a.conv.weight"]:copy_(braid.tensor{1, 2}:reshape(2, 1, 1, 1))
    state["columns.b.conv.weight"]:copy_(braid.tensor{3, -1}:reshape(2, 1, 1, 1))
    return net
  end

  it("draws fresh columns together by the exponential as it does by l2", function()
    local function drawn(form)
      braid.manual_seed(1)
      local net <const> = mtl.network{tasks = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}},
        blocks = nn.backbone("tcdcn")}
      local opt <const> = braid.optim.Adam(net.columns:parameters(), {lr = 1e-3})
      local apart, largest_gradient
      for _ = 0, 20 do
        opt:zero_grad()
        local loss <const> = mtl.mutual(net, {form = form, weight = 1})
        loss:backward()
        local g = 0
        for _, p in ipairs(net.columns:parameters()) do
          if p.grad then g = math.max(g, p.grad:abs():max():item()) end
        end
        largest_gradient = largest_gradient or g
        apart = mtl.mutual(net, {weight = 1}):item()
        opt:step()
      end
      return largest_gradient, apart
    end
    local g2 <const>, d2 <const> = drawn("l2")
    local ge <const>, de <const> = drawn("exponential")
    assert.is_true(ge > 0.9 * g2 and ge < 1.5 * g2)
    assert.is_true(de < 1.1 * d2 and d2 < 80) -- of 195
  end)

  it("has three forms, the same stacked and in a list", function()
    -- singular values of {{1, 2}, {3, -1}}: the roots of the eigenvalues of {{5, 1}, {1, 10}}
    local root <const> = math.sqrt(29)
    local trace <const> = math.sqrt((15 + root) / 2) + math.sqrt((15 - root) / 2)
    for _, stacked in ipairs{true, false} do
      local net <const> = net_of(stacked)
      assert.near(13, mtl.mutual(net, {weight = 1}):item(), 1e-5)
      -- Two weights: 2 (exp(13 / 2) - 1); with scale = 1 equation 4 of Rozantsev et al.
      assert.near(0.2 * (math.exp(6.5) - 1),
        mtl.mutual(net, {form = "exponential", weight = 0.1}):item(), 1e-3)
      assert.near(0.1 * (math.exp(13) - 1),
        mtl.mutual(net, {form = "exponential", weight = 0.1, scale = 1}):item(), 0.1)
      assert.near(trace, mtl.mutual(net, {form = "trace", weight = 1}):item(), 1e-5)
    end
    fails(function() mtl.mutual(net_of(true), {form = "l3"}) end,
      "mtl.mutual: form must be \"l2\", \"exponential\" or \"trace\", not \"l3\"")
    assert.near(13, mtl.mutual(net_of(true), {weight = 1, blocks = "conv"}):item(), 1e-5)
    fails(function() mtl.mutual(net_of(true), {weight = "x"}) end,
      "weight must be a number from 0, not \"x\"")
    fails(function()
      local two <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{2}}
      local b <const> = nn.backbone({{"relu", nn.ReLU()}}, {channels = 2})
      mtl.mutual(mtl.columns(two, b):heads(head))
    end, "mtl.mutual: no weight to compare is in relu; name blocks with convolutions or linear "
      .. "layers")
  end)

  it("has the trace norm's gradient", function()
    local net <const> = net_of(false)
    local w <const> = net.columns.a.conv.weight
    mtl.mutual(net, {form = "trace", weight = 1}):backward()
    for k = 1, 2 do
      local value <const> = w[{k, 1, 1, 1}]:item()
      local ends <const> = {}
      for i, step in ipairs{1e-2, -1e-2} do
        braid.no_grad(function() w[{k, 1, 1, 1}] = value + step end)
        ends[i] = mtl.mutual(net, {form = "trace", weight = 1}):item()
      end
      braid.no_grad(function() w[{k, 1, 1, 1}] = value end)
      assert.near((ends[1] - ends[2]) / 2e-2, w.grad[{k, 1, 1, 1}]:item(), 1e-3)
    end
  end)
end)

describe("net:penalty", function()
  it("belongs to one network, and not to its clones", function()
    local net <const> = build()
    net:clone():mutual{}
    assert.is_nil(net:penalty())
    assert.is_truthy(net:clone():mutual{}:clone():penalty())
  end)

  it("is the orthogonality of sluice networks' subspaces, stacked and in a list", function()
    local list <const> = build(mtl.sluice{}, {stacked = false})
    local total = 0
    for _, name in ipairs(list.names) do
      for _, block in ipairs{"conv1", "conv2"} do
        local w <const> = list.columns[name][block][1].weight
        local rows <const> = w:size(1) // 2
        local g1 <const> = w:narrow(1, 1, rows):reshape(rows, -1)
        local g2 <const> = w:narrow(1, rows + 1, rows):reshape(rows, -1)
        total = total + g1:matmul(g2:t()):square():sum():item()
      end
    end
    assert.near(total, list:penalty():item(), 1e-5)
    local stacked <const> = list:clone()
    assert.is_true((stacked:stack()))
    assert.near(total, stacked:penalty():item(), 1e-5)
    assert.is_nil(build(mtl.ttc{}):penalty())
  end)
end)

describe("plot.heatmap", function()
  local path = os.tmpname()

  it("draws cells as a PNG", function()
    local png <const> = path .. ".png"
    assert(plot.heatmap(png, {{-1, 0}, {0.5, 1}}, {cell = 4}))
    local image <const> = assert(braid.load(png))
    assert.same({3, 8, 8}, image.shape)
    local function at(i, j) return image[{ {}, i, j }]:totable() end
    assert.same({49, 87, 164}, at(1, 1))
    assert.same({255, 255, 255}, at(4, 5))
    assert.same({178, 34, 44}, at(8, 8))
    os.remove(png)
  end)

  it("writes names and values into an SVG", function()
    local svg <const> = path .. ".svg"
    assert(plot.heatmap(svg, {{0.25, 0 / 0}}, {rows = {"a<b"}, columns = {"x", "y"}, title = "T"}))
    local file <const> = assert(io.open(svg))
    local text <const> = file:read("a")
    file:close()
    for _, wanted in ipairs{"a&lt;b", ">x</text>", ">0.25</text>", ">-</text>", ">T</text>",
      "</svg>"} do
      assert.is_truthy(text:find(wanted, 1, true), wanted)
    end
    os.remove(svg)
  end)

  it("says what is wrong", function()
    fails(function() plot.heatmap("x.bmp", {{1}}) end, "must end in .svg or .png, not 'x.bmp'")
    fails(function() plot.heatmap("x.png", {{1, 2}, {1}}) end, "row 2 has 1 values")
    fails(function() plot.heatmap("x.png", {}) end, "wants a table of rows of numbers")
    fails(function() plot.heatmap("/nowhere/x.svg", {{1}}) end, "there is no folder /nowhere")
    os.remove(path)
  end)
end)

describe("pictures of what flows between tasks", function()
  local path <const> = os.tmpname() .. ".svg"
  after_each(function() os.remove(path) end)

  local function texts()
    local file <const> = assert(io.open(path))
    local list <const> = {}
    for text in file:read("a"):gmatch("<text[^>]*>([^<]*)</text>") do list[#list + 1] = text end
    file:close()
    return table.concat(list, " ")
  end

  it("have a row for each block and task that takes", function()
    local net <const> = build(mtl.cross_stitch{diag = 0.8, off = 0.1})
    assert(plot.transfer(path, net:transfer(), {digits = 1}))
    assert.equal("a b d conv1 a 0.8 0.1 0.1 conv1 b 0.1 0.8 0.1 conv1 d 0.1 0.1 0.8 "
      .. "conv2 a 0.8 0.1 0.1 conv2 b 0.1 0.8 0.1 conv2 d 0.1 0.1 0.8", texts())
    assert(plot.transfer(path, build(mtl.none{}):transfer(batch), {of = "gradients", digits = 0}))
    assert.equal("a b d conv1 a 1 0 0 conv1 b 0 1 0 conv1 d 0 0 1 "
      .. "conv2 a 1 0 0 conv2 b 0 1 0 conv2 d 0 0 1", texts())
  end)

  it("have a row for each task that is zeroed", function()
    local function change(v) return {landmarks = {failure = v, error = 0}} end
    local table_of <const> = {names = {"landmarks", "pose"}, blocks = {"conv1", "fc"},
      base = change(0.5), change = {conv1 = {landmarks = change(1), pose = change(2)},
        fc = {landmarks = change(3), pose = change(4)}}}
    assert(plot.ablation(path, table_of, {task = "landmarks", metric = "failure", digits = 0}))
    assert.equal("failure of landmarks, a task's map zeroed conv1 fc landmarks 1 3 pose 2 4",
      texts())
    fails(function() plot.ablation(path, table_of, {task = "smile"}) end,
      "plot.ablation: there is no task 'smile'; there is landmarks")
    fails(function() plot.ablation(path, table_of, {task = "landmarks", metric = "auc"}) end,
      "plot.ablation: there is no metric 'auc'; there is error, failure")
  end)

  it("say what is missing", function()
    fails(function() plot.transfer(path, build(mtl.nddr{}):transfer()) end,
      "plot.transfer: the table has no weights; net:transfer(batch) gives gradients, and")
    fails(function() build():transfer(3) end,
      "transfer: wants a batch with an image and labels, not a number")
    fails(function() build(mtl.separation{}):transfer(batch) end,
      "transfer: in stage 1 the columns do not run; net:stage(2) first")
    fails(function() plot.transfer(path, build():transfer(), "red") end,
      "plot.transfer: options must be a table, not string")
    fails(function() plot.heatmap(nil, {{1}}) end,
      "plot.heatmap: wants the path of a file, a string, not nil")
    fails(function() plot.transfer(path) end,
      "plot.transfer: wants what net:transfer gives, not a nil")
    fails(function() plot.ablation(path, {}) end,
      "plot.ablation: wants what net:ablate gives, not a table")
    fails(function() plot.transfer(path, build():transfer(), {of = "flow"}) end,
      "plot.transfer: of must be \"weights\" or \"gradients\", not \"flow\"")
  end)
end)
