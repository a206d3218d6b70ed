--- Networks saved whole: net:save(directory) and braid.open.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local files <const> = braid.io.files
local mtl <const> = braid.mtl

local FILES <const> = {"model.lua", "model.json", "weights.safetensors"}

-- Calls f with the path of a directory that is not there yet, and removes what f left.
local function with_directory(f)
  local path <const> = os.tmpname()
  os.remove(path)
  local ok <const>, message <const> = pcall(f, path)
  shell.run("rm -rf " .. path .. "*")
  if not ok then error(message, 0) end
end

local function tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5, flip = {2, 1, 3, 5, 4}},
    pose = mtl.classes{5, weight = 0.1}}
end

local function small() return braid.model("models/tcdcn.lua", {tasks = tasks_of(), norm = true}) end

-- A network of a definition written here, which stands in `directory`.
local function defined(directory, text, given)
  assert(files.write(directory .. ".lua", {text}))
  return braid.model(directory .. ".lua", given)
end

describe("a network that was saved", function()
  before_each(function() braid.manual_seed(3) end)

  it("opens with the same weights, statistics, options and tasks", function()
    with_directory(function(path)
      local net <const>, x <const> = small(), braid.randn(4, 1, 40, 40)
      net(x) -- moves the running statistics
      assert(net:save(path))
      local other <const>, tasks <const> = assert(braid.open(path))
      net:eval()
      other:eval()
      assert.same(net(x).pose:totable(), other(x).pose:totable())
      assert.same({"landmarks", "pose"}, tasks.names)
      assert.equal(0.1, tasks.pose.weight)
      assert.same({2, 1, 3, 5, 4}, tasks.landmarks.flip)
      local batch <const> = {pose = braid.ones(4, {dtype = "int64"}),
        landmarks = braid.zeros(4, 5, 2)}
      assert.equal(tasks_of():loss(net(x), batch):item(), tasks:loss(other(x), batch):item())
    end)
  end)

  it("can be saved over itself, and leaves nothing beside", function()
    with_directory(function(path)
      assert(small():save(path .. "/"))
      assert(assert(braid.open(path)):clone():save(path))
      assert.equal(path .. "\n", shell.run("ls -d " .. path .. "*").out)
      assert.is_truthy(braid.open(path))
    end)
  end)

  it("opens as the network of columns that it became", function()
    local function same(net, x)
      with_directory(function(path)
        local y <const> = net:eval()(x)
        assert(net:save(path))
        local other <const>, tasks <const> = assert(braid.open(path))
        assert.same(net.tasks.names, tasks.names)
        for name in tasks:each() do
          assert.same(y[name]:totable(), other:eval()(x)[name]:totable())
        end
        assert(other:save(path)) -- and again
        assert.same(y.pose:totable(), assert(braid.open(path)):eval()(x).pose:totable())
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

  it("cannot hold the head that an added task has from a function of its own", function()
    local net <const> = small():add_task("smile", mtl.classes{2},
      {head = function(task, c) return braid.nn.Linear(c, task.size) end})
    assert.error_matches(function() net:save("build/never") end,
      "save: the head of the added task smile is a function or holds what a file cannot", 1, true)
  end)

  it("stays float64", function()
    with_directory(function(path)
      local net <const> = small():to("float64"):eval()
      local x <const> = braid.randn({1, 1, 40, 40}, {dtype = "float64"})
      assert(net:save(path))
      assert.same(net(x).pose:totable(), assert(braid.open(path)):eval()(x).pose:totable())
    end)
  end)

  it("takes the sizes that its layers inferred from the weights", function()
    with_directory(function(path)
      local net <const> = defined(path, [[return function(_, o)
        return nn.Sequential{nn.Conv2d(4, {kernel = 3, groups = 2}), nn.Flatten(), nn.Linear(o.n)}
      end]], {n = 3})
      local x <const> = braid.randn(2, 6, 5, 5)
      local y <const> = net(x):totable()
      assert(net:save(path))
      assert.same(y, assert(braid.open(path))(x):totable())
    end)
  end)

  it("needs the directory and not the file that it was defined in", function()
    with_directory(function(path)
      local net <const> = defined(path, "return function() return nn.Linear(2, 2) end")
      assert(net:save(path))
      os.remove(path .. ".lua")
      local other <const>, tasks <const> = braid.open(path)
      assert.same(net.weight:totable(), other.weight:totable())
      assert.is_nil(tasks)
    end)
  end)

  it("opens from the old directory when a save was cut short", function()
    with_directory(function(path)
      assert(small():save(path))
      assert(os.rename(path, path .. ".old"))
      assert.is_truthy(braid.open(path))
    end)
  end)
end)

describe("saving a network", function()
  it("says what cannot be written", function()
    assert.has_error(function() braid.nn.Linear(2, 3):save("x") end, "save: only a network that "
      .. "braid.model made knows its definition; of this Linear, braid.save(path, "
      .. "net:state_dict()) keeps the values")
    assert.has_error(function() small():save(5) end,
      "save: wants the path of a directory, not a number")
    local ok <const>, message <const> = small():save("/nonexistent/x")
    assert.is_nil(ok)
    assert.equal("/nonexistent/x.part: No such file or directory", message)
    with_directory(function(path)
      local net <const> = defined(path, "return function(_, o) return o.f and nn.Linear(2, 2) end",
        {f = print})
      assert.error_matches(function() net:save(path) end, "save: an option is a table or holds")
    end)
  end)
end)

describe("opening a directory", function()
  it("gives nil and a message for what is not there", function()
    local net <const>, message <const> = braid.open("/nonexistent")
    assert.is_nil(net)
    assert.equal("/nonexistent/model.lua: No such file or directory", message)
  end)

  local function with_tasks(text)
    return "{\"format\":1,\"options\":{},\"tasks\":" .. text .. "}"
  end

  local function with_changes(text)
    return "{\"format\":1,\"options\":{},\"changes\":" .. text .. "}"
  end

  -- How each file is damaged, and what is said.
  local DAMAGE <const> = {
    {"model.lua", "return function(", "model:"},
    {"model.lua", "return 5", "not a function of the tasks"},
    {"model.lua", "return function() return 5 end", "makes no network"},
    {"model.lua", "return function() os.exit(1) end", "global 'os'"},
    {"model.lua", "\27Lua", "attempt to load a binary chunk"},
    {"model.lua", "return function() return nn.Linear(2, 2) end", "has no option 'norm'"},
    {"model.lua", "return function(_, o) return o.norm and nn.Linear(2, 2) end", "load_state_dict"},
    {"model.json", "{", "json"},
    {"model.json", "5", "no record of a network"},
    {"model.json", "{\"format\":9,\"options\":{}}", "no record of a network in format 1"},
    {"model.json", with_tasks "5", "its tasks are no object"},
    {"model.json", with_tasks "{\"a\":{\"kind\":\"../x\",\"fields\":{}}}",
      "the task a is of no known kind"},
    {"model.json", with_tasks "{\"a\":{\"kind\":\"tasks\",\"fields\":{}}}",
      "the task a is of no known kind"},
    {"model.json", with_tasks "{}", "there are no tasks"},
    {"model.json", with_changes "5", "model.json: its changes are no list"},
    {"model.json", with_changes "{\"add\":\"x\"}", "its changes are no list"},
    {"model.json", with_changes "[5]", "its change 1 is of no known kind"},
    {"model.json", with_changes "[{\"add\":\"x\"}]", "its change 1 is of no known kind"},
    {"model.json", with_changes "[{\"tasks\":[\"x\"],\"columns\":[]}]",
      "its change 1 is of no known kind"},
    {"weights.safetensors", "", "safetensors"},
  }

  it("gives nil and a message for each kind of damage", function()
    with_directory(function(path)
      local net <const> = small()
      for _, case in ipairs(DAMAGE) do
        assert(net:save(path))
        assert(files.write(path .. "/" .. case[1], {case[2]}))
        local opened <const>, message <const> = braid.open(path)
        assert.is_nil(opened, case[2])
        assert.is_truthy(message:find(case[3], 1, true), message)
        assert.is_nil(message:find("braid/saved.lua", 1, true), message)
      end
      for _, name in ipairs(FILES) do
        assert(net:save(path))
        os.remove(path .. "/" .. name)
        assert.is_nil((braid.open(path)))
      end
    end)
  end)
end)
