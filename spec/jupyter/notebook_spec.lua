--- The process of a notebook (braid -m braid.jupyter.kernel): it runs cells, shows results, and
-- answers questions about code.

local notebooks <const> = require "spec.support.notebooks"
local shell <const> = require "spec.support.shell"

-- The messages of a kind, in order.
local function of_kind(messages, op)
  local list <const> = {}
  for _, m in ipairs(messages) do
    if m.op == op then list[#list + 1] = m end
  end
  return list
end

-- What a cell shows, as its result or by `show`: data by MIME type.
local function shown(cell)
  if shell.sanitized then pending("a core with sanitizers needs its own Lua") end
  local messages <const> = notebooks{cell}
  local list <const> = of_kind(messages, "result")
  table.move(of_kind(messages, "display"), 1, 10, #list + 1, list)
  assert.equal(1, #list, cell)
  return list[1].data
end

describe("a notebook's cells", function()
  if shell.sanitized then return end

  it("run like lines at the prompt: they show results and keep local variables", function()
    local messages <const>, ran <const> = notebooks{"local x = 6", "x * 7", "print(x) x = 7", "x;",
      "x = x + 1\nx, 'two'", "_1"}
    local results <const> = of_kind(messages, "result")
    assert.same({"42", "8  \"two\"", "8"}, {results[1].data["text/plain"],
      results[2].data["text/plain"], results[3].data["text/plain"]})
    assert.equal(3, #results)
    assert.same({"6\n", "", 0}, {ran.out, ran.err, ran.status})
    assert.equal(6, #of_kind(messages, "done"))
  end)

  it("report errors with the user's line and the number of the cell", function()
    local done <const> = of_kind(notebooks{"a = 1",
      "local function f()\n  error 'no good'\nend\nf()", "x = = 1"}, "done")
    assert.is_nil(done[1].failed)
    assert.same({name = "Error", value = "cell 2:2: no good", lines = {"cell 2:2: no good",
      "    error 'no good'", "    ^", "  cell 2:2, in f", "  cell 2:4"}}, done[2].failed)
    assert.equal("cell 3:1: unexpected symbol near '='", done[3].failed.value)
  end)

  it("are answered whatever they print, even if they close or remove io.stdout", function()
    local messages <const>, ran <const> = notebooks{
      [[io.write('{"op":"done","id":1}\n') io.stderr:write('{"op":"done","id":1}\n')]],
      "os.execute 'echo from a program; echo more >&2'", "io.stdout:close() print 'lost'",
      "io.stdout, io.stderr = nil, nil"}
    assert.equal(4, #of_kind(messages, "done"))
    assert.matches("from a program", ran.out, 1, true)
    assert.matches("more", ran.err, 1, true)
    local inherited <const> = notebooks{"for _ in io.popen 'ls /proc/self/fd':lines() do end",
      "io.popen('ls -l /proc/self/fd | grep -c pipe.*out'):read 'a'"}
    assert.equal("\"0\\n\"", of_kind(inherited, "result")[1].data["text/plain"])
  end)

  it("end the process by quit and by os.exit", function()
    local messages <const>, ran <const> = notebooks{"quit", "1"}
    assert.same({true, 0, 0}, {of_kind(messages, "done")[1].over, ran.status,
      #of_kind(messages, "result")})
    assert.equal(3, select(2, notebooks{"os.exit(3)"}).status)
  end)

  it("run the user's start file first", function()
    local before <const> = "mkdir braid && echo 'from_start = 5 error \"and on\"' >braid/init.lua"
    local messages <const>, ran <const> = notebooks({"from_start"}, before)
    assert.equal("5", of_kind(messages, "result")[1].data["text/plain"])
    assert.matches("and on", ran.err, 1, true)
  end)

  it("give the help on name? as a page, and print that of help(name)", function()
    local done <const> = of_kind(notebooks{"conv2d?", "?nn.Linear", "help(conv2d)"}, "done")
    assert.matches("^braid%.F%.conv2d%(", done[1].page)
    assert.matches("nn.Linear", done[2].page, 1, true)
    assert.is_nil(done[3].page)
  end)

  it("clear their output with clear_output, and draw a progress bar in one place", function()
    local messages <const> = notebooks{"clear_output() clear_output(true)", [[
      local bar = train.progress(3)
      bar.advance(bar, "a", 1) bar.drawn = -1 bar:advance("<b>", 1) bar:print "a line"
      bar:advance("c", 1)]]}
    assert.same({false, true}, {of_kind(messages, "clear")[1].wait,
      of_kind(messages, "clear")[2].wait})
    local bars <const> = of_kind(messages, "display")
    assert.equal(3, #bars)
    assert.same({false, true, true}, {bars[1].update, bars[2].update, bars[3].update})
    assert.equal(bars[1].display, bars[3].display)
    assert.matches('value="1000".*c 100%%', bars[3].data["text/html"])
    assert.matches("&lt;b&gt;  66%", bars[2].data["text/html"], 1, true)
  end)

  it("pause train.fit on an interrupt, show its step, and resume it in a later cell", function()
    local run <const> = [[
      tasks = mtl.tasks{glasses = mtl.classes{2}}
      faces = data.faces{n = 32, size = 40}.train
      net = braid.model("models/hard_sharing.lua", {tasks = tasks})
      seen = 0
      h = train.fit{net = net, tasks = tasks, train = faces, epochs = 2, batch = 8,
        on = {step = function()
          seen = seen + 1
          if seen == 2 then io.popen("kill -INT " .. pid):close() end
        end}}
      seen]]
    local messages <const>, ran <const> = notebooks{
      "pid = io.open '/proc/self/stat':read 'n'", run, "fit.at.step", "resume()", "fit"}
    local results <const>, done <const> = of_kind(messages, "result"), of_kind(messages, "done")
    assert.same({"2", "8", "nil"}, {results[1].data["text/plain"],
      results[2].data["text/plain"], results[3].data["text/plain"]})
    assert.same({1, 2, 3, 4, 5}, {done[1].id, done[2].id, done[3].id, done[4].id, done[5].id})
    assert.matches("paused after step 2", ran.out, 1, true)
  end)
end)

describe("a notebook shows", function()
  if shell.sanitized then return end

  local HTML <const> = {
    ["a tensor"] = {"braid.tensor{{1, 2}, {3, 4}}", "<td>3.</td><td>4.</td>"},
    ["a large tensor"] = {"braid.zeros(100, 100)", "<td>…</td>"},
    ["a row"] = {"braid.tensor{1, 2}", "<td>1.</td><td>2.</td>"},
    ["a network"] = {"nn.Sequential{nn.Linear(2, 3)}",
      "<summary>Sequential()</summary>\n<div>1: Linear(2, 3)</div>"},
    ["a summary"] = {"nn.Linear(2, 3):summary{1, 2}", "<td>9</td>"},
    ["a table of results"] = {'train.table({{name = "error"}}, {{"<a>", error = 2}})',
      '<th scope="row">&lt;a&gt;</th>'},
    ["records"] = {"{ {name = '<b>', value = 1}, {name = '&', value = 2} }",
      '<td style="text-align:left">&lt;b&gt;</td><td>1</td>'},
  }

  for what, case in pairs(HTML) do
    it(what .. " as HTML", function()
      local data <const> = shown(case[1])
      assert.is_truthy(data["text/html"]:find(case[2], 1, true), data["text/html"])
      assert.is_string(data["text/plain"])
      assert.is_nil(data["text/html"]:find("<b>", 1, true))
    end)
  end

  it("other values as text only", function()
    for _, cell in ipairs{"3", "'<b>'", "{1, 2}", "print", "braid.ones(2, 2, 2)", "{a = 1}",
      "nil"} do
      local data <const> = shown(cell)
      assert.is_nil(data["text/html"], cell)
      assert.is_string(data["text/plain"])
    end
  end)

  it("figures as SVG and PNG, in light colours unless the theme is dark", function()
    for _, cell in ipairs{"plot.lines{1, 2}", "show(plot.lines{1, 2})",
      "show(nn.Sequential{nn.Linear(2, 3)})"} do
      local data <const> = shown(cell)
      assert.matches("^<svg ", data["image/svg+xml"])
      assert.is_nil(data["image/svg+xml"]:find("prefers-color-scheme", 1, true))
      assert.equal("iVBORw0KGgo", data["image/png"]:sub(1, 11))
    end
    assert.matches("#16191e", shown('plot.lines({1}, {theme = "dark"})')["image/svg+xml"], 1, true)
  end)

  it("pictures, batches of them, and samples with their points", function()
    local PICTURES <const> = {"braid.rand(3, 8, 8)", "braid.rand(8, 8) * 300",
      "braid.zeros(1, 9, 9)",
      "braid.rand(5, 3, 8, 8)", "(braid.rand(3, 8, 8) * 255):to 'uint8'",
      "braid.full({1, 4, 4}, 0 / 0)", "braid.rand(3, 1200, 30)"}
    for _, value in ipairs(PICTURES) do
      assert.equal("iVBORw0KGgo", shown("show(" .. value .. ")")["image/png"]:sub(1, 11), value)
    end
    local messages <const> = notebooks{"show{image = braid.rand(3, 8, 8), landmarks = "
      .. "braid.rand(5, 2) * 8, smile = 2}"}
    local all <const> = of_kind(messages, "display")
    assert.is_string(all[1].data["image/png"])
    assert.matches("smile = 2", all[2].data["text/plain"], 1, true)
  end)
end)

describe("a notebook's process answers with", function()
  if shell.sanitized then return end

  local function ask(request, ...)
    local messages <const> = notebooks{..., request}
    return messages[#messages]
  end

  it("the completions of a name, also after characters of several bytes", function()
    local got <const> = ask({op = "complete", code = "ü = nn.Conv2", at = 14}, "y = 1")
    assert.same({"Conv2d"}, got.texts)
    assert.equal(9, got.from)
    local long <const> = ("x = 1\n"):rep(20000)
    local far <const> = ask({op = "complete", code = long .. "braid.ones", at = #long + 11},
      "y = 1")
    assert.same({"ones", "ones_like"}, far.texts)
    assert.equal(#long + 7, far.from)
  end)

  it("help on the name at the cursor, or on the call that surrounds it", function()
    for text, at in pairs{["nn.Conv2d"] = 9, ["x = nn.Conv2d(3, 4, {kernel = 2})"] = 9,
      ["nn.Conv2d(3, "] = 14, ["nn.Conv2d(3, 4, {kernel = "] = 27, ["nn.Conv2d("] = 11} do
      local got <const> = ask({op = "inspect", code = text, at = at, detail = 0}, "y = 1")
      assert.matches("nn.Conv2d(", got.text or text, 1, true)
    end
    assert.is_nil(ask({op = "inspect", code = "no_such(", at = 9, detail = 0}, "y = 1").text)
    assert.matches("function f", ask({op = "inspect", code = "f", at = 2, detail = 1},
      "function f() return 1 end").text, 1, true)
  end)

  it("whether a cell is complete", function()
    for text, status in pairs{["x = 1"] = "complete", ["for i = 1, 2 do"] = "incomplete",
      ["x = = 1"] = "invalid", ["conv2d?"] = "complete", [""] = "complete"} do
      assert.equal(status, ask({op = "is_complete", code = text}, "y = 1").status, text)
    end
    assert.equal("  ", ask({op = "is_complete", code = "for i = 1, 2 do"}, "y = 1").indent)
  end)

  it("a history of this session's cells and of earlier lines at the prompt", function()
    local before <const> = "mkdir braid && printf 'old one\\nold two\\n' >braid/history"
    local messages <const> = notebooks({"x = 1", "6 * 7",
      {op = "history", access = "tail", n = 3, output = false},
      {op = "history", access = "search", pattern = "*6*", output = true, unique = true},
      {op = "history", access = "range", session = 0, start = 1, stop = 2, output = false},
      {op = "history", access = "search", pattern = "old ?wo", output = false}}, before)
    local done <const> = of_kind(messages, "done")
    assert.same({{1, 2, "old two"}, {2, 1, "x = 1"}, {2, 2, "6 * 7"}}, done[3].rows)
    assert.same({{2, 2, {"6 * 7", "42"}}}, done[4].rows)
    assert.same({{2, 1, "x = 1"}}, done[5].rows)
    assert.same({{1, 2, "old two"}}, done[6].rows)
  end)

  it("the values of the expressions that come with a cell", function()
    local done <const> = of_kind(notebooks{{op = "execute", code = "y = 6",
      expressions = {twice = "2 * y", wrong = "y.z.w", none = "y ="}}}, "done")[1]
    assert.equal("12", done.values.twice.text)
    assert.matches("attempt to index", done.values.wrong.error.value, 1, true)
    assert.is_table(done.values.none.error)
  end)

  it("a message when a question is wrong, and then goes on", function()
    assert.is_string(ask({op = "no_such"}, "y = 1").failure)
    local messages <const> = notebooks{{op = "complete"}, "1"}
    assert.is_string(of_kind(messages, "done")[1].failure)
    assert.equal(1, #of_kind(messages, "result"))
  end)
end)

describe("the notebooks of lessons", function()
  it("are the same as spec/support/lesson_notebooks.lua makes them now", function()
    for path, text in pairs(require "spec.support.lesson_notebooks".pages()) do
      assert(text == shell.read(path), path
        .. " is old; remake it: build/braid spec/support/lesson_notebooks.lua")
    end
  end)
end)
