--- The sandbox of definitions: attacks of hostile definitions fail, nothing dangerous can be
-- reached from inside, and honest definitions have what they need.

local attacks <const> = require "spec.support.attacks"
local braid <const> = require "braid"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local origin <const> = require "braid.origin"
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

-- The tables that hold the methods of every class of nn and mtl, and those of Lua's library.
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

-- The values reachable from a value without the debug library.
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

-- What a user does with a network. Each use runs in a separate protected call.
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
  local hook <const> = debug.gethook() -- nil, unless `make coverage` counts lines
  local tables, tasks, options, mark, before_path, other
  -- `make stress` collects garbage at every allocation, so it reaches these limits later.
  local stressed <const> = (os.getenv("BRAID_STRESS") or "") ~= ""
  local LOW <const> = {steps = 3000000, seconds = stressed and 300 or 20, memory = 1 << 24,
    tensors = 1 << 26}

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
    shell.write(mark .. "/other.lua", "return function() return nn.Linear(2, 2) end")
    other = braid.model(mark .. "/other.lua")
  end)

  teardown(function()
    package.path = before_path
    for name in pairs(LOW) do limits[name] = nil end
    _G.EVIL_HOOK = nil
    os.execute(("rm -r '%s'"):format(mark))
  end)

  local function define(attack)
    tasks = user_tasks()
    options = {inner = {"as it was"}, word = "as it was", mixer = mtl.collaborative{ratio = 0.5},
      own = class("Own", nn.Module), other = other}
    local path <const> = mark .. "/attack.lua"
    shell.write(path, attacks.text(attack, mark))
    local stderr <const>, printed = io.stderr, 0
    io.stderr = {write = function(_, ...) printed = printed + #table.concat{...} end} -- luacheck: ignore
    local given <const> = {tasks = tasks}
    for name, value in pairs(options) do given[name] = value end
    local ok <const>, net <const> = pcall(braid.model, path, given)
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
    assert.is_nil(class.own(options.own, "forward"))
    assert.equal("return function() return nn.Linear(2, 2) end", origin.of(other).text)
    assert.is_nil(rawget(_G, "EVIL"))
    assert.equal(string, debug.getmetatable("").__index)
    assert.equal(hook, (debug.gethook()))
    assert.is_true((braid.ones(1):requires_grad_() * 2).requires_grad)
    assert.is_false(core.is_guarded())
    assert.same({1, 2}, nn.Linear(2, 2)(braid.ones(1, 2)).shape)
  end

  for _, attack in ipairs(attacks) do
    it(("cannot do harm by a %s: %s"):format(attack.kind, attack.what), function()
      -- Otherwise older garbage, collected during the attack, would make room for it.
      if attack.kind == "memory" then collectgarbage() end
      math.randomseed(7)
      local before <const>, was <const> = copies(tables), said(user_tasks())
      local start <const> = os.clock()
      local ok, result = define(attack)
      -- An attack that fails because it did not read all options is tried again, and reads them.
      if not ok and tostring(result):find("has no option", 1, true) then
        attack.text = "local _ = o.inner, o.word, o.mixer, o.own, o.other " .. attack.text
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
      -- Runs finalizers that the attack may have set.
      if attacks.text(attack, mark):find("__%a") then
        collectgarbage()
        collectgarbage()
      end
      local random <const> = math.random(1, 1 << 40)
      math.randomseed(7)
      assert.equal(math.random(1, 1 << 40), random)
      if attack.says and attack.says ~= "?" then
        assert.is_truthy(failed, "it went through")
        if attack.says ~= "" then assert.matches(attack.says, tostring(failed)) end
      elseif not attack.says then
        assert.is_falsy(failed)
      end
      check_unchanged(before, was)
      assert.is_true(os.clock() - start < 20, "it took too long")
    end)
  end
end)

-- ---- honest definitions -------------------------------------------------------------------

local defined <const> = require "spec.support.defined"

