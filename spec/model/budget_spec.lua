--- braid.limits.steps, which ends definitions that run too long: in scripts, and in the files of
-- networks that braid.open reads.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

local mtl <const>, limits <const> = braid.mtl, braid.limits

local defined <const> = require "spec.support.defined"

describe("braid.limits.steps", function()
  it("is named in the error with a value to set, and a definition runs after it is set", function()
    limits.steps = 100000
    local loop <const> = "local n = 0 for i = 1, 1e6 do n = n + i end "
      .. "return function() return nn.ReLU() end"
    assert.error_matches(function() defined(loop) end,
      "took more than 100,000 steps.*braid.limits.steps = 200000")
    limits.steps = 100000000
    assert.is_truthy(defined(loop))
    limits.steps = nil
  end)

  it("holds if the user's script calls braid.model in a coroutine", function()
    limits.steps = 1000000
    local ok <const>, message <const> = coroutine.resume(coroutine.create(function()
      defined("while true do end")
    end))
    limits.steps = nil
    assert.is_false(ok)
    assert.matches("took more than 1,000,000 steps", message)
  end)

  it("leaves the debug hook of the user's script in place", function()
    local count = 0
    debug.sethook(function() count = count + 1 end, "", 1000)
    defined("return function() return nn.ReLU() end")
    local hook <const>, mask <const>, every <const> = debug.gethook()
    debug.sethook()
    assert.is_function(hook)
    assert.same({"", 1000}, {mask, every})
  end)

  it("holds for a definition's function of heads that net:add_task calls later", function()
    local tasks <const> = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}}
    local net <const> = defined([[
return function(tasks)
  local made = 0
  local net = mtl.columns(tasks, nn.backbone("tcdcn", {width = 0.1}))
  return net:heads(function(task, c)
    made = made + 1
    while made > 2 do end
    return nn.Linear(c, task.size)
  end)
end]], {tasks = tasks})
    limits.steps = 1000000
    assert.error_matches(function() net:add_task("c", mtl.classes{2}) end,
      "heads took more than 1,000,000 steps")
    limits.steps = nil
  end)

  it("does not limit the forward of a network once it is made", function()
    limits.steps = 200000
    local net <const> = defined [[
local Slow = class("Slow", nn.Module)
function Slow:forward(x) local n = 0 for i = 1, 1000000 do n = n + i end return x end
return function() return Slow() end]]
    assert.same({2}, net(braid.ones(2)).shape)
    limits.steps = nil
  end)

  it("lets Ctrl-C end an endless forward, even one that calls pcall", function()
    if shell.sanitized then pending("the sanitizers' Lua does not answer to interrupts") end
    local script <const> = os.tmpname()
    shell.write(script, ([[
package.path = %q
package.cpath = %q
local braid = require "braid"
local f = io.open(arg[0] .. ".lua", "w")
f:write("local L = class('L', nn.Module) function L:forward(x) while true do pcall(function() "
  .. "while true do end end) end end return function() return L() end")
f:close()
local net = braid.model(arg[0] .. ".lua")
io.stdout:write("runs\n") io.stdout:flush()
net(braid.ones(1))
]]):format(package.path, package.cpath))
    local lua <const> = shell.quote(shell.lua)
    local result <const> = shell.run(("cd %s && timeout --foreground -s INT 3 %s %s"):format(
      shell.quote(shell.root), lua, script))
    os.remove(script)
    os.remove(script .. ".lua")
    assert.equal("runs\n", result.out)
    assert.matches("interrupted!", result.err)
  end)
end)

describe("braid.open", function()
  -- Opens the file of a network whose definition was replaced by a text.
  local function opened(text)
    local safetensors <const> = require "braid.io.safetensors"
    local tasks <const> = mtl.tasks{a = mtl.classes{2}}
    local path <const> = os.tmpname() .. ".safetensors"
    braid.save(path, braid.model("models/tcdcn.lua", {tasks = tasks, width = 0.1}))
    local weights <const>, metadata <const> = safetensors.read(path)
    metadata["braid.definition"] = text
    assert(safetensors.write(path, weights, metadata))
    local result <const> = table.pack(pcall(braid.open, path))
    os.remove(path)
    os.remove((path:gsub("%.safetensors$", "")))
    return table.unpack(result, 1, result.n)
  end

  it("runs the file's definition with the same limits and in the same sandbox", function()
    limits.steps = 1000000
    for text, says in pairs{["while true do end"] = "took more than 1,000,000 steps",
      ["return function() while true do pcall(function() while true do end end) end end"] =
        "took more than 1,000,000 steps",
      ["io.open('x', 'w')"] = "there is no 'io' in a definition",
      ["return function(tasks) tasks.a.weight = 9 end"] = "only the user's script can change"} do
      local ok <const>, message <const> = opened(text)
      assert.is_false(ok)
      assert.matches(says, message)
    end
    limits.steps = nil
  end)

  it("gives the tasks that the file records, even if its definition sets others", function()
    local ok <const>, net <const>, tasks <const> = opened [[
return function(tasks, o)
  local _ = o.width
  local net = mtl.columns(tasks, nn.backbone("tcdcn", {width = o.width}), {columns = "shared"})
  net:heads(function(task, c) return nn.Linear(c, task.size) end)
  net.tasks = {names = {}, loss = function() return 0 end}
  return net
end]]
    assert(ok, net)
    assert.same({"a"}, tasks.names)
    assert.matches("^mtl.tasks: a = mtl.classes", tostring(tasks))
  end)
end)
