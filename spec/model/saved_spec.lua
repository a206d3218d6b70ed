--- Networks whole in one file: braid.save(path, net), braid.open, braid.inspect.

local braid <const> = require "braid"
local file <const> = require "spec.support.file"
local shell <const> = require "spec.support.shell"
local files <const>, json <const> = braid.io.files, braid.io.json
local mtl <const>, nn <const> = braid.mtl, braid.nn

local function with_file(f) file.with("net.safetensors", f) end

local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, weight = 0.1}}
end

local function small() return braid.model("models/tcdcn.lua", {tasks = tasks_of(), norm = true}) end

-- A network of a definition written here.
local function defined(text, given)
  local path <const> = os.tmpname()
  assert(files.write(path, {text}))
  local ok <const>, net <const> = pcall(braid.model, path, given)
  os.remove(path)
  if not ok then error(net, 0) end
  return net
end

local function fails(f, ...) assert.error_matches(f, ..., 1, true) end

describe("a network that was saved", function()
  before_each(function() braid.manual_seed(3) end)

  it("opens with the same weights, statistics, options and tasks", function()
    with_file(function(path)
      local net <const>, x <const> = small(), braid.randn(4, 1, 40, 40)
      net(x) -- moves the running statistics
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

  it("may be saved over itself, by what was opened, cloned or trained", function()
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

  it("is a file that braid.load reads as any, with its record in the metadata", function()
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

  it("opens as the network of columns that it became", function()
    local function same(net, x)
      with_file(function(path)
        local y <const> = net:eval()(x)
        braid.save(path, net)
        local other <const>, tasks <const> = braid.open(path)
        assert.same(net.tasks.names, tasks.names)
        for name in tasks:each() do
          assert.same(y[name]:totable(), other:eval()(x)[name]:totable())
        end
        braid.save(path, other) -- and again
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
      same(net:extract("pose"), x) -- of dmt without the other column
    end
  end)

  it("keeps every kind of task, and what was changed in one", function()
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

  it("takes the sizes that its layers inferred from the weights", function()
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

  it("keeps options as they were when it was made, whatever they hold that a file can", function()
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

  it("keeps a definition that is no UTF-8, byte by byte", function()
    with_file(function(path)
      local text <const> = "-- caf\xe9 \xff\0\u{20ac}\nreturn function() return nn.Linear(1, 1) end"
      braid.save(path, defined(text))
      assert.equal(text, braid.inspect(path).definition)
      assert.equal(1, braid.open(path).outputs)
    end)
  end)
end)

describe("saving a network", function()
  it("says what cannot be written", function()
    fails(function() braid.save("x.safetensors", nn.Linear(2, 3)) end, "save: only a network that "
      .. "braid.model or braid.open made knows its definition; of this Linear, braid.save(path, "
      .. "net:state_dict()) keeps the values")
    for _, ending in ipairs{"npz", "npy", "csv", "png", "pt", ""} do
      fails(function() braid.save("x." .. ending, small()) end,
        "save: a network is saved as a .safetensors file, not as x." .. ending)
    end
    fails(function() braid.save("/nowhere/x.safetensors", small()) end,
      "save: cannot write /nowhere/x.safetensors: there is no folder /nowhere")
    assert.is_nil(rawget(small(), "save"))
  end)

  it("names the option that no file holds", function()
    local loop <const> = {}
    loop[1] = loop
    for what, value in pairs{["option o is a function"] = print, ["option o.f is a function"] =
      {f = print}, ["option o is nan"] = 0 / 0, ["option o.2 is inf"] = {1, math.huge},
      ["option o is a userdata"] = braid.ones(1), ["has tables in tables without an end"] = loop,
      ["option o has the key 2 beside names"] = {a = 1, [2] = 2}, ["option o is an object"] =
      mtl.real{1}, ["option o is not UTF-8"] = "\xff"} do
      local net <const> = defined("return function(_, o) return o.o and nn.Linear(2, 2) end",
        {o = value})
      fails(function() braid.save("x.safetensors", net) end, what)
    end
  end)

  it("names the task that no file holds", function()
    local text <const> = "return function(tasks) return nn.Linear(2, 2) end"
    local odd <const> = mtl.real{1}
    odd.extra = 3
    for what, task in pairs{["the task t could not be made again: mtl.real: there is no option "
      .. "'extra'"] = odd, ["the task t is none of mtl's"] = {loss = print, size = 1}} do
      local net <const> = defined(text, {tasks = mtl.tasks{t = task}})
      fails(function() braid.save("x.safetensors", net) end, "save: " .. what)
    end
    local added <const> = small():add_task("smile", mtl.classes{2},
      {head = function(task, c) return nn.Linear(c, task.size) end})
    fails(function() braid.save("x.safetensors", added) end,
      "save: the head of the added task smile is a function")
  end)

  -- What users do to a network by hand, and what is said of it.
  local CHANGES <const> = {
    {function(n) n[2] = nn.Tanh() end, "2 is Tanh, and ReLU by its definition"},
    {function(n) n[4] = nn.ReLU() end, "4 (ReLU) is not in its definition"},
    {function(n) n[3] = nil end, "3 is not there, which is Sequential by its definition"},
    {function(n) n[1].weight = braid.ones(4, 2) end, "1.weight is a tensor (4, 2), and a tensor"},
    {function(n) n[1].weight = nil end, "1.weight is not there"},
    {function(n) n[1].scale = braid.ones(1) end, "1.scale (a tensor (1)) is not in its definition"},
    {function(n) n[3][1].p = 0.25 end, "3.1.p is 0.25, and 0.5 by its definition"},
    {function(n) n[3][2].options.stride = {2, 2} end, "3.2.options.stride"},
    {function(n) n.epoch = 3 end, "epoch (3) is not in its definition"},
    {function(n) n[3][1] = n[2] end, "3.1 is the same as 2, and Dropout by its definition"},
    {function(n) n[1].forward = function(_, x) return x end end, "1.forward (a function)"},
    {function(n) n[1], n[2] = n[2], n[1] end, "1 is ReLU, and Linear by its definition"},
  }

  it("says what was changed by hand, which its definition would not give back", function()
    for _, case in ipairs(CHANGES) do
      local net <const> = defined([[return function() return nn.Sequential{nn.Linear(3, 4),
        nn.ReLU(), nn.Sequential{nn.Dropout(0.5), nn.Conv2d(1, 1, {kernel = 3})}} end]])
      case[1](net)
      fails(function() braid.save("x.safetensors", net) end, case[2])
    end
  end)

  it("says so also when the library changed it afterwards", function()
    local net <const> = small()
    net.head.pose = nn.Linear(100, 7)
    net:add_task("age", mtl.real{1})
    fails(function() braid.save("x.safetensors", net) end, "head.pose.outputs is 7, and 5 by")
    local other <const> = braid.model("models/cross_stitch.lua", {tasks = tasks_of(), width = 0.25})
    assert.is_true((other:stacked()))
    other.columns.stacked.conv1[1].bias = nil
    fails(function() braid.save("x.safetensors", other) end,
      "columns.landmarks.conv1.1.bias is not there, which is a tensor (4) by its definition")
  end)

  it("takes what the library does for none", function()
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

-- A file of a network with other metadata: f(metadata) changes them.
local function tampered(path, net, f)
  braid.save(path, net)
  local tensors <const>, metadata <const> = braid.load(path)
  f(metadata)
  braid.save(path, tensors, metadata)
end

describe("opening a file", function()
  it("says what it is when it holds no network", function()
    fails(function() braid.open("/nowhere/x.safetensors") end,
      "open: /nowhere/x.safetensors: No such file or directory (nor is its folder)")
    fails(function() braid.open("models") end, "open: models: Is a directory")
    fails(function() braid.open("README.md") end, "open: README.md: not a whole safetensors file")
    fails(function() braid.open(3) end, "open: wants the path of a file, a string, not a number")
    with_file(function(path)
      braid.save(path, {a = braid.ones(1)})
      fails(function() braid.open(path) end,
        path .. ": it holds tensors and no network; braid.load reads them")
      braid.save(path, small())
      local bytes <const> = files.read(path)
      for _, n in ipairs{0, 7, 100, #bytes // 2, #bytes - 1} do
        assert(files.write(path, {bytes:sub(1, n)}))
        fails(function() braid.open(path) end, path .. ": not a whole safetensors file")
      end
    end)
  end)

  local function tasks(text) return {["braid.tasks"] = text} end
  local function changes(text) return {["braid.changes"] = text} end
  local function definition(text) return {["braid.definition"] = text} end

  -- What the metadata say instead, and what is said of it.
  local DAMAGE <const> = {
    {definition "return function(", "open: %s: model:"},
    {definition "return 5", "not a function of the tasks"},
    {definition "return function() return 5 end", "makes no network"},
    {definition "return function() os.exit(1) end", "os"},
    {definition "\27Lua", "binary"},
    {definition "return function() return nn.Linear(2, 2) end", "no option 'norm'"},
    {definition "return function(_, o) return o.norm and nn.Linear(2, 2) end", "load_state_dict"},
    {definition "return function() error({}) end", "an error that is no text"},
    {definition(("x"):rep((1 << 20) + 1)), "bytes of definition"},
    {definition(false), "it has no definition"},
    {{["braid.definition"] = false, ["braid.definition.bytes"] = "\u{100}"}, "is damaged"},
    {{["braid.format"] = "7"}, "it is of format 7, and this Braid"},
    {{["braid.format"] = "1e0"}, "its format is damaged"},
    {{["braid.format"] = ("1"):rep(1000)}, "its format is damaged"},
    {{["braid.version"] = "\27[2J"}, "its version is damaged"},
    {{["braid.version"] = false}, "its version is damaged"},
    {{["braid.options"] = "{"}, "its options: json"},
    {{["braid.options"] = "5"}, "its options are no object"},
    {{["braid.options"] = "[1]"}, "its options are no object"},
    {{["braid.options"] = "null"}, "its options"},
    {{["braid.options"] = "{\"norm\":null}"}, "its options.norm is null"},
    {{["braid.options"] = "{\"norm\":NaN}"}, "its options.norm is nan"},
    {{["braid.options"] = false}, "its options are no object"},
    {{["braid.options"] = ("{\"a\":"):rep(60) .. "1" .. ("}"):rep(60)}, "without an end"},
    {tasks "5", "its tasks are no object"},
    {tasks "[{}]", "its tasks are no object"},
    {tasks "{\"a\":{\"kind\":\"../x\",\"list\":[],\"options\":{}}}",
      "the task a is of no known kind"},
    {tasks "{\"a\":{\"kind\":\"tasks\",\"list\":[],\"options\":{}}}",
      "the task a is of no known kind"},
    {tasks "{\"a\":{\"kind\":\"init\",\"list\":[],\"options\":{}}}",
      "the task a is of no known kind"},
    {tasks "{\"a\":{\"kind\":\"classes\"}}", "the task a is of no known kind"},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[2],\"options\":{\"loss\":1}}}",
      "the task a: mtl.classes: there is no option 'loss'"},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[-2],\"options\":{}}}",
      "the task a: mtl.classes: "},
    {tasks "{\"a\":{\"kind\":\"classes\",\"list\":[\"x\"],\"options\":{}}}",
      "the task a: mtl.classes: "},
    {tasks "{}", "there are no tasks"},
    {changes "5", "its changes are no list"},
    {changes "{\"add\":\"x\"}", "its changes are no list"},
    {changes "[5]", "its change 1 is of no known kind"},
    {changes "[{\"add\":\"x\"}]", "its change 1 is of no known kind"},
    {changes "[{\"tasks\":[\"x\"],\"columns\":[]}]", "its change 1 is of no known kind"},
    {changes "[{\"tasks\":[\"x\"],\"columns\":[\"x\"]}]", "there is no task 'x'"},
    {changes "[{\"mutual\":5}]", "its change 1 is of no known kind"},
    {changes "[{\"mutual\":{\"form\":5}}]", "mutual"},
    {changes("[" .. ("{\"tasks\":[\"a\"],\"columns\":[\"a\"]},"):rep(1001):sub(1, -2) .. "]"),
      "it has 1001 changes"},
  }

  it("says what is wrong, for each kind of damage, and inspects what it can", function()
    with_file(function(path)
      local net <const> = small()
      for _, case in ipairs(DAMAGE) do
        tampered(path, net, function(metadata)
          for key, value in pairs(case[1]) do metadata[key] = value or nil end
        end)
        local ok <const>, message <const> = pcall(braid.open, path)
        assert.is_false(ok)
        assert.matches("^spec/model/saved_spec%.lua:%d+: open: ", message)
        assert.matches("open: " .. path .. ": ", message, 1, true)
        assert.matches(case[2]:format(path), message, 1, true)
        assert.is_nil(message:find("lua/braid/", 1, true), message)
        local found <const> = braid.inspect(path)
        assert.is_nil(tostring(found):find("[%c\127]", 1) and
          tostring(found):gsub("[\n\t]", ""):find("%c"))
        assert.is_nil(found.problem and found.options)
      end
    end)
  end)

  it("#slow gives an error or a network whatever the metadata became by chance", function()
    shell.in_directory(function(folder)
      local path <const> = folder .. "/net.safetensors"
      local net <const> = defined("return function(_, o) return nn.Linear(2, o.n) end",
        {n = 2, tasks = tasks_of()})
      braid.save(path, net)
      local bytes <const> = files.read(path)
      local head <const> = 8 + string.unpack("<i8", bytes)
      local random <const> = math.random
      math.randomseed(7)
      local opened = 0
      for i = 1, 2000 do
        local text, from <const> = bytes, random(9, head)
        for _ = 1, random(1, 3) do
          local at <const>, kind <const> = random(9, head), random(1, 5)
          if kind == 1 then
            text = text:sub(1, at - 1) .. string.char(random(0, 255)) .. text:sub(at + 1)
          elseif kind == 2 then
            local n <const> = random(1, 20)
            text = text:sub(1, at - 1) .. text:sub(at + n) .. (" "):rep(0)
          elseif kind == 3 then
            local n <const> = random(1, 40)
            text = text:sub(1, at - 1) .. text:sub(from, from + n) .. text:sub(at)
          elseif kind == 4 then
            text = text:sub(1, at - 1) .. ("0123456789{}[]\",:nul-e."):sub(random(1, 23)):sub(1, 1)
              .. text:sub(at + 1)
          else
            text = text:gsub("%d+", function(d)
              return random(1, 40) == 1 and tostring(random(0) >> random(0, 63)) or d
            end)
          end
        end
        -- The length goes along in half of the cases, so that the header is read at all.
        if i % 2 == 0 then
          local length <const> = string.unpack("<i8", bytes) + #text - #bytes
          text = string.pack("<i8", length) .. text:sub(9)
        end
        assert(files.write(path, {text}))
        local ok <const>, message <const> = pcall(braid.open, path)
        if ok then opened = opened + 1 end
        if not ok then assert.matches("^spec/model/saved_spec.lua:%d+: open: ", message) end
        local seen <const>, found <const> = pcall(braid.inspect, path)
        if seen then
          assert.is_nil(tostring(found):gsub("[\n\t]", ""):find("%c"))
        end
      end
      assert.is_true(opened > 50)
      assert.equal("net.safetensors\n", shell.run("ls -A " .. folder).out)
    end)
  end)
end)

describe("braid.inspect", function()
  it("tells what is in a file, and runs nothing", function()
    with_file(function(path)
      local net <const> = small():add_task("age", mtl.real{1})
      braid.save(path, net, {note = "a\27[31mb"})
      tampered(path, net, function(metadata)
        metadata["braid.definition"] = "error('run')" .. metadata["braid.definition"]
        metadata.note = "a\27[31mb"
      end)
      local found <const> = braid.inspect(path)
      assert.equal(1, found.format)
      assert.equal(braid.VERSION, found.version)
      assert.same({norm = true}, found.options)
      assert.equal("classes", found.tasks.pose.kind)
      assert.same({5}, found.tasks.pose.list)
      assert.equal("age", found.changes[1].add)
      assert.same({dtype = "F32", shape = {5, 100}, bytes = 2000},
        found.tensors["head.pose.weight"])
      assert.equal(#files.read(path), found.size)
      local text <const> = tostring(found)
      for _, part in ipairs{"a network", "format 1, written by Braid " .. braid.VERSION,
        'options: {"norm":true}', "task pose: classes [5]", "head.pose.weight  F32 (5, 100)",
        "metadata note: a\\x1b[31mb", "error('run')"} do
        assert.is_truthy(text:find(part, 1, true), part .. "\n" .. text)
      end
    end)
  end)

  it("tells what is in files of others, also of types that no tensor has", function()
    with_file(function(path)
      local header <const> = '{"__metadata__":{"format":"pt"},"a":{"dtype":"F4","shape":[2,3],'
        .. '"data_offsets":[0,3]},"b\\u001b":{"dtype":"C64","shape":[1],"data_offsets":[3,11]}}'
      assert(files.write(path, {string.pack("<s8", header), ("\0"):rep(11)}))
      local found <const> = braid.inspect(path)
      assert.same({"a", "b\27"}, found.names)
      assert.same({dtype = "F4", shape = {2, 3}, bytes = 3}, found.tensors.a)
      assert.equal(7, found.values)
      assert.same({format = "pt"}, found.metadata)
      assert.is_nil(found.definition)
      assert.matches(": tensors, %d+ bytes\nmetadata format: pt\n2 tensors, 7 values, 11 bytes\n",
        tostring(found))
      assert.is_nil(tostring(found):find("\27"))
      fails(function() braid.load(path) end,
        "'a' is of type F4, whose values no tensor here holds exactly")
      fails(function() braid.inspect("README.md") end,
        "inspect: README.md: not a whole safetensors file: ")
      fails(function() braid.inspect() end, "inspect: wants the path of a file, a string, not nil")
      fails(function() braid.inspect("nothing.safetensors") end, "inspect: nothing.safetensors: No")
    end)
  end)
end)
