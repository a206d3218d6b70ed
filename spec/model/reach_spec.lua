--- The reach of a definition: every value that its code can get from its environment and from the
-- objects that constructors make, by fields, by names and by iterating. None may lead outside the
-- sandbox.

local braid <const> = require "braid"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local guard <const> = require "braid.guard"
local sandbox <const> = require "braid.sandbox"

local nn <const>, mtl <const> = braid.nn, braid.mtl

-- Every word that names something in Braid or in Lua's library.
local function all_words()
  local words <const> = {}
  local function add(t)
    for key in next, t do
      if type(key) == "string" then words[key] = true end
    end
  end
  for _, t in ipairs{string, table, math, io, os, debug, package, _G, core, braid, braid.F,
    core.tensor_metatable.methods} do add(t) end
  for _, t in ipairs{nn, mtl, braid.loss, braid.optim} do
    for _, name in ipairs(folder.names(t)) do
      words[name] = true
      local value = t[name]
      while class.is_class(value) do
        local meta <const> = class.metatable(value)
        add(meta)
        if type(meta.__index) == "table" then add(meta.__index) end
        value = value.base
      end
    end
  end
  for word in ([[__index __newindex __metatable __gc __close __mode __call __pairs __len __name
    __tostring base meta methods records kind plan recipe make mixers options names tasks head
    heads columns trunk
    order stacked stacked_names shape grad grad_fn env _ENV upvalue key self]]):gmatch("%S+") do
    words[word] = true
  end
  return words
end

local WORDS <const> = all_words()

--- Calls found(value, path) for every value that code without the debug library can reach from a
-- value.
local function explore(value, path, found, seen)
  local kind <const> = type(value)
  if kind ~= "table" and kind ~= "function" and kind ~= "userdata" or seen[value] then return end
  seen[value] = path
  found(value, path)
  if kind == "function" then return end
  local function into(key, inner)
    if type(inner) ~= "number" and type(inner) ~= "boolean" then
      explore(inner, path .. "." .. tostring(key), found, seen)
    end
  end
  local plain <const> = getmetatable(value) == nil and "plain"
  local of <const> = class.of(value) or kind == "userdata" and "tensor" or plain or value
  seen.tried[of] = (seen.tried[of] or 0) + 1
  for word in next, seen.tried[of] <= 2 and WORDS or {} do
    local ok <const>, inner <const> = pcall(function() return value[word] end)
    if ok then into(word, inner) end
  end
  if kind ~= "table" then return end
  for key, inner in next, value do
    into("key", key)
    into(key, inner)
  end
  pcall(function()
    for key, inner in pairs(value) do
      into("key", key)
      into(key, inner)
    end
  end)
end

-- ---- objects of all constructors ----------------------------------------------------------

local ARGUMENTS <const> = {{}, {2}, {2, 2}, {2, 2, {kernel = 3}}, {2, {kernel = 3}}, {2, 2, 2},
  {{2}}, {{kernel = 2}}, {{size = 4}}}

local function made(env, name)
  for _, arguments in ipairs(ARGUMENTS) do
    local ok <const>, object <const> = pcall(env.nn[name], table.unpack(arguments))
    if ok then return object end
  end
  local ok, object = pcall(env.nn[name], {env.nn.ReLU(), env.nn.Linear(2, 2)})
  if not ok then ok, object = pcall(env.nn[name], env.nn.Linear(2, 2)) end
  if not ok then ok, object = pcall(env.nn[name], "tcdcn") end
  assert(ok, name)
  return object
end

local function tasks_of(env)
  local m <const> = env.mtl
  return m.tasks{pose = m.classes{3, flip = {3, 2, 1}}, points = m.landmarks{points = 5}}
end

-- Objects of every kind that a definition can make, by name.
local function objects(env)
  local list <const>, tasks <const> = {env = env}, tasks_of(env)
  list.kinds = {tasks, env.mtl.real{1}, env.mtl.attributes{2},
    env.mtl.landmark_bins{points = 5, pixels = 4}, env.mtl.pose_bins{}}
  for name, value in env.pairs(env.nn) do
    if class.is_class(value) then list["nn." .. name] = made(env, name) end
  end
  for _, word in ipairs{"none", "share", "cross_stitch", "ttc", "separation", "collaborative",
    "nddr",
    "sluice", "progressive"} do
    local mixer <const> = env.mtl[word]{}
    local net <const> = env.mtl.columns(tasks, env.nn.backbone("tcdcn", {width = 0.1}))
    net:mix(word == "share" and "conv1" or "*", mixer):heads()
    list["mtl." .. word] = {mixer, net}
  end
  list["mtl.shared"] = env.mtl.shared(tasks, env.nn.ReLU(), function() return env.nn.Linear(2,
    2) end)
  list["mtl.network"] = env.mtl.network{tasks = tasks, blocks = "tcdcn", columns = "shared"}
  local Own <const> = env.class("Own", env.nn.Module)
  list.class, list.object = Own, Own()
  list.tensor = env.braid.zeros(2)
  return list
