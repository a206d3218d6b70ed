--- A network in one file: braid.save(path, net), braid.open, and what braid.inspect finds in it.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local files <const>, json <const> = require "braid.io.files", require "braid.io.json"
local mtl <const>, nn <const> = braid.mtl, braid.nn

local saved_networks <const> = require "spec.support.saved_networks"
local with_file <const> = saved_networks.with_file
local tasks_of <const> = saved_networks.tasks_of
local small <const> = saved_networks.small
local defined <const> = saved_networks.defined

local function fails(f, ...) assert.error_matches(f, ..., 1, true) end

describe("a network that was saved", function()
  before_each(function() braid.manual_seed(3) end)

  it("opens with the same weights, statistics, options and tasks", function()
    with_file(function(path)
      local net <const>, x <const> = small(), braid.randn(4, 1, 40, 40)
      net(x) -- changes the running statistics
      assert.is_true(braid.save(path, net))
      local other <const>, tasks <const> = braid.open(path)
      assert.is_true(other.training)
      net:eval()
      other:eval()
      assert.same(net(x).pose:totable(), other(x).pose:totable())
      assert.same({"landmarks", "pose"}, tasks.names)
      assert.equal(tasks, other.tasks)
      assert.equal(0.1, tasks.pose.weight)
      assert.same({2, 1, 3, 5, 4}, tasks.landmarks.flip)
      local batch <const> = {pose = braid.ones(4, {dtype = "int64"}),
        landmarks = braid.zeros(4, 5, 2)}
      assert.equal(tasks_of():loss(net(x), batch):item(), tasks:loss(other(x), batch):item())
    end)
  end)

  it("can be saved over its own file after it was opened, cloned and trained", function()
    with_file(function(path)
      braid.save(path, small())
      local net = braid.open(path):clone()
      local opt <const> = braid.optim.SGD(net:parameters(), {lr = 0.01})
      net(braid.randn(2, 1, 40, 40)).pose:sum():backward()
      opt:step()
      net:freeze()
      braid.save(path, net)
      local again <const> = braid.open(path)
      assert.same(net:eval()(braid.ones(1, 1, 40, 40)).pose:totable(),
        again:eval()(braid.ones(1, 1, 40, 40)).pose:totable())
    end)
  end)

  it("has a file that braid.load reads: tensors, and all else in the metadata", function()
    with_file(function(path)
      local net <const> = small()
      braid.save(path, net, {author = "me"})
      local tensors <const>, metadata <const> = braid.load(path)
      for name, t in pairs(net:state_dict()) do
        assert.same(t:totable(), tensors[name]:totable())
      end
      assert.equal("1", metadata["braid.format"])
      assert.equal(braid.VERSION, metadata["braid.version"])
      assert.equal(files.read("models/tcdcn.lua"), metadata["braid.definition"])
      assert.same({norm = true}, json.decode(metadata["braid.options"]))
      assert.equal("me", metadata.author)
      for name, value in pairs{["braid.x"] = "y", a = 3} do
        assert.error_matches(function() braid.save(path, net, {[name] = value}) end, "metadata")
      end
    end)
  end)

  it("opens with the changes of add_task, remove_task and extract", function()
    local function same(net, x)
      with_file(function(path)
        local y <const> = net:eval()(x)
        braid.save(path, net)
        local other <const>, tasks <const> = braid.open(path)
        assert.same(net.tasks.names, tasks.names)
        for name in tasks:each() do
          assert.same(y[name]:totable(), other:eval()(x)[name]:totable())
        end
        braid.save(path, other)
        assert.same(y.pose:totable(), braid.open(path):eval()(x).pose:totable())
      end)
    end
    for _, name in ipairs{"cross_stitch", "nddr", "sluice", "progressive", "tcdcn"} do
      local net <const> = braid.model(("models/%s.lua"):format(name),
        {tasks = tasks_of(), width = 0.25})
      local x <const> = braid.randn(2, 1, 40, 40)
      same(net:clone():add_task("age", mtl.real{1, weight = 0.5}):add_task("smile", mtl.classes{2},
        {init = name ~= "tcdcn" and "age" or nil}), x)
      same(net:clone():add_task("age", mtl.real{1}):remove_task("landmarks"), x)
      same(net:extract("pose"), x)
    end
    for _, name in ipairs{"dmt", "dcnet", "smtn"} do
      local net <const> = braid.model(("models/%s.lua"):format(name), {tasks = tasks_of(),
        width = 0.1, channels = 1, input = name ~= "dcnet" and 32 or nil,
        start = name == "dmt" and 0 or nil, end_to_end = name == "smtn" or nil})
      local x <const> = braid.randn(2, 1, 32, 32)
      same(net:clone():add_task("age", mtl.real{1}, {freeze = "others"}), x)
      same(net:extract("pose"), x) -- for dmt, this leaves out the other column
    end
  end)

  it("keeps every kind of task with its options, and later changes to them", function()
    with_file(function(path)
      local tasks <const> = mtl.tasks{a = mtl.attributes{"x", "y", weight = 0.5},
        b = mtl.attributes{3}, c = mtl.classes{4, flip = {4, 3, 2, 1}, hardest = 0.7, ignore = 0},
        l = mtl.landmarks{points = 3, eyes = {1, {2, 3}}, alpha = 0.2, reduction = "mean"},
        k = mtl.landmark_bins{pixels = 4}, none = mtl.landmarks{points = 1, eyes = false},
        p = mtl.pose_bins{"tilt", "yaw", bins = {4, 6}, width = 15.0, kind = "-roll yaw"},
        q = mtl.pose_bins{bins = 3},
        r = mtl.real{2, flip = {-1, 1}}, n = mtl.real{2, flip = "negate", weight = 2.0}}
      local net <const> = defined([[return function(tasks)
        local outputs = 0
        for _, task in tasks:each() do outputs = outputs + task.size end
        return nn.Linear(2, outputs)
      end]], {tasks = tasks})
      tasks.c.weight = 3
      braid.save(path, net)
      local _, again <const> = braid.open(path)
      assert.same(tasks, again)
      assert.equal("float", math.type(again.n.weight))
    end)
  end)

  it("stays float64", function()
    with_file(function(path)
      local net <const> = small():to("float64"):eval()
      local x <const> = braid.randn({1, 1, 40, 40}, {dtype = "float64"})
      braid.save(path, net)
      assert.same(net(x).pose:totable(), braid.open(path):eval()(x).pose:totable())
    end)
  end)

  it("opens with the input sizes that its layers found from the data", function()
    for _, text in ipairs{[[return function(_, o)
      return nn.Sequential{nn.Conv2d(4, {kernel = 3, groups = 2}), nn.Flatten(), nn.Linear(o.n)}
      end]], "return function(_, o) return nn.Linear(o.n) end"} do
      with_file(function(path)
        local net <const> = defined(text, {n = 3})
        local x <const> = braid.randn(2, 6, 5, 5)
        local y <const> = net(x):totable()
        braid.save(path, net)
        assert.same(y, braid.open(path)(x):totable())
      end)
    end
  end)

  it("keeps options of every kind, as they were when the network was made", function()
    with_file(function(path)
      local options <const> = {n = 3, at = {"a", {b = {1.0, 2, -0.5}}}, on = true,
        text = "\u{e4}\n\0", none = {}, big = math.maxinteger, small = 5e-324}
      local net <const> = defined([[return function(_, o)
        local _ = o.at, o.on, o.text, o.none, o.big, o.small
        return nn.Linear(o.n, 1)
      end]], options)
      options.at[1] = "changed"
      braid.save(path, net)
      local found <const> = braid.inspect(path).options
      options.at[1] = "a"
      assert.same(options, found)
      assert.equal("float", math.type(found.at[2].b[1]))
    end)
  end)

  it("keeps options that are mixers, with the options of these mixers", function()
    local given <const> = {cross_stitch = {granularity = "scalar", diag = 0.8},
      ttc = {start = 0, normalize = true}, collaborative = {gamma_init = "zero"},
      progressive = {order = {"smile", "pose"}}, sluice = {subspaces = 3}, nddr = {off = 0.2}}
    local tasks <const> = mtl.tasks{pose = mtl.classes{5}, smile = mtl.classes{2}}
    local x <const> = braid.randn(2, 3, 24, 24)
    for word in shell.run("ls lua/braid/mtl/mixers").out:gmatch("([%w_]+)%.lua") do
      if word ~= "share" and word ~= "separation" then -- mtcnn's stage R refuses these
        with_file(function(path)
          local mixer <const> = mtl[word](given[word])
          local net <const> = braid.model("models/mtcnn.lua", {stage = "R", tasks = tasks,
            mixer = mixer, width = 0.25}):eval()
          braid.save(path, net)
          local again <const> = braid.open(path):eval()
          assert.equal(tostring(mixer), tostring(again.recipe.mixers.conv2))
          for name, y in pairs(net(x)) do assert.same(y:totable(), again(x)[name]:totable()) end
          braid.save(path, again)
          assert.equal(word, braid.inspect(path).options.mixer["mtl.mixer"])
        end)
      end
    end
  end)

  it("keeps each byte of a definition that is not UTF-8", function()
    with_file(function(path)
      local text <const> = "-- caf\xe9 \xff\0\u{20ac}\nreturn function() return nn.Linear(1, 1) end"
      braid.save(path, defined(text))
      assert.equal(text, braid.inspect(path).definition)
      assert.equal(1, braid.open(path).outputs)
    end)
  end)
end)

