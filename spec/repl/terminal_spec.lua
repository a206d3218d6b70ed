--- The prompt in a terminal, as its user sees it.

local shell <const> = require "spec.support.shell"
local terminal <const> = require "spec.support.terminal"

local BRAID <const> = (shell.sanitized and shell.lua .. " " or "") .. shell.build .. "/braid"

-- Each test has a terminal of its own, with the prompt in it.
local function at_prompt(name, o, f)
  it("#slow " .. name, function()
    assert(terminal.there, "these specs need tmux (make deps-test)")
    local t <close> = terminal.open(o.command or BRAID, o)
    if not o.command then t:shows(">") end
    f(t)
  end)
end

describe("the prompt in a terminal", function()
  at_prompt("greets, runs entries and ends", {}, function(t)
    t:keys("x = 6", "Enter", "x * 7", "Enter")
    t:shows("> x = 6\n> x * 7\n42\n>")
    t:keys("C-d")
    t:shows("ended 0")
  end)

  at_prompt("edits a line", {}, function(t)
    t:keys("print(1)", "C-a", "C-f", "C-k", "rint(2)", "Left", "BSpace", "3", "M-b", "x", "C-d",
      "4")
    t:shows("> print(x4)")
    t:keys("C-_", "C-_", "C-w", "C-y", "C-e", ")", "C-u", "C-y", "Home", "C-t")
    t:keys("C-c", "'end'", "Enter")
    t:shows('"end"\n>')
  end)

  at_prompt("edits entries of several lines, and brings them back whole", {}, function(t)
    t:keys("for i = 1, 2 do", "Enter", "print(i)", "Enter", "end")
    t:shows("> for i = 1, 2 do\n.   print(i)\n. end")
    t:keys("Enter")
    t:shows("1\n2\n>")
    t:keys("Up")
    t:shows("> for i = 1, 2 do\n.   print(i)\n. end")
    t:keys("Up", "C-e", "Left", " + 10", "Enter")
    t:shows("11\n12\n>")
  end)

  at_prompt("takes pasted text as one entry", {}, function(t)
    local lines <const> = {}
    for i = 1, 40 do lines[i] = ("v%d = %d"):format(i, i) end
    t:paste(table.concat(lines, "\n") .. "\nfor i = 1, 2 do\n\tv40 = v40 + i\nend")
    t:keys("Enter", "v1 + v40", "Enter")
    t:shows("> v1 + v40\n44\n>")
    t:keys("Up", "Up")
    t:shows(". v40 = 40\n. for i = 1, 2 do\n.   v40 = v40 + i\n. end")
  end)

  at_prompt("completes names, and says what an option must be", {}, function(t)
    t:keys("nn.Conv2", "Tab", "(3, 64, {ker", "Tab")
    t:shows("> nn.Conv2d(3, 64, {kernel =\nkernel: a whole number from 1, or a list of two")
    t:keys("3})", "Enter")
    t:shows("Conv2d(3, 64, kernel = 3x3)\n>")
    t:keys("x = braid.zeros(2)", "Enter", "x:resh", "Tab", "(", "C-c")
    t:shows("> x:reshape(\n>")
    t:keys("t = setmetatable({abc = 1}, {__index = os.exit})", "Enter", "t.a", "Tab", "Enter")
    t:shows("> t.abc\n1\n>")
  end)

  at_prompt("hints at the last entry that begins with the typed text", {}, function(t)
    t:keys("alpha = 123", "Enter", "al")
    t:shows("> alpha = 123")
    assert.same({4, 2}, {t:cursor()})
    t:keys("Right", "4", "Enter", "alpha", "Enter")
    t:shows("\n1234\n>")
  end)

  at_prompt("searches the history", {}, function(t)
    t:keys("one = 1", "Enter", "two = 2", "Enter", "other = 3", "Enter", "C-r", "o")
    t:shows("search 'o': other = 3")
    t:keys("C-r", "C-r")
    t:shows("search 'o': one = 1")
    t:keys("C-g", "C-r", "tw", "Enter")
    t:shows("> two = 2\n>")
  end)

  at_prompt("writes its entries to the history file", {}, function(t)
    t:keys("seen = 5", "Enter", "C-d")
    t:shows("ended 0")
    assert.equal("seen = 5\n", shell.read(t.home .. "/.local/state/braid/history"))
  end)

  at_prompt("wraps lines and follows the terminal's size", {columns = 20}, function(t)
    t:keys("x = '12345678901234567890'")
    t:shows("> x = '1234567890123\n4567890'")
    t:resize(60)
    t:shows("> x = '12345678901234567890'")
    t:resize(20)
    shell.run("sleep 0.5") -- tmux redraws before it tells the program
    t:keys("C-a", "y")
    t:shows("> yx = '123456789012\n34567890'")
    assert.equal(1, select(2, t:screen():gsub("x = '1", ""))) -- nothing of the old lines is left
    assert.equal(3, (t:cursor()))
  end)

  at_prompt("shows wide characters and marks", {columns = 20}, function(t)
    t:keys("'日本語日本語日本語' .. 'é'", "Left", "BSpace")
    t:shows("> '日本語日本語日本\n語' .. ''")
    t:keys("Enter")
    t:shows('"日本語日本語日本語"\n>')
  end)

  at_prompt("is interrupted by Ctrl-C, and goes on", {}, function(t)
    t:keys("n = 0 while true do n = n + 1 end", "Enter")
    shell.run("sleep 0.3")
    t:keys("C-c")
    t:shows("interrupted!\n  n = 0 while true do n = n + 1 end\n  ^\n>")
    t:keys("n > 1000", "Enter")
    t:shows("true\n>")
  end)

  at_prompt("is interrupted in the middle of an operator, whose result is dropped", {}, function(t)
    t:keys("x = braid.randn(4000, 4000) n = 0", "Enter", "n")
    t:shows("> n")
    t:keys("Enter", "y = x:matmul(x):matmul(x):matmul(x):matmul(x) n = 1", "Enter")
    shell.run("sleep 0.3")
    t:keys("C-c")
    t:shows("matmul: interrupted!\n  y = x:matmul(x):matmul(x):matmul(x):matmul(x) n = 1\n"
      .. "        ^\n>")
    t:keys("y, n", "Enter")
    t:shows("nil  0\n>")
  end)

  at_prompt("stops running code at debug()", {columns = 40}, function(t)
    t:keys("function f(a) local b = 2 * a debug() return b end", "Enter", "f(4)", "Enter")
    t:shows("call 1 of 2: entry 1:1, in f\n  a = 4\n  b = 8\ncall 1>")
    t:keys("b = b + a", "Enter", "continue()", "Enter")
    t:shows("call 1> continue()\n12\n>")
    t:keys("f(5)", "Enter", "C-d")
    t:shows("call 1>\n10\n>")
  end)

  at_prompt("works in a terminal of 20 columns", {columns = 20, rows = 40}, function(t)
    t:keys("nn.B", "Tab")
    t:shows("> nn.B\nBatchNorm\nBatchNorm1d\nBatchNorm2d\nBilinear")
    t:keys("C-u", "x.y", "Enter")
    t:shows("entry 1:1: attempt t\no index a nil value\n(global 'x')\n  x.y\n  ^\n>")
    t:keys("help", "Enter", "braid.arange(1, 9)", "Enter")
    t:shows("tensor {9} int64\n[1, 2, 3, 4, 5, 6, 7\n, 8, 9]\n>")
  end)

  at_prompt("shows no colours where NO_COLOR is set", {env = "NO_COLOR=1"}, function(t)
    t:keys("local x = 'a' -- so", "Enter")
    t:shows("so\n>")
    assert.is_nil(t:screen(true):find("\27[", 1, true))
  end)

  at_prompt("colours the syntax", {}, function(t)
    t:keys("local x = 'a'")
    t:shows("'a'")
    assert.truthy(t:screen(true):find("\27%[3%dm'a'"))
  end)

  at_prompt("sends no escape sequence to a dumb terminal", {env = "TERM=dumb"}, function(t)
    t:keys("for i = 1, 2 do", "Enter", "print(i)", "Enter", "end", "Enter")
    t:shows("> for i = 1, 2 do\n>> print(i)\n>> end\n1\n2\n>")
  end)

  for _, signal in ipairs{"TERM", "HUP", "SEGV", "QUIT"} do
    at_prompt("leaves the terminal as it was when SIG" .. signal .. " ends it", {}, function(t)
      local tty <const> = t:tmux("display -p '#{pane_tty}'").out:gsub("\n", "")
      local raw <const> = shell.run("stty -g <" .. tty).out
      local id <const> = shell.run(("pgrep -f 'braid$' -t %s"):format(tty:gsub("^/dev/", ""))).out
      shell.run(("kill -%s %s"):format(signal, id:match("%d+")))
      t:shows("ended %d+$", true)
      local is <const> = shell.run("stty -a <" .. tty).out
      assert.not_equal(raw, shell.run("stty -g <" .. tty).out)
      for _, mode in ipairs{"icanon", "echo", "isig", "icrnl"} do
        assert.truthy(is:find("%f[%w-]" .. mode .. "%f[%W]"), mode)
      end
    end)
  end

  at_prompt("begins on a new line after output without one", {}, function(t)
    t:keys("io.write('no newline')", "Enter")
    t:shows("no newline%\n>")
    t:keys("1", "Enter")
    t:shows("> 1\n1\n>")
  end)

  at_prompt("stops at Ctrl-Z and goes on at fg, as other jobs do", {command = "bash --norc -i"},
    function(t)
      t:keys("PS1='shell: '; stty -g >$HOME/was", "Enter", BRAID, "Enter")
      t:shows("help tells more\n>")
      t:keys("x = 4", "C-z")
      t:shows("shell:")
      t:keys("stty -g | cmp - $HOME/was && echo same", "Enter")
      t:shows("same\nshell:")
      t:keys("fg", "Enter")
      t:shows("> x = 4")
      t:keys("2", "Enter", "x", "Enter")
      t:shows("42\n>")
      t:keys("while true do end", "Enter")
      shell.run("sleep 0.3")
      t:keys("C-z")
      t:shows("shell:")
      t:keys("fg", "Enter")
      shell.run("sleep 0.3")
      t:keys("C-c")
      t:shows("interrupted!\n  while true do end\n  ^\n>")
    end)

  at_prompt("still works after Ctrl-C ten times", {}, function(t)
    t:keys("n = 5", "Enter", "while true do pcall(function() while true do end end) end", "Enter")
    for _ = 1, 10 do t:keys("C-c") end
    t:keys("n", "Enter")
    t:shows("> n\n5\n>")
  end)

  at_prompt("takes a paste of megabytes", {}, function(t)
    t:paste("s = [[" .. ("x"):rep(3000000) .. "]]")
    t:keys("Enter", "#s", "Enter")
    t:shows("> #s\n3000000\n>")
  end)

  at_prompt("runs the user's init.lua first", {env = "XDG_CONFIG_HOME=/tmp/none"}, function(t)
    local config <const> = t.home .. "/.config/braid"
    shell.run("mkdir -p " .. config)
    shell.write(config .. "/init.lua", "mine = 7\nlocal more = 8\nerror('told')")
    t:keys("C-d")
    t:shows("ended 0")
    local own <close> = terminal.open(("env XDG_CONFIG_HOME=%s/.config %s"):format(t.home, BRAID))
    own:shows("init%.lua:3: told\n.*\n>$", true)
    own:keys("mine + more", "Enter")
    own:shows("15\n>")
  end)

  at_prompt("obeys the words help and quit", {}, function(t)
    t:keys("help", "Enter")
    t:shows("the memory they hold, the\n    largest first.\n>")
    t:keys("F.relu?", "Enter")
    t:shows("see also: nn.ReLU\n(an operator of the core, in C)\n>")
    t:keys("exit = 1", "Enter", "exit", "Enter")
    t:shows("> exit\n1\n>")
    t:keys("quit", "Enter")
    t:shows("ended 0")
  end)

  at_prompt("shows pictures, and loses no key that is typed meanwhile", {}, function(t)
    t:keys("show(braid.zeros(3, 4, 6)) x = 5", "Enter", "x + 1", "Enter")
    t:shows("> x + 1\n6\n>")
    assert.truthy(t:screen():find("▀▀▀▀▀▀\n▀▀▀▀▀▀\n", 1, true))
  end)

  at_prompt("ends where an entry calls os.exit", {}, function(t)
    t:keys("os.exit(3)", "Enter")
    t:shows("ended 3")
  end)
end)