end

-- ---- what must not be there ---------------------------------------------------------------

local function forbidden()
  local list <const> = {}
  for _, name in ipairs{"io", "os", "debug", "package", "coroutine", "string", "math", "table"} do
    list[_G[name]] = name
  end
  for _, name in ipairs{"io", "os", "debug", "coroutine"} do
    for key, value in next, _G[name] do list[value] = name .. "." .. key end
  end
  for _, name in ipairs{"load", "loadfile", "dofile", "require", "rawset", "rawget", "setmetatable",
    "getmetatable", "collectgarbage", "print", "pcall", "xpcall"} do
    list[_G[name]] = name
  end
  for _, name in ipairs{"rep", "find", "match", "gmatch", "gsub", "format", "dump"} do
    list[string[name]] = "string." .. name
  end
  list[_G], list[core], list[braid], list[core.tensor_metatable] = "_G", "core", "braid", "tensors'"
  list[core.tensor_metatable.methods], list[package.loaded] = "methods", "package.loaded"
  list[debug.getmetatable("")] = "strings'"
  for _, name in ipairs{"load", "save", "open", "model", "io", "data", "train", "plot", "optim",
    "limits", "manual_seed", "set_threads", "scope", "detect_anomaly", "profile"} do
    list[braid[name]] = "braid." .. name
  end
  for name, value in next, core do
    if type(value) == "function" and (name:find("file") or name:find("folder") or name:find("read")
      or name:find("write") or name:find("image") or name:find("strange") or name == "guarded") then
      list[value] = "core." .. name
    end
  end
  for _, t in ipairs{nn, mtl, braid.F, braid.loss,
    braid.optim} do list[t] = tostring(t):match("%S+") end
  for _, t in ipairs{nn, mtl} do
    for _, name in ipairs(folder.names(t)) do
      local value = t[name]
      while class.is_class(value) do
        local meta <const> = class.metatable(value)
        list[meta] = "metatable of " .. name
        list[meta.__index] = "methods of " .. name
        value = value.base
      end
    end
  end
  return list
end

describe("the code of a definition", function()
  local first, second, bad = {tried = {}}, {tried = {}}, forbidden()

  setup(function()
    class.seal()
    braid.limits.steps = math.huge
    guard.run("reach", function() -- in here, strings have the methods that definitions get
      for round, seen in ipairs{first, second} do
        local env <const> = sandbox.environment()
        explore(objects(env), "round" .. round, function() end, seen)
        for word in next, WORDS do
          local ok <const>, value <const> = pcall(function() return ("x")[word] end)
          if ok then explore(value, "string." .. word, function() end, seen) end
        end
      end
    end)
    braid.limits.steps = nil
    first.tried, second.tried = nil, nil
  end)

  it("reaches more than 1500 values, so that the specs below test something", function()
    local count = 0
    for _ in pairs(first) do count = count + 1 end
    assert.is_true(count > 1500, tostring(count))
  end)

  it("reaches no table or function that leads outside", function()
    for value, path in pairs(first) do
      assert.is_nil(bad[value], ("%s is %s"):format(path, bad[value] or ""))
    end
  end)

  it("can write to no table that another definition reaches", function()
    local shared = 0
    for value, path in pairs(first) do
      if second[value] and type(value) == "table" then
        shared = shared + 1
        for _, key in ipairs{"probe", "forward", "__index", "init", 1} do
          assert.is_false(pcall(function() value[key] = 1 end), path .. "." .. key)
        end
        assert.is_false(pcall(table.insert, value, 1), path)
        assert.is_nil(next(value), path .. " has fields that could be replaced")
      end
    end
    assert.is_true(shared > 50, tostring(shared))
  end)

  it("gets no metatable of any value that it reaches", function()
    local env <const> = sandbox.environment()
    for value, path in pairs(first) do
      local ok <const>, meta <const> = pcall(env.getmetatable, value)
      assert.is_true(ok and meta == nil, path)
    end
  end)
end)