describe("braid.save of a network", function()
  it("says why it cannot write a network, an ending or a folder", function()
    fails(function() braid.save("x.safetensors", nn.Linear(2, 3)) end, "save: only a network that "
      .. "braid.model or braid.open made knows its definition; for this Linear, braid.save(path, "
      .. "net:state_dict()) keeps the values")
    for _, ending in ipairs{"npz", "npy", "csv", "png", "pt", ""} do
      fails(function() braid.save("x." .. ending, small()) end,
        "save: a network is saved as a .safetensors file, not as x." .. ending)
    end
    fails(function() braid.save("/nowhere/x.safetensors", small()) end,
      "save: cannot write /nowhere/x.safetensors: there is no folder /nowhere")
    assert.is_nil(rawget(small(), "save"))
  end)

  it("names an option that no file can hold", function()
    local loop <const> = {}
    loop[1] = loop
    for what, value in pairs{["option o is a function"] = print, ["option o.f is a function"] =
      {f = print}, ["option o is nan"] = 0 / 0, ["option o.2 is inf"] = {1, math.huge},
      ["option o is a userdata"] = braid.ones(1), ["has tables that are nested too deeply"] = loop,
      ["option o has names and the key 2, which is not a name"] = {a = 1, [2] = 2},
      ["option o is an object"] =
      mtl.real{1}, ["option o is not UTF-8"] = "\xff"} do
      local net <const> = defined("return function(_, o) return o.o and nn.Linear(2, 2) end",
        {o = value})
      fails(function() braid.save("x.safetensors", net) end, what)
    end
  end)

  it("names a task that no file can hold", function()
    local text <const> = "return function(tasks) return nn.Linear(2, 2) end"
    local odd <const> = mtl.real{1}
    odd.extra = 3
    for what, task in pairs{["the task t could not be made again: mtl.real: there is no option "
      .. "'extra'"] = odd, ["the task t is not of a kind of mtl"] = {loss = print, size = 1}} do
      local net <const> = defined(text, {tasks = mtl.tasks{t = task}})
      fails(function() braid.save("x.safetensors", net) end, "save: " .. what)
    end
    local added <const> = small():add_task("smile", mtl.classes{2},
      {head = function(task, c) return nn.Linear(c, task.size) end})
    fails(function() braid.save("x.safetensors", added) end,
      "save: the head of the added task smile is a function")
  end)

  -- Changes that a user makes by hand, each with its message.
  local CHANGES <const> = {
    {function(n) n[2] = nn.Tanh() end, "2 is Tanh, but the definition makes it ReLU"},
    {function(n) n[4] = nn.ReLU() end, "4 (ReLU) is not in its definition"},
    {function(n) n[3] = nil end, "3 is missing, but the definition makes it Sequential"},
    {function(n) n[1].weight = braid.ones(4, 2) end, "1.weight is a tensor (4, 2), but the"},
    {function(n) n[1].weight = nil end, "1.weight is missing, but the"},
    {function(n) n[1].scale = braid.ones(1) end, "1.scale (a tensor (1)) is not in its definition"},
    {function(n) n[3][1].p = 0.25 end, "3.1.p is 0.25, but the definition makes it 0.5"},
    {function(n) n[3][2].options.stride = {2, 2} end, "3.2.options.stride"},
    {function(n) n.epoch = 3 end, "epoch (3) is not in its definition"},
    {function(n) n[3][1] = n[2] end, "3.1 is the same as 2, but the definition makes it Dropout"},
    {function(n) n[1].forward = function(_, x) return x end end, "1.forward (a function)"},
    {function(n) n[1], n[2] = n[2], n[1] end, "1 is ReLU, but the definition makes it Linear"},
  }

  it("refuses a change by hand, which the definition would not make again, and names it", function()
    for _, case in ipairs(CHANGES) do
      local net <const> = defined([[return function() return nn.Sequential{nn.Linear(3, 4),
        nn.ReLU(), nn.Sequential{nn.Dropout(0.5), nn.Conv2d(1, 1, {kernel = 3})}} end]])
      case[1](net)
      fails(function() braid.save("x.safetensors", net) end, case[2])
    end
  end)

  it("refuses a change by hand also if add_task or stacking changed the network too", function()
    local net <const> = small()
    net.head.pose = nn.Linear(100, 7)
    net:add_task("age", mtl.real{1})
    fails(function() braid.save("x.safetensors", net) end, "head.pose.outputs is 7, but the")
    local other <const> = braid.model("models/cross_stitch.lua", {tasks = tasks_of(), width = 0.25})
    assert.is_true((other:stacked()))
    other.columns.stacked.conv1[1].bias = nil
    fails(function() braid.save("x.safetensors", other) end,
      "columns.landmarks.conv1.1.bias is missing, but the definition makes it a tensor (4)")
  end)

  it("accepts the changes of stack, freeze, train, mutual, to and summary", function()
    with_file(function(path)
      local net <const> = braid.model("models/cross_stitch.lua", {tasks = tasks_of(), width = 0.25})
      for _, change in ipairs{"unstack", "stack", "freeze", "unfreeze", "eval", "train"} do
        net[change](net)
        braid.save(path, net)
      end
      net:mutual{form = "l2", weight = 0.01, blocks = {"conv1"}}
      net:train_only{"pose"}
      net:to("float64")
      net:summary{1, 40, 40}
      braid.save(path, net)
      local other <const> = braid.open(path)
      assert.equal(net:penalty():item(), other:penalty():item())
      other:mutual{form = false}
      braid.save(path, other)
      assert.is_nil(braid.open(path):penalty())
    end)
  end)
end)