describe("an honest definition", function()
  it("can use metatables, classes, closures, errors and Lua's functions that compute", function()
    local net <const> = defined [[
local Stack = {}
Stack.__index = Stack
Stack.__len = function(s) return s.n end
Stack.__add = function(a, b) return a.n + b.n end
Stack.__call = function(s, x) return s.n * x end
Stack.__tostring = function(s) return "stack of " .. s.n end
function Stack.new() return setmetatable({n = 0}, Stack) end
function Stack:push(v) self.n = self.n + 1 self[self.n] = v end

local function blocks(n, size)
  local list = {}
  for i = 1, n do table.insert(list, nn.Linear(size, size)) table.insert(list, nn.GELU()) end
  return nn.Sequential(list)
end

local Attention = class("Attention", nn.Module)
function Attention:init(d)
  self.q, self.k, self.v = nn.Linear(d, d), nn.Linear(d, d), nn.Linear(d, d)
  self.scale = nn.Module.parameter(braid.full({1}, 1 / math.sqrt(d)))
  self:buffer("steps", braid.zeros(1))
end
function Attention:describe() return ("%d"):format(self.q.weight:size(1)) end
function Attention:forward(x)
  local a = braid.F.softmax(self.q(x):matmul(self.k(x):t()) * self.scale, -1)
  return a:matmul(self.v(x))
end

local double = braid.Function{
  forward = function(_, x) return x * 2 end, backward = function(_, dy) return dy * 2 end}

local Net = class("Net", nn.Module)
function Net:init(o)
  local s = Stack.new()
  s:push("a") s:push("b")
  assert(#s == 2 and s + s == 4 and s(3) == 6 and tostring(s) == "stack of 2")
  assert(getmetatable(s) == Stack and getmetatable("") == nil)
  local ok, message = pcall(error, {code = 7})
  assert(not ok and message.code == 7)
  assert(not xpcall(function() error("x", 0) end, function(m) assert(m == "x") return m end))
  assert(("layer12"):match("^(%a+)(%d+)$") == "layer" and ("a,b"):find(",", 1, true) == 2)
  assert(("%5.2f|%s"):format(1.5, s) == " 1.50|stack of 2" and ("x"):rep(3, ",") == "x,x,x")
  local words = {}
  for word in ("one two"):gmatch("%a+") do words[#words + 1] = word:upper() end
  assert(table.concat(words, " ") == "ONE TWO" and select("#", table.unpack(words)) == 2)
  table.sort(words, function(a, b) return a > b end)
  assert(words[1] == "TWO" and math.type(3) == "integer" and math.random(5) <= 5)
  assert(next({}) == nil and rawlen(words) == 2 and rawequal(s, s))
  nn.init.constant(nn.Linear(2, 2).weight, 0.5)
  self.body, self.attention = blocks(2, o.size or 4), Attention(o.size or 4)
  self.extra = {first = nn.Linear(4, 4), nn.ReLU()}
  helper = function(x) return x end -- a global of its own
end
function Net:forward(x)
  if self.optional then x = self.optional(x) end
  x = helper(double(self.body(x)))
  local y = self.extra[1](self.extra.first(self.attention(x)))
  local before = braid.no_grad(function() return y * 1 end)
  return braid.cat({y, before}, 2)
end

return function(tasks, o)
  for name in pairs(o) do assert(name == "size") end
  return Net(o)
end]]
    local y <const> = net(braid.ones(3, 4))
    assert.same({3, 8}, y.shape)
    y:sum():backward()
    assert.matches("Attention%(4%)", tostring(net))
    assert.equal(13, #net:parameters())
    assert.equal(1, #net:buffers())
    local copy <const> = net:clone()
    assert.same(net(braid.ones(3, 4)):totable(), copy(braid.ones(3, 4)):totable())
    assert.is_nil(rawget(_G, "helper"))
  end)

  it("can derive classes from layers, columns and mixers", function()
    local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}}
    local net <const> = defined([[
local Mine = class("mine", mtl.mixer)
function Mine:init(at) self.names = at.names self.row = nn.Module.parameter(braid.ones(1)) end
function Mine:list(xs)
  local ys = {}
  for i, x in ipairs(xs) do ys[i] = x * self.row end
  return ys
end
function Mine:resize(names) self.names = names end
local mine = mtl.mixer.define(Mine, {})
local Wide = class("Wide", nn.Linear)
function Wide:forward(x) return nn.Linear.forward(self, x) + 1 end
local Mine2 = class("Mine2", mtl.columns)
function Mine2:forward(x, tap) return mtl.columns.forward(self, x * 1, tap) end
return function(tasks, o)
  local net = Mine2(tasks, nn.backbone("tcdcn", {width = 0.1}))
  net:mix("conv1", mine{})
  return net:heads(function(task, c) return Wide(c, task.size) end)
end]], {tasks = tasks})
    local out <const> = net(braid.randn(2, 1, 40, 40))
    assert.same({2, 3}, out.b.shape)
    assert.equal(tasks, net.tasks)
    tasks.a.weight = 0.25 -- the user's script may change a task
    assert.equal(0.25, net.tasks.a.weight)
    net:add_task("c", mtl.classes{4})
    assert.same({2, 4}, net(braid.randn(2, 1, 40, 40)).c.shape)
  end)

  it("gets an error for an unknown name that proposes the nearest one", function()
    for wrong, right in pairs{["nn.Linaer(2, 2)"] = "Linear", ["mtl.colums()"] = "columns",
      ["braid.zeroes(2)"] = "zeros", ["prnit(1)"] = "print", ["math.flor(1)"] = "floor",
      ["table.isnert({}, 1)"] = "insert", ["string.fromat('')"] = "format",
      ["braid.F.reluu(1)"] = "relu", ["nn.init.constnat()"] = "constant"} do
      assert.error_matches(function() defined(wrong .. " return function() end") end,
        "did you mean " .. right)
    end
  end)

  it("prints to the standard error", function()
    local stderr <const>, list <const> = io.stderr, {}
    io.stderr = {write = function(_, ...) list[#list + 1] = table.concat{...} end} -- luacheck: ignore
    pcall(defined, "print('a', 1, nil) print('\27[2J') return function() return nn.ReLU() end")
    io.stderr = stderr -- luacheck: ignore
    assert.equal("a\t1\tnil\n?[2J\n", table.concat(list))
  end)

  it("draws the same random numbers each time it runs", function()
    local text <const> = "local n = math.random(1 << 40) return function() local m = nn.ReLU() "
      .. "m.n = n m.f = math.random() return m end"
    local one <const>, two <const> = defined(text), defined(text)
    assert.equal(one.n, two.n)
    assert.is_true(one.f >= 0 and one.f < 1)
  end)
end)
