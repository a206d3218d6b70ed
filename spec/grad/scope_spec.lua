--- Tests that scopes and modes belong to the coroutine that opened them: a scope of a coroutine
-- that is dropped or suspended has no effect elsewhere. Scripts run in a process of their own,
-- because a warning appears only once in a process.

local shell <const> = require "spec.support.shell"

local START <const> = [[
package.path = %q .. package.path
package.cpath = %q .. package.cpath
local braid <const> = require "braid"
local core <const> = require "braid.core"
local function count(x) -- makes 20000 tensors
  for _ = 1, 20000 do x = x + 1 end
  return x:item()
end
local function recorded() return (braid.ones(1):requires_grad_() * 2).requires_grad end
]]

local function run(text)
  local result
  shell.in_directory(function(directory)
    local path <const>, lua <const> = directory .. "/script.lua", shell.root .. "/lua"
    shell.write(path, START:format(lua .. "/?.lua;" .. lua .. "/?/init.lua;",
      shell.root .. "/" .. shell.build .. "/lib/?.so;") .. text)
    result = shell.run(shell.lua .. " " .. shell.quote(path))
  end)
  return result
end

-- Asserts that the script prints these words and nothing else.
local function prints(expected, text)
  local result <const> = run(text)
  result.out = result.out:gsub("\t", " ")
  assert.same({out = expected, err = "", status = 0, signal = false}, result)
end

local function times(text, part)
  local _, n <const> = text:gsub(part:gsub("%p", "%%%0"), "")
  return n
end

describe("a scope that is not assigned", function()
  it("frees nothing, and warns once", function()
    local result <const> = run [[
for _ = 1, 3 do
  braid.scope()
  print(count(braid.ones(1)))
end
local s = braid.scope()
s = nil
local v
for _ = 1, 1e5 do v = braid.ones(50) * 3 + 1 end
print(v:sum():item())]]
    assert.equal("20001.0\n20001.0\n20001.0\n200.0\n", result.out)
    assert.equal(0, result.status)
    assert.equal(1, times(result.err, "local _ <close> = braid.scope()"))
    assert.equal(1, times(result.err, "\n"))
  end)

  it("does not change the scopes around it and inside it", function()
    prints("false 1.0 2.0\nfalse false\n", [[
local outer <const> = braid.scope()
local a <const> = braid.ones(1)
core.set_notice(function() end)
braid.scope()
local b <const> = braid.ones(1)
local inner <const> = braid.scope()
local c <const> = braid.ones(1)
collectgarbage()
collectgarbage()
inner:close()
print(pcall(c.item, c), a:item(), (b * 2):item())
local d <const> = braid.ones(1)
outer:close()
print((pcall(a.item, a)), (pcall(d.item, d)))]])
  end)
end)

