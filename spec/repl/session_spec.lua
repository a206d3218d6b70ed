--- Entries at the prompt: what they print, which of their locals stay, and their errors. Also the
-- command `braid` without a terminal.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local lasting <const> = require "braid.repl.lasting"
local printing <const> = require "braid.repl.printing"
local new_session <const> = require "spec.support.sessions"
local shell <const> = require "spec.support.shell"
local tokens <const> = require "braid.repl.tokens"

-- Runs an entry that must fail. Returns what it writes to the standard error.
local function failing(session, entry)
  local complain <const>, said <const> = session.complain, {}
  session.complain = function(text) said[#said + 1] = text end
  local fine <const> = session:run(entry)
  session.complain = complain
  assert.is_false(fine)
  return table.concat(said)
end

describe("tokens", function()
  it("cover any text but its blanks, in order", function()
    local pieces <const> = {"local", " x", "=", "[[", "]]", "[==[", "]==]", "'", '"', "\\", "--",
      "\n", "0x", "1e", ".5", "..", "...", "function", "end", "{", "}", "(", ")", "\xff", "é", "::"}
    math.randomseed(7)
    for _ = 1, 3000 do
      local words <const> = {}
      for i = 1, math.random(12) do words[i] = pieces[math.random(#pieces)] end
      local text <const> = table.concat(words)
      local at = 1
      for _, token in ipairs(tokens(text)) do
        assert.is_nil(text:sub(at, token.from - 1):find("%S"), text)
        assert.equal(text:sub(token.from, token.to), token.text)
        assert.is_true(token.to >= token.from, text)
        at = token.to + 1
      end
      assert.is_nil(text:sub(at):find("%S"), text)
    end
  end)
end)

describe("outermost locals", function()
  local CASES <const> = {
    {"local x = 1", "      x = 1"},
    {"local x", "      x = nil"},
    {"local x <const>, y = f()", "      x        , y = f()"},
    {"local _ <close> = f() local z = 1", "local _ <close> = f()       z = 1"},
    {"local function f() local y = 2 end", "      function f() local y = 2 end"},
    {"do local x = 1 end local y = 2", "do local x = 1 end       y = 2"},
    {"if a then local x elseif b then local y else local z end local w = 1",
      "if a then local x elseif b then local y else local z end       w = 1"},
    {"repeat local x until x local y = 1", "repeat local x until x       y = 1"},
    {"while a do local x end local y = 1", "while a do local x end       y = 1"},
    {"t = {function() local x end} local u = 1", "t = {function() local x end}       u = 1"},
    {"s = 'local x = 1' -- local y", "s = 'local x = 1' -- local y"},
  }

  it("become variables of the session, and other code stays as it is", function()
    for _, case in ipairs(CASES) do assert.equal(case[2], lasting(case[1])) end
  end)

  it("are seen by later entries and functions", function()
    local _, run <const> = new_session()
    assert.equal("3\n", run("local n <const> = 1", "local function add(k) n = n + k end", "add(2)",
      "n"))
  end)

  it("do not hide Lua's functions from the library", function()
    local _, run <const> = new_session()
    assert.equal("tensor {2} int64\n[1, 2]\n", run("local type, table, pairs = 1, 2, 3",
      "braid.arange(1, 2)"))
    assert.equal("function", type(type))
  end)
end)

describe("an entry", function()
  it("prints the value of an expression, and nothing for an assignment", function()
    local _, run <const> = new_session()
    assert.equal("2\n", run("1 + 1"))
    assert.equal("2\n", run("= 1 + 1"))
    assert.equal("1  nil  \"a\"\n", run("1, nil, 'a'"))
    assert.equal("", run("x = 5"))
    assert.equal("", run("1 + 1;"))
    assert.equal("", run("x; -- quietly"))
    assert.equal("", run("(function() end)()"))
    assert.equal("6\n", run("y = 6\ny"))
    assert.equal("7\n", run("for i = 1, 2 do end; 7"))
  end)

  it("prints the value of a call on its last line, or after its last semicolon", function()
    local _, run <const> = new_session()
    run("function double(v) return 2 * v end function nothing() end")
    assert.equal("8\n", run("local v = 4\ndouble(v)"))
    assert.equal("8\n", run("v = 4; double(v)"))
    assert.equal("10\n", run("v = 5\ndouble(\n  v\n)"))
    assert.equal("", run("v = 4\ndouble(v);"))
    assert.equal("", run("v = 4\nnothing()"))
    assert.equal("", run("v = 4 double(v)"))
    assert.equal("", run("double(3)\nv = 7"))
    assert.equal("", run("for i = 1, 2 do\n  double(i)\nend"))
    assert.equal("12\n", run("w = double\n(6)\nw"))
    assert.equal("", run(("v = v + 1\n"):rep(3000)))
  end)

  it("has the results of earlier entries as _, _1, _2 and _3", function()
    local _, run <const> = new_session()
    assert.equal("10\n20\n30\n", run("10", "20", "_ + _2;", "_"))
    assert.equal("true\n", run("_1 == _ and _3 == 20"))
  end)

  it("#slow keeps no tensors, and little memory, after thousands of entries", function()
    local session <const>, run <const> = new_session()
    local function enter(from, to)
      for i = from, to do
        session:run(("local t = braid.zeros(10) t[1] = %d"):format(i))
        session:run("t:sum();")
      end
      run("1;", "2;")
      collectgarbage()
      collectgarbage()
      return collectgarbage("count"), core.memory().live
    end
    enter(1, 1000)
    local kept <const>, live <const> = enter(1001, 2000)
    local kept_later <const>, live_later <const> = enter(2001, 5000)
    assert.equal(live, live_later)
    assert.is_true(kept_later - kept < 600) -- kB: the texts of 6,000 entries, for log()
  end)

  it("continues in the next line while it is incomplete", function()
    local session <const> = new_session()
    for _, text in ipairs{"for i = 1, 2 do", "f(", "x = {", "if a then b()", "x =", "a.b.",
      "[[long", "--[[ long", "function f()", "local x =\n"} do
      assert.is_true(session:is_incomplete(text), text)
    end
    for _, text in ipairs{"x", "x = 1", "x = )", "'open", "end", "f()", "1 +* 2", "y = 1\ny"} do
      assert.is_false(session:is_incomplete(text), text)
    end
  end)
end)

describe("an error", function()
  it("shows the line, and marks the wrong place in it", function()
    local session <const> = new_session()
    assert.equal("entry 1:1: attempt to index a nil value (global 'nothing')\n"
      .. "  x = nothing.at\n      ^\n", failing(session, "x = nothing.at"))
    assert.equal("entry 2:2: unexpected symbol near ')'\n  y = (3 +)\n          ^\n",
      failing(session, "x = 1\ny = (3 +)"))
    local said <const> = failing(session, "y = F.conv2d(braid.zeros(2, 3), braid.zeros(2))")
    assert.truthy(said:find("^entry 3:1: conv2d: [^\n]*\n  y = F.conv2d"), said)
  end)

  it("lists the user's calls, and keeps its value in _err", function()
    local session <const>, run <const> = new_session()
    run("function f() error({code = 7}) end", "function g() f() return 1 end")
    assert.equal("  entry 1:1, in f\n  entry 2:1, in g\n  entry 3:1\n",
      (failing(session, "g() x = 1"):gsub("^[^\n]*\n", "")))
    assert.equal("7\n", run("_err.code"))
  end)

  it("lets its calls and their variables be inspected after debug()", function()
    local session <const>, run <const> = new_session()
    local show <const> = print
    local said <const> = {}
    _G.print = function(text) said[#said + 1] = text end
    run("outside = 3", "function f(a) local b = a * 2 error('no') end",
      "function g(t) f(t.n) return 1 end")
    failing(session, "g({n = 4}) x = 1")
    run("debug()")
    assert.same({"call 1 of 3: entry 2:1, in f", "  a = 4", "  b = 8"}, said)
    assert.equal("15\n", run("a + b + outside"))
    assert.equal("5\n", run("b = 5", "b"))
    run("up()")
    assert.equal("4\n", run("t.n"))
    assert.equal("nil\n", run("b"))
    run("down()", "debug(false)")
    assert.equal("nil\n", run("b"))
    assert.equal("function\n", (run("type(debug.traceback)"):gsub('"', "")))
    assert.truthy(failing(session, "up()"):find("up: works only after debug()", 1, true))
    _G.print = show
  end)

  it("is no longer inspected after continue()", function()
    local session <const>, run <const> = new_session()
    local show <const> = print
    _G.print = function() end
    failing(session, "local t = {} t.a.b = 1")
    run("debug()")
    assert.is_table(session.frame)
    run("continue()")
    assert.is_false(session.frame)
    assert.truthy(failing(session, "continue()"):find("continue: only after debug()", 1, true))
    _G.print = show
  end)

  it("lists a recursion once, with the number of its calls", function()
    local session <const> = new_session()
    local said <const> = failing(session, "local function f(n) return f() + 1 end f()")
    assert.truthy(said:find("\n  entry 1:1, in f, %d+ times\n"), said)
  end)

  it("of any kind ends only its entry", function()
    local session <const>, run <const> = new_session()
    for _, entry in ipairs{"error()", "error(setmetatable({}, {__tostring = error}))",
      "local function f() return f() + 1 end f()", "coroutine.yield()",
      "local x <close> = setmetatable({}, {__close = error})",
      "error(setmetatable({}, {__tostring = function() while true do end end}))",
      "error(setmetatable({}, {__tostring = coroutine.yield}))", "error({code = 3})"} do
      failing(session, entry)
      assert.equal("2\n", run("1 + 1"), entry)
    end
  end)
end)

describe("debug() in running code", function()
  -- Runs the code. Where it calls debug(), the next entries are run.
  local function held(code, ...)
    local session <const>, run <const> = new_session()
    local entries <const>, show <const>, said <const> = {...}, print, {}
    _G.print = function(text) said[#said + 1] = text end
    function session.hold()
      session.held = session.held + 1
      local depth <const> = session.held
      while session.held == depth and #entries > 0 do session:run(table.remove(entries, 1)) end
    end
    local out <const> = run(code)
    _G.print = show
    return out, table.concat(said, "\n"), session
  end

  it("shows the local variables, and gives them the values that entries assign", function()
    local code <const> = [[local times = 1
      local function f(a) local b = a * 2 debug() times = times + 1 return a + b end
      local function g(c) local d = c d = d + f(c) return d + c end
      y = g(3)
      return y, times]]
    local out <const>, said <const>, session <const> = held(code, "b", "b = 100", "up()",
      "d = 50; new = 6", "continue()")
    assert.equal("6\n156  2\n", out)
    assert.truthy(said:find("^call 1 of 3: entry 1:2, in .-\n", 1), said)
    assert.truthy(said:find("\n  a = 3\n  b = 6\ncall 2 of 3: ", 1, true), said)
    assert.equal(6, session.env.new)
    assert.is_false(session.frame)
  end)

  it("stops also inside a stopped entry, and again in each turn of a loop", function()
    local out <const> = held(
      "for i = 1, 2 do local f = function() local j = i debug() n = j end f() end",
      "function inner(k) debug() return k end", "inner(7)", "k = 8", "continue()", "j = 5",
      "continue()", "j + 0", "continue()")
    assert.equal("8\n2\n", out)
  end)
end)

describe("the printing of results", function()
  it("goes on after a __tostring of the user's that fails, yields or does not end", function()
    local _, run <const> = new_session()
    local CASES <const> = {
      ["function() error('mine') end"] = "^{a = 1} %(its __tostring: entry %d+:1: mine%)\n$",
      ["function() error({}) end"] = "^{a = 1} %(its __tostring: it fails%)\n$",
      ["coroutine.yield"] = "^{a = 1} %(its __tostring: attempt to yield",
      ["function() return {} end"] = "^{a = 1} %(its __tostring: .*must return a string%)\n$",
      ["function() while true do end end"] = "^{a = 1} %(its __tostring: it takes more than 1 s%)",
    }
    for f, pattern in pairs(CASES) do
      local said <const> = run(("setmetatable({a = 1}, {__tostring = %s})"):format(f))
      assert.truthy(said:find(pattern), f .. "\n" .. said)
    end
    local quiet <const> = "function() error('mine') end"
    assert.equal("{1, 2}\n", run(("setmetatable({1, 2}, {__index = %s, __pairs = %s, __len = %s})")
      :format(quiet, quiet, quiet)))
  end)

  it("breaks the text of Braid's objects into lines of at most 60 characters", function()
    local _, run <const> = new_session()
    for _, entry in ipairs{"mtl.tasks{pose = mtl.classes{5}, smile = mtl.classes{2, weight = 0.5}}",
      "optim.Adam({braid.ones(2):requires_grad_()})", "mtl.landmarks{points = 5}",
      "nn.Sequential{nn.Conv2d(3, 8, {kernel = 3, padding = 1, stride = 2, groups = 1})}",
      "optim.SGD({{params = {braid.ones(2):requires_grad_()}}})"} do
      local said <const> = run(entry)
      for line in said:gmatch("[^\n]+") do assert.is_true(#line <= 60, entry .. "\n" .. said) end
    end
    assert.truthy(run("optim.Adam({braid.ones(2):requires_grad_()})"):find("1 parameter,", 1, true))
  end)

  it("aligns rows of numbers and words", function()
    for text, value in pairs{
      ['{\n  { 1, "a",   5},\n  {10, "bc", -5}\n}'] = {{1, "a", 5}, {10, "bc", -5}},
      ['{\n  {"a, b", 1},\n  {"é",    2}\n}'] = {{"a, b", 1}, {"é", 2}},
      ['{\n  {1, "a\\"b"},\n  {20, "c"}\n}'] = {{1, 'a"b'}, {20, "c"}}, -- not aligned
      ['{\n  {1, 2},\n  {30},\n  {4}\n}'] = {{1, 2}, {30}, {4}},
    } do
      assert.equal(text, printing.text(value, 18))
    end
  end)

  it("aligns rows of numbers, and puts many names of a module on a line", function()
    local _, run <const> = new_session()
    local rows <const> = run("t = {} for i = 1, 9 do t[i] = {i, 10 ^ i, -1 / i} end; t")
    for line in rows:gmatch("\n  ({[^\n]*})") do
      assert.equal(#rows:match("\n  ({[^\n]*})"), #line, rows)
    end
    assert.truthy(rows:find("\n  {1,         10.0,", 1, true), rows)
    for line in run("braid.nn"):gmatch("[^\n]+") do assert.is_true(#line <= 60) end
  end)

  it("shows the parameters of a function", function()
    local _, run <const> = new_session()
    assert.equal("function (a, b, ...) (entry 1:1)\n", run("function(a, b, ...) end"))
    assert.equal("function braid.F.conv2d (in C)\n", run("F.conv2d"))
  end)

  it("writes values as Lua source", function()
    for text, value in pairs{["1"] = 1, ["1.0"] = 1.0, ["1e+300"] = 1e300, inf = math.huge} do
      assert.equal(text, printing.text(value))
    end
    assert.equal("-0.0", printing.text(-0.0))
    assert.equal("nan", printing.text(0 / 0))
    assert.equal([["a\n\"\\\x01"]], printing.text('a\n"\\\1'))
    assert.equal([["\xff"]], printing.text("\xff"))
    assert.equal('"é"', printing.text("é"))
    assert.equal([[{1, "b", ["c d"] = {}, ["end"] = 4, x = true}]],
      printing.text{1, "b", x = true, ["end"] = 4, ["c d"] = {}})
  end)

  it("breaks a table into lines that fit the width", function()
    assert.equal('{\n  a = "xxxxxxxxxxxxxxxxx",\n  b = "yyyyyyyyyyyyyyyyy"\n}',
      printing.text({a = ("x"):rep(17), b = ("y"):rep(17)}, 30))
  end)

  it("names cycles, and cuts tables and strings that are deep or long", function()
    local t <const> = {}
    t.t = t
    assert.equal("{t = <itself>}", printing.text(t))
    local deep = {}
    for _ = 1, 1000 do deep = {deep} end
    assert.equal("{{{{{... 1}}}}}", printing.text(deep))
    local function bushy(levels)
      local branches <const> = {}
      for i = 1, levels > 0 and 40 or 0 do branches[i] = bushy(levels - 1) end
      return branches
    end
    assert.is_true(#printing.text(bushy(3)) < 20000)
    local long <const> = {}
    for i = 1, 1e5 do long[i] = i end
    assert.is_true(#printing.text(long) < 400)
    assert.is_true(#printing.text(("x"):rep(1e7)) < 2100)
  end)

  it("calls no metamethod of a table but __tostring", function()
    local t <const> = setmetatable({a = 1}, {__index = error, __pairs = error, __len = error})
    assert.equal("{a = 1}", printing.text(t))
  end)

  it("shows an object inside a table in one line", function()
    assert.equal("{n = Sequential() ..., t = tensor {2, 3} float32}",
      printing.text{n = braid.nn.Sequential{braid.nn.ReLU()}, t = braid.zeros(2, 3)})
    assert.equal("{tensor {} float32 2.0}", printing.text{braid.tensor(2)})
  end)

  it("reads no more of a tensor than it shows", function()
    local begun <const> = os.clock()
    assert.equal("tensor {1000000000} float32\n[0., 0., 0., ..., 0., 0., 0.]",
      printing.text(braid.zeros(1):expand(1000000000)))
    assert.is_true(os.clock() - begun < 1)
  end)

  it("shows where a function was defined", function()
    assert.truthy(printing.text(printing.text):find("^function .*repl/printing%.lua:%d+%)$"))
    assert.equal("function print (in C)", printing.text(print))
  end)
end)

describe("the command braid", function()
  local function command(arguments, input)
    return shell.run(("printf %%s %s | %s %s/braid %s"):format(shell.quote(input or ""),
      shell.sanitized and shell.lua or "", shell.build, arguments))
  end

  it("#slow runs code, modules and standard input", function()
    local CASES <const> = {
      {"-e '1 + 1'", "", "2\n"}, {"-e 'print(...)' a b", "", "a\tb\n"},
      {"-e 'print(arg[1])' a", "", "a\n"}, {"", "1 + 1", "2\n"},
      {"", "local x = 1\n  + 1\nprint(x)", "2\n"}, {"- a", "print(...)", "a\n"},
      {"-", "#!/usr/bin/braid\nprint(1)", "1\n"},
      {"", "local x = 2\nx\nx * 2;\nprint(x)", "2\n2\n"},
      {"", "print(1)", "1\n"}, {"", "", ""}, {"-i -e 'local x = 3'", "x\n", "3\n"},
    }
    for _, case in ipairs(CASES) do
      local r <const> = command(case[1], case[2])
      local out <const> = r.out:gsub("Braid [^\n]*\n", ""):gsub("> ", "")
      assert.same({0, case[3], ""}, {r.status, out, r.err}, table.concat(case, "|"))
    end
    shell.in_directory(function(path)
      shell.write(path .. "/mine.lua", "print('mine', ...)")
      local r <const> = shell.run(("b=$(realpath %s/braid); cd %s && $b -m mine 7"):format(
        shell.build, path))
      assert.equal("mine\t7\n", r.out)
    end)
  end)

  it("answers questions from a pipe or -e, while a file is Lua and nothing else", function()
    for _, case in ipairs{{"", "nn.Linear?"}, {"-e '?nn.Linear'", ""},
      {"", "x = 1\nnn.Linear(2, 3)?\ny = 2\n"}} do
      local r <const> = command(case[1], case[2])
      assert.same({0, ""}, {r.status, r.err})
      assert.matches("^nn%.Linear%(inputs, outputs", r.out:gsub("^braid%.", ""))
    end
    assert.equal(1, command("", "x = 1 ? 2").status)
    assert.equal("", command("", "print(1)\nx = = 1\nnn.Linear?").out)
    shell.in_directory(function(path)
      shell.write(path .. "/asks.lua", "nn.Linear?\n")
      for _, before in ipairs{"", "-i "} do
        assert.matches("asks.lua:1: syntax error", command(before .. path .. "/asks.lua").err)
      end
    end)
  end)

  it("#slow ends with status 1 after an error, and with 2 for a wrong option", function()
    for _, case in ipairs{{"-e 'error(1)'", "", 1}, {"", "x.y.z", 1}, {"", "x = = 1", 1},
      {"", "y\nx.y.z\nprint(1)", 1}, {"-m no.such", "", 1}, {"/no/such.lua", "", 1},
      {"-i", "x.y\n", 0}, {"", "x = 1\nquit(7)\nx.y.z()", 7}, {"-i", "quit(3)\n", 3},
      {"--bad", "", 2}, {"-e", "", 2}} do
      local r <const> = command(case[1], case[2])
      assert.equal(case[3], r.status, case[1] .. case[2])
      assert.is_true(case[3] == 0 or case[3] > 2 or #r.err > 0)
      assert.is_nil(r.err:find("stack traceback", 1, true))
      assert.is_nil(r.out:find("\27", 1, true))
    end
  end)
end)

describe("Ctrl-C", function()
  local LOOP <const> = "while true do end"
  local CODE <const> = {[LOOP] = 1, ["while true do pcall(function() " .. LOOP .. " end) end"] = 2,
    ["for _ in coroutine.wrap(function() " .. LOOP .. " end) do end"] = 1,
    ["assert(coroutine.resume(coroutine.create(function() " .. LOOP .. " end)))"] = 1,
    ["local x = braid.zeros(9, 9) while true do x = x:matmul(x) end"] = 1}

  it("#slow interrupts any code, at the second time also code in a pcall", function()
    require "braid.repl.interrupts"
    local session <const>, run <const> = new_session()
    for code, times in pairs(CODE) do
      os.execute(("(for i in $(seq %d); do sleep 0.2; kill -INT %d; done) 2>/dev/null &")
        :format(times, core.process_id()))
      assert.truthy(failing(session, code):find("interrupted!", 1, true), code)
      assert.equal("2\n", run("1 + 1"))
    end
  end)

  it("#slow leaves no step of an optimizer half done", function()
    local interrupts <const> = require "braid.repl.interrupts"
    for module, methods in pairs(interrupts.WHOLE) do
      for _, name in ipairs(methods) do
        assert.is_function(require(module)[name], module .. "." .. name)
      end
    end
    local session <const>, run <const> = new_session()
    run("net = nn.Sequential{nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)}",
      "net(braid.randn(3, 4)):sum():backward()", "opt = optim.Adam(net:parameters(), {lr = 1e-3})")
    local env <const> = session.env
    for _ = 1, 10 do
      os.execute(("(sleep 0.0%d; kill -INT %d) &"):format(math.random(9), core.process_id()))
      failing(session, "while true do opt:step() end")
      for _, p in ipairs(env.net:parameters()) do
        assert.equal(env.opt.steps, env.opt.state[p].step)
      end
    end
  end)

  it("interrupts a function of core.never_interrupt only at the second time", function()
    local session <const> = new_session()
    function session.env.endless() while true do end end
    core.never_interrupt(session.env.endless)
    os.execute(("(for i in 1 2; do sleep 0.1; kill -INT %d; done) &"):format(core.process_id()))
    assert.truthy(failing(session, "endless() x = 1"):find("interrupted!", 1, true))
  end)

  it("waits for the end of a function of core.never_interrupt", function()
    local session <const> = new_session()
    local env <const> = session.env
    env.a, env.b = 0, 0
    function env.both()
      env.a = env.a + 1
      for _ = 1, 1000 do end
      env.b = env.b + 1
    end
    core.never_interrupt(env.both)
    for _ = 1, 10 do
      os.execute(("(sleep 0.02; kill -INT %d) &"):format(core.process_id()))
      failing(session, "while true do both() end")
      assert.equal(env.a, env.b)
    end
  end)
end)
