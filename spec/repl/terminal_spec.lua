--- The prompt in a terminal, as its user sees it.

local shell <const> = require "spec.support.shell"
local terminal <const> = require "spec.support.terminal"

local BRAID <const> = (shell.sanitized and shell.lua .. " " or "") .. shell.build .. "/braid"

-- Each works in a terminal of its own, with the prompt there.
local function at_prompt(name, o, f)
  it("#slow " .. name, function()
    assert(terminal.there, "these specs need tmux (make deps-test)")
    local t <close> = terminal.open(BRAID, o)
    t:shows(">")
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

  at_prompt("edits entries of several lines, and has them back whole", {}, function(t)
    t:keys("for i = 1, 2 do", "Enter", "print(i)", "Enter", "end")
    t:shows("> for i = 1, 2 do\n.   print(i)\n. end")
    t:keys("Enter")
    t:shows("1\n2\n>")
    t:keys("Up")
    t:shows("> for i = 1, 2 do\n.   print(i)\n. end")
    t:keys("Up", "C-e", "Left", " + 10", "Enter")
    t:shows("11\n12\n>")
  end)

  at_prompt("takes what is pasted as one entry", {}, function(t)
    local lines <const> = {}
    for i = 1, 40 do lines[i] = ("v%d = %d"):format(i, i) end
    t:paste(table.concat(lines, "\n") .. "\nfor i = 1, 2 do\n\tv40 = v40 + i\nend")
    t:keys("Enter", "v1 + v40", "Enter")
    t:shows("> v1 + v40\n44\n>")
    t:keys("Up", "Up")
    t:shows(". v40 = 40\n. for i = 1, 2 do\n.   v40 = v40 + i\n. end")
  end)

  at_prompt("completes, and says what there is", {}, function(t)
    t:keys("nn.Conv2", "Tab", "(3, 64, {ker", "Tab")
    t:shows("> nn.Conv2d(3, 64, {kernel =\nkernel: a whole number from 1, or a list of two")
    t:keys("3})", "Enter")
    t:shows("Conv2d(3, 64, kernel = 3x3)\n>")
    t:keys("x = braid.zeros(2)", "Enter", "x:resh", "Tab", "(", "C-c")
    t:shows("> x:reshape(\n>")
    t:keys("t = setmetatable({abc = 1}, {__index = os.exit})", "Enter", "t.a", "Tab", "Enter")
    t:shows("> t.abc\n1\n>")
  end)

  at_prompt("hints at the last entry that begins so", {}, function(t)
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

  at_prompt("shares its history", {}, function(t)
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
    t:keys("C-a", "y")
    t:shows("> yx = '123456789012\n34567890'")
    assert.same({3, 3}, {t:cursor()}) -- the greeting takes three rows
  end)

  at_prompt("shows wide characters and marks", {columns = 20}, function(t)
    t:keys("'日本語日本語日本語' .. 'é'", "Left", "BSpace")
    t:shows("> '日本語日本語日本\n語' .. ''")
    t:keys("Enter")
    t:shows('"日本語日本語日本語"\n>')
  end)

  at_prompt("is interrupted, and goes on", {}, function(t)
    t:keys("n = 0 while true do n = n + 1 end", "Enter")
    shell.run("sleep 0.3")
    t:keys("C-c")
    t:shows("interrupted!\n  n = 0 while true do n = n + 1 end\n  ^\n>")
    t:keys("n > 1000", "Enter")
    t:shows("true\n>")
  end)

  at_prompt("colours only where that is wanted", {env = "NO_COLOR=1"}, function(t)
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

  for _, signal in ipairs{"TERM", "HUP", "SEGV", "INT", "QUIT"} do
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

  at_prompt("ends by os.exit in an entry", {}, function(t)
    t:keys("os.exit(3)", "Enter")
    t:shows("ended 3")
  end)
end)
