--- The sandbox of definitions: what hostile ones try, what reaches out of it, and that it is rich
-- enough for honest ones.

local attacks <const> = require "spec.support.attacks"
local braid <const> = require "braid"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local shell <const> = require "spec.support.shell"

local mtl <const>, nn <const>, limits <const> = braid.mtl, braid.nn, braid.limits

-- ---- what must stay as it is --------------------------------------------------------------

local function user_tasks()
  return mtl.tasks{pose = mtl.classes{3, flip = {3, 2, 1}},
    smile = mtl.classes{2, flip = {1, 2}, weight = 0.5}}
end

-- Shallow copies of tables by name.
local function copies(tables)
  local list <const> = {}
  for name, t in pairs(tables) do
    list[name] = {}
    for key, value in next, t do list[name][key] = value end
  end
  return list
end

-- The tables behind every class of nn and mtl, and those of Lua's library.
local function watched_tables()
  local tables <const> = {string = string, math = math, table = table, io = io, os = os, _G = _G,
    package = package, debug = debug, ["string's"] = debug.getmetatable("")}
  for _, name in ipairs(folder.names(nn)) do
    local c = nn[name]
    while class.is_class(c) do
      tables[c.__name .. " metatable"] = class.metatable(c)
      local methods <const> = class.metatable(c).__index
      if type(methods) == "table" then tables[c.__name .. " methods"] = methods end
      c = c.base
    end
  end
  for _, name in ipairs(folder.names(mtl)) do
    if class.is_class(mtl[name]) then
      tables["mtl." .. name] = class.metatable(mtl[name])
      local methods <const> = class.metatable(mtl[name]).__index
      if type(methods) == "table" then tables["mtl." .. name .. " methods"] = methods end
    end
  end
  tables["nn.init"] = nn.init
  return tables
end

local function said(tasks)
  local words <const> = {table.concat(tasks.names, " ")}
  for name, task in tasks:each() do
    for key, value in class.fields(task) do
      words[#words + 1] = ("%s.%s=%s"):format(name, key,
        type(value) == "table" and table.concat(value, ",") or tostring(value))
    end
  end
  for key in class.fields(tasks) do words[#words + 1] = tostring(key) end
  table.sort(words)
  return table.concat(words, " ")
end

-- What a value leads to without the debug library.
local function reachable(value, seen)
  seen = seen or {}
  if type(value) ~= "table" or seen[value] then return seen end
  seen[value] = true
  for key, inner in next, value do
    reachable(key, seen)
    reachable(inner, seen)
  end
  return seen
end

-- All that a user does with a network, one after the other, each by itself.
local USES <const> = {
  call = function(net) return net(braid.ones(2, 2)) end,
  train = function(net) return net:train(), net:eval(), net:freeze(), net:unfreeze() end,
  tostring = function(net) return tostring(net) end,
  state_dict = function(net) return net:load_state_dict(net:state_dict()) end,
  parameters = function(net) return net:parameters(), net:buffers(), net:count_parameters() end,
  clone = function(net) return net:clone():to("float64") end,
  summary = function(net) return tostring(net:summary{2}) end,
  find = function(net) return net:find(nn.Linear) end,
}

describe("a hostile definition", function()
  local tables, tasks, options, mark, before_path
  local LOW <const> = {steps = 3000000, seconds = 20, memory = 1 << 24, tensors = 1 << 26}

  setup(function()
    mark = os.tmpname()
    os.remove(mark)
    for _, folder_name in ipairs{"nn/backbones", "mtl", "functional"} do
      os.execute(("mkdir -p '%s/braid/%s'"):format(mark, folder_name))
    end
    for _, place in ipairs{"nn/planted", "mtl/planted", "functional/planted", "planted",
      "nn/backbones/planted"} do
      shell.write(("%s/braid/%s.lua"):format(mark, place), "EVIL = true return {}")
    end
    before_path = package.path
    package.path = mark .. "/?.lua;" .. package.path
    for name, value in pairs(LOW) do limits[name] = value end
    _G.EVIL_HOOK = false
    tables = watched_tables()
  end)

  teardown(function()
    package.path = before_path
    for name in pairs(LOW) do limits[name] = nil end
    _G.EVIL_HOOK = nil
    os.execute(("rm -r '%s'"):format(mark))
  end)

  local function define(attack)
    tasks = user_tasks()
    options = {inner = {"as it was"}, word = "as it was", mixer = mtl.collaborative{ratio = 0.5}}
    local path <const> = mark .. "/attack.lua"
    shell.write(path, attacks.text(attack, mark))
    local stderr <const>, printed = io.stderr, 0
    io.stderr = {write = function(_, ...) printed = printed + #table.concat{...} end} -- luacheck: ignore
    local ok <const>, net <const> = pcall(braid.model, path, {tasks = tasks, inner = options.inner,
      word = options.word, mixer = options.mixer})
    io.stderr = stderr -- luacheck: ignore
    assert.is_true(printed < 60000)
    return ok, net
  end

  local function check_unchanged(before, was)
    assert.same(copies(tables), before)
    assert.equal(was, said(tasks))
    assert.same({"as it was"}, options.inner)
    assert.equal("as it was", options.word)
    assert.equal(0.5, options.mixer.options.ratio)
    assert.is_nil(rawget(_G, "EVIL"))
    assert.equal(string, debug.getmetatable("").__index)
    assert.is_nil((debug.gethook()))
    assert.is_true((braid.ones(1):requires_grad_() * 2).requires_grad)
    assert.is_false(core.is_guarded())
    assert.same({1, 2}, nn.Linear(2, 2)(braid.ones(1, 2)).shape)
  end

  for _, attack in ipairs(attacks) do
    it(("cannot by a %s: %s"):format(attack.kind, attack.what), function()
      math.randomseed(7)
      local before <const>, was <const> = copies(tables), said(user_tasks())
      local start <const> = os.clock()
      local ok, result = define(attack)
      -- options that were not read are an error of another kind
      if not ok and tostring(result):find("has no option", 1, true) then
        attack.text = "local _ = o.inner, o.word, o.mixer " .. attack.text
        ok, result = define(attack)
      end
      local failed = not ok and result
      local net <const> = ok and result
      if net then
        for name, use in pairs(USES) do
          local fine <const>, message <const> = pcall(use, net)
          if not fine and (attack.later or attack.user == name) then failed = failed or message end
          if not (attack.later or attack.user == name) then assert(fine, message) end
        end
        for value in pairs(reachable(rawget(net, "leak"))) do
          for name, t in pairs(tables) do assert.is_false(value == t, name) end
        end
      end
      collectgarbage()
      collectgarbage()
      local random <const> = math.random(1, 1 << 40)
      math.randomseed(7)
      assert.equal(math.random(1, 1 << 40), random)
      if attack.says then
        assert.is_truthy(failed, "it went through")
        if attack.says ~= "" then assert.matches(attack.says, tostring(failed)) end
      else
        assert.is_falsy(failed)
      end
      check_unchanged(before, was)
      assert.is_true(os.clock() - start < 20, "it took too long")
    end)
  end
end)