describe("a scope", function()
  it("ends with its coroutine if that is dropped, and frees nothing", function()
    prints("20001.0\n20001.0\n", [[
for _ = 1, 2 do
  local co = coroutine.wrap(function() local _ <close> = braid.scope() coroutine.yield() end)
  co()
  co = nil
  print(count(braid.ones(1)))
end]])
  end)

  it("releases only tensors of its own coroutine, in any order of coroutines", function()
    prints("2.0 false true\n2.0 false\n", [[
local made
local co = coroutine.wrap(function()
  local _ <close> = braid.scope()
  made = braid.ones(1)
  coroutine.yield()
  local kept = made + 1
  coroutine.yield(kept:item())
end)
co()
local x = braid.ones(1)
local scope = braid.scope()
local y = braid.ones(1)
assert(co() == 2)
scope:close()
co()
print((x + 1):item(), pcall(y.item, y), (pcall(x.item, x)))
print((x + 1):item(), (pcall(made.item, made)))]])
  end)

  it("of a coroutine can be closed in any order, and from another coroutine", function()
    prints("true true\nfalse false\n", [[
local a, b, x, y
local first = coroutine.wrap(function() a = braid.scope() x = braid.ones(1) coroutine.yield() end)
local second = coroutine.wrap(function() b = braid.scope() y = braid.ones(1) coroutine.yield() end)
first() second()
print((pcall(x.item, x)), (pcall(y.item, y)))
a:close() b:close() a:close()
print((pcall(x.item, x)), (pcall(y.item, y)))]])
  end)

  it("that a finalizer closes makes the later use of its tensors an error", function()
    local result <const> = run [[
local s = braid.scope()
local x = braid.ones(1)
setmetatable({}, {__gc = function() s:close() end})
for _ = 1, 20000 do x = x + 1 end
collectgarbage()
count(x)]]
    assert.equal(1, times(result.err, "this tensor was released when its scope closed"))
    assert.equal(1, result.status)
  end)

  it("that closes while arguments are read causes an error or changes nothing", function()
    prints("true\n", [[
local s = braid.scope()
local x = braid.ones(4)
local ok, message = pcall(braid.cat, setmetatable({}, {__len = function() return 2 end,
  __index = function(_, i)
    if i == 1 then return x end
    s:close()
    x = nil
    collectgarbage()
    return braid.zeros(4)
  end}), 1)
print(ok or message:find("was released") ~= nil)]])
  end)

  it("prints whether it is open", function()
    prints("scope (open, 2 tensors)\nscope (closed)\nno_grad (open)\nno_grad (closed)\n2\n", [[
local s <const> = braid.scope()
local held <const> = {braid.ones(1), braid.ones(1)}
print(s)
s:close()
print(s)
local m <const> = braid.no_grad()
print(m)
m:close()
print(m)
print(#held)]])
  end)
end)

describe("a mode", function()
  it("of a coroutine that is suspended, dropped or dead has no effect elsewhere", function()
    prints("true\ntrue\ntrue\ntrue\ntrue\n", [[
local function open(last)
  return coroutine.create(function() braid.no_grad(function() coroutine.yield() last() end) end)
end
local co = open(print)
coroutine.resume(co)
print(recorded())
co = nil
collectgarbage()
print(recorded())
local dead = open(error)
coroutine.resume(dead) coroutine.resume(dead)
print(recorded())
dead = nil
local a, b = open(type), open(type)
coroutine.resume(a) coroutine.resume(b)
print(recorded())
coroutine.resume(a, 1) coroutine.resume(b, 1)
collectgarbage()
print(recorded())]])
  end)

  it("is in effect again when its coroutine goes on", function()
    prints("false true\nfalse true\nfalse true\n", [[
local co = coroutine.wrap(function()
  local _ <close> = braid.no_grad()
  while true do coroutine.yield(recorded()) end
end)
for _ = 1, 3 do print(co(), recorded()) end]])
  end)

  it("is in effect in coroutines that are resumed inside it", function()
    prints("true false false true\nfalse true\n", [[
local function each()
  while true do coroutine.yield(recorded()) end
end
local before <const> = coroutine.wrap(each)
local first = before()
braid.no_grad(function()
  local within <const> = coroutine.wrap(each)
  print(first, within(), before(), true)
end)
local nested <const> = coroutine.wrap(function()
  local _ <close> = braid.no_grad()
  local inner <const> = coroutine.wrap(each)
  coroutine.yield(inner())
end)
print(nested(), before())]])
  end)

  it("that is not assigned ends when it is collected, and warns once", function()
    for _, name in ipairs {"no_grad", "detect_anomaly"} do
      local result <const> = run(([[
for _ = 1, 3 do
  braid.NAME()
  collectgarbage()
  print(recorded(), (pcall(function() return braid.zeros(1) / 0 end)))
end]]):gsub("NAME", name))
      assert.equal(("true\ttrue\n"):rep(3), result.out)
      assert.equal(1, times(result.err, "local _ <close> = braid." .. name .. "()"))
      assert.equal(1, times(result.err, "\n"))
    end
  end)

  it("can be closed before a mode that was opened inside it", function()
    prints("false\ntrue\n", [[
local a <const>, b <const> = braid.no_grad(), braid.no_grad()
a:close()
print(recorded())
b:close()
print(recorded())]])
  end)

  it("of detect_anomaly belongs to its coroutine too", function()
    prints("true\nfalse\ntrue\n", [[
local function divides() return (pcall(function() return braid.zeros(1) / 0 end)) end
local co = coroutine.wrap(function()
  braid.detect_anomaly(function() coroutine.yield() coroutine.yield(divides()) end)
end)
co()
print(divides())
print(co())
co = nil
print(divides())]])
  end)

  it("of a backward pass is in effect in its hooks, also in their coroutines", function()
    prints("false false\ntrue\n", [[
local x <const> = braid.ones(1):requires_grad_()
local y <const> = x * 2
local a, b
y:register_hook(function()
  a = recorded()
  b = coroutine.wrap(recorded)()
end)
y:backward()
print(a, b)
print(recorded())]])
  end)

  it("has no effect after 9000 coroutines with open modes were dropped", function()
    prints("true\n", [[
for _ = 1, 300 do
  for _ = 1, 30 do
    local co = coroutine.wrap(function()
      local s <close> = braid.scope()
      local m <close> = braid.no_grad()
      coroutine.yield(braid.ones(1), s, m)
    end)
    co()
  end
  collectgarbage()
end
print(recorded())]])
  end)
end)

describe("a metamethod of a scope or mode that is called directly", function()
  it("refuses an object of another kind", function()
    prints(("false\n"):rep(8), [[
local function call(event, of, ...)
  local f <const> = assert(getmetatable(of)[event])
  local ok <const> = pcall(f, ...)
  return ok
end
local s <close> = braid.scope()
local m <close> = braid.no_grad()
for _, wrong in ipairs {io.stdout, 1} do
  print(call("__close", s, wrong))
  print(call("__close", m, wrong))
  print(call("__gc", s, wrong))
  print(call("__tostring", m, wrong))
end
getmetatable(braid.ones(1)).__gc(io.stdout)]])
  end)
end)
