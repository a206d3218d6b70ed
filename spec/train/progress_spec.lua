--- The progress bar: it is drawn on standard error if this is a terminal, whatever standard output
-- is.

local shell <const> = require "spec.support.shell"
local terminal <const> = require "spec.support.terminal"

local SCRIPT <const> = [[
local train = require "braid".train
local bar = train.progress(2)
bar:advance("epoch 1/2", 32)
bar:print("a line that stays")
bar:advance("epoch 2/2", 32)
io.stderr:write("\n")
]]

-- Runs the script in a terminal with these redirections. f(terminal, path of the file `name`)
local function drawn(redirections, f)
  shell.in_directory(function(dir)
    shell.write(dir .. "/bar.lua", SCRIPT)
    local t <close> = terminal.open(("sh -c '%s/braid %s/bar.lua %s'"):format(shell.build, dir,
      redirections:gsub("DIR", dir)), {columns = 70})
    t:shows("ended 0")
    f(t:screen(), function(name) return shell.read(dir .. "/" .. name) end)
  end)
end

describe("a progress bar", function()
  it("is drawn on the terminal while the output goes to a file", function()
    drawn(">DIR/out", function(screen, file)
      assert.matches("epoch 2/2 %[=+%] 100%%", screen)
      assert.equal("a line that stays\n", file("out"))
    end)
  end)

  it("stays below lines of output on the same terminal", function()
    drawn("", function(screen)
      assert.matches("^a line that stays\nepoch 2/2 %[=+%] 100%%", screen)
    end)
  end)

  it("is not drawn where standard error is a file", function()
    drawn("2>DIR/err", function(screen, file)
      assert.matches("^a line that stays\n", screen)
      assert.equal("\n", file("err"))
    end)
  end)
end)
