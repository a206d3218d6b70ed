--- The functions that the prompt adds to Lua, such as help, source, who, time, reload and log.

local braid <const> = require "braid"
local commands <const> = require "braid.repl.commands"
local sessions <const> = require "spec.support.sessions"
local shell <const> = require "spec.support.shell"

-- A session, and a function that runs entries, which must not fail, and returns all that they
-- print.
local function new_session()
  local session <const>, run <const>, add <const> = sessions()
  return session, function(...)
    local show <const>, fine = print, true
    local ran <const> = session.run
    function session.run(...)
      local ok <const> = ran(...)
      fine = fine and ok
      return ok
    end
    _G.print = function(text) add(text .. "\n") end
    local out <const> = run(...)
    _G.print, session.run = show, nil
    assert.is_true(fine)
    return out
  end
end

describe("each function of the prompt", function()
  it("has one line of help, which begins with its call", function()
    for _, name in ipairs(commands.names()) do
      assert.truthy(commands.said(name):find("^" .. name .. "%(.-%)[:,] .+%.$"), name)
    end
  end)

  it("is listed by help", function()
    local _, run <const> = new_session()
    local said <const> = run("help()")
    for _, name in ipairs(commands.names()) do
      assert.truthy(said:find("  " .. name .. "(", 1, true), name)
    end
  end)

  it("raises an error that begins with its name where it is called wrongly", function()
    for _, entry in ipairs{"time()", "time(3)", "profile()", "reload 'no.such'",
      "reload 'braid.nn'", "resume()", "stop()",
      "up()", "down()", "show()", "log '/no/such/path'", "ls '/no/such'", "cd '/no/such'",
      "help '?'", "edit(3)", "source(3)", "source 'no.such'"} do
      local session <const> = new_session()
      local said
      session.complain = function(text) said = text end
      assert.is_false(session:run(entry))
      local name <const> = entry:match("^%a+")
      assert.equal(("entry 1:1: %s: "):format(name), said:sub(1, #name + 13), said)
    end
  end)
end)

describe("help", function()
  it("explains a name's value, lists names that contain it, and suggests similar names", function()
    local _, run <const> = new_session()
    run("x = braid.zeros(2)")
    local CASES <const> = {["x:reshape"] = "^x:reshape%(shape%)\nx in another shape",
      ["conv2d"] = "^braid%.F%.conv2d%(x, weight", ["Conv2d"] = "\noptions:\n  bias: true or false",
      ["landmark"] = "^  data%.landmark_bins ", ["covn2d"] = "did you mean Conv2d",
      ["nn"] = "^nn\n  AbsTanh +AbsTanh: |tanh%(x%)|", ["show"] = "^show%(x%): ",
      ["string.rep"] = "^string%.rep\n%(in C%)\n$",
      ["crop"] = "^braid%.data%.crop%({options}%)\nCrops",
      ["x:wing"] = "^x:wing%(target, {options}%)\n"}
    for name, pattern in pairs(CASES) do
      assert.truthy(run(("help %q"):format(name)):find(pattern), name)
    end
    assert.truthy(run("help(optim.Adam)"):find("amsgrad", 1, true))
  end)
end)

describe("source", function()
  it("shows the code of entries, files and the library, and where C functions are", function()
    local _, run <const> = new_session()
    run("-- doubles\nfunction twice(x)\n  return 2 * x\nend")
    local CASES <const> = {
      ["twice"] = "^%-%- doubles\nfunction twice%(x%)\n  return 2 %* x\nend\n%(entry 1:2%)\n$",
      ["load 'return 1'"] = '^return 1\n%(%[string "return 1"%]%)\n$',
      ["nn.Identity"] = "^%-%-%- Identity.*\nreturn Identity\n%(braid/nn/identity%.lua%)\n$",
      ["'mtl.ttc'"] = "^%-%-%- .*Mixer%.define.*%(braid/mtl/mixers/ttc%.lua%)\n$",
      ["optim.cosine"] = "^return function%(total.*\nend\n%(braid/optim/cosine%.lua:%d+%)\n$",
      ["string.rep"] = "^%(in C%)\n$", ["F.conv2d"] = 'the row "conv2d" in csrc/op%)\n$',
      ["'glu'"] = "^return check%.public%(.*%(braid/functional/glu%.lua:%d+%)\n$",
    }
    for call, pattern in pairs(CASES) do
      local said <const> = run(("source(%s)"):format(call))
      assert.truthy(said:find(pattern), call .. "\n" .. said)
    end
  end)
end)

describe("who", function()
  it("lists the user's variables, the largest tensors first", function()
    local _, run <const> = new_session()
    run("b = 1", "a = braid.zeros(10)", "c = braid.zeros(1000)", "s = ('x'):rep(100)")
    local names <const> = {}
    for name in run("who()"):gmatch("(%w+)[^\n]*\n") do names[#names + 1] = name end
    assert.same({"c", "a", "b", "s", "sum"}, names)
  end)

  it("tells the memory that variables hold, and counts shared memory once", function()
    local _, run <const> = new_session()
    run("x = braid.zeros(256, 1024)", "wide = x:reshape(1, 256, 1024):expand(1000, 256, 1024)",
      "part = x[{1, {1, 10}}]", "net = nn.Linear(1024, 256)", "list = {{x}, x, [x] = 1}",
      "list.own = list", "other = setmetatable({}, {__index = error, __pairs = error})")
    local said <const>, held <const> = run("who()"), {}
    for name, size in said:gmatch("(%w+) +([%d.]+) kB") do held[name] = tonumber(size) end
    for _, name in ipairs{"x", "wide", "part", "list"} do
      assert.near(1024, held[name], 32, said)
    end
    assert.near(1025, held.net, 32)
    assert.near(2049, held.sum, 64)
    assert.is_nil(held.other)
  end)
end)

describe("time", function()
  it("tells the median and the memory of one run", function()
    local _, run <const> = new_session()
    local said <const> = run("time(function() return braid.zeros(1024, 1024) end)")
    assert.truthy(said:find("^[%d.]+ %a+ %([%d.]+ %a+ to [%d.]+ %a+ in the middle half%) "
      .. "over %d+ runs; tensors took 4 MB\n$"), said)
  end)
end)

describe("reload", function()
  it("fills a module's table from its changed file, and keeps it if the file is wrong", function()
    shell.in_directory(function(dir)
      local path <const> = package.path
      package.path = dir .. "/?.lua;" .. path
      local function write(text) shell.write(dir .. "/reloaded.lua", text) end
      write("return {a = 1, old = true}")
      local session <const>, run <const> = new_session()
      run("m = require 'reloaded'")
      write("return {a = 2}")
      assert.equal("2  nil\n", run("reload 'reloaded';", "m.a, m.old"))
      write("return }")
      session.complain = function() end
      assert.is_false(session:run("reload 'reloaded'"))
      assert.equal("2\n", run("require('reloaded').a"))
      package.path, package.loaded.reloaded = path, nil
    end)
  end)
end)

describe("a class that is loaded again", function()
  local OLD <const> = [[
local class = require "braid.class"
local nn = require "braid".nn
local Net = class("Net", nn.Module)
function Net:init() nn.Module.init(self) self.fc = nn.Linear(2, 1) self.seen = 0 end
function Net:forward(x) self.seen = self.seen + 1 return self.fc(x) end
function Net:old() return 1 end
return {Net = Net, sub = class("Sub", Net)}]]

  it("gives its objects the new methods, and they keep their state", function()
    shell.in_directory(function(dir)
      local path <const> = package.path
      package.path = dir .. "/?.lua;" .. path
      local function write(text) shell.write(dir .. "/renewed.lua", text) end
      write(OLD)
      local _, run <const> = new_session()
      run("class = require 'braid.class'", "m = require 'renewed'", "net, sub = m.Net(), m.sub()",
        "y = net(braid.ones(1, 2))", "sub(braid.ones(1, 2))", "autoreload(true)")
      assert.equal("", run("net.seen;"))
      write((OLD:gsub("seen %+ 1", "seen + 10"):gsub("return 1 end", "return Net end")))
      assert.equal("reloaded renewed\n11\ntrue\n11\ntrue\n", run("z = net(braid.ones(1, 2))",
        "net.seen", "z:eq(y):item()", "w = sub(braid.ones(1, 2))", "sub.seen",
        "m.Net == getmetatable(net) and class.is_a(sub, net:old())"))
      write("return }")
      assert.truthy(run("1;"):find("^renewed stays as it was: "))
      assert.equal("", run("2;"))
      run("autoreload(false)")
      write(OLD)
      assert.equal("", run("3;"))
      package.path, package.loaded.renewed = path, nil
    end)
  end)
end)

describe("log", function()
  it("writes a script that does what was entered", function()
    shell.in_directory(function(dir)
      local session <const>, run <const> = new_session()
      session.complain = function() end
      run("x = 2", "who()")
      session:run("x.y.z = 1")
      run(("log '%s/s.lua'"):format(dir), "local y = x + 1", "= y;", "time(function() end)",
        "for i = 1, 2 do\n  y = y + i\nend", "y", "log()", "y = 100")
      local r <const> = shell.run(("LUA_PATH='lua/?.lua;lua/?/init.lua' LUA_CPATH=%s/lib/?.so "
        .. "%s %s/s.lua"):format(shell.build, shell.lua, dir))
      assert.same({"3\n6\n", ""}, {r.out, r.err})
      local said
      session.complain = function(text) said = text end
      assert.is_false(session:run(("log '%s/s.lua'"):format(dir)))
      assert.truthy(said:find("already exists", 1, true))
    end)
  end)
end)

describe("show", function()
  it("prints a line with the shape where there is no terminal", function()
    local _, run <const> = new_session()
    assert.equal("picture {3, 4, 5} float32\n", run("show(braid.zeros(3, 4, 5))"))
    assert.equal("picture {1, 4, 5} uint8\n{smile = 2}\n",
      run("show{image = braid.zeros({1, 4, 5}, {dtype = 'uint8'}), smile = 2}"))
    assert.equal("{1, 2}\n", run("show{1, 2}"))
    assert.is_table(braid.nn)
  end)
end)
