--- Tests `make install`, and the command `braid`: as built, as installed, and through a symbolic
-- link.

local shell <const> = require "spec.support.shell"
local quote <const> = shell.quote

local SCRIPT <const> = [[
local braid <const> = require "braid"
print(arg[0], arg[1], arg[2], #arg, ...)
print(braid.ones(2, 3):sum():item(), package.searchpath("braid", package.path))
]]

local function install(variables)
  local result <const> = shell.run("make DEPS=no BUILD=" .. shell.build .. " " .. variables)
  assert(result.status == 0, result.out .. result.err)
  return result.out
end

-- Checks that the command works from another directory.
local function check_command(command, directory, lua_directory)
  shell.write(directory .. "/script.lua", SCRIPT)
  local result <const> = shell.run(("cd / && %s %s a 'b c'"):format(quote(command),
    quote(directory .. "/script.lua")))
  assert.same({status = 0, signal = false, err = "",
    out = ("%s\ta\tb c\t2\ta\tb c\n6.0\t%s/braid/init.lua\n"):format(directory .. "/script.lua",
      lua_directory)}, result)
end

local function in_directory(f)
  if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
  shell.in_directory(f)
end

describe("make install", function()
  it("installs the command and the module, which work without the sources", function()
    in_directory(function(directory)
      local said <const> = install("install PREFIX=" .. directory .. "/usr")
      local usr <const> = directory .. "/usr"
      check_command(usr .. "/bin/braid", directory, usr .. "/bin/../share/lua/5.4")
      local exported <const> = said:match("\n  (export LUA_PATH=[^\n]*)\n")
      local result <const> = shell.run(("cd / && %s && lua5.4 -e '%s'"):format(exported,
        'print(require("braid").zeros(2).dtype)'))
      assert.same({status = 0, signal = false, out = "float32\n", err = ""}, result)
    end)
  end)

  it("installs every Lua file, every model and experiment, readable by all", function()
    in_directory(function(directory)
      install("install PREFIX=" .. directory)
      local share <const> = directory .. "/share/lua/5.4/braid"
      local function files(folder, but)
        return shell.run(("cd %s && find . -name '*.lua' %s | sort"):format(folder, but or "")).out
      end
      assert.same(files("lua/braid"),
        files(share, "! -path './models/*' ! -path './experiments/*'"))
      assert.same(files("models"), files(share .. "/models"))
      assert.same(files("examples/papers"), files(share .. "/experiments"))
      assert.matches("002_fig3_resnet18", shell.run(directory .. "/bin/braid papers").out, 1, true)
      assert.equal("", shell.run("find " .. directory .. "/* ! -perm -444").out)
    end)
  end)

  it("tells pkg-config where Braid is", function()
    in_directory(function(directory)
      install("install PREFIX=" .. directory)
      local function told(words)
        return shell.run(("PKG_CONFIG_PATH=%s/share/pkgconfig pkg-config %s braid"):format(
          directory, words))
      end
      if shell.run("pkg-config --exists lua5.4").status ~= 0 then
        pending("pkg-config does not find lua5.4")
      end
      assert.equal(require "braid.version" .. "\n", told("--modversion").out)
      assert.equal(directory .. "/share/lua/5.4\n", told("--variable=luadir").out)
      assert.equal(directory .. "/lib/lua/5.4\n", told("--variable=libdir").out)
      assert.matches("-llua5.4", told("--cflags --libs").out, 1, true)
      assert.same({0, ""}, {told("--validate").status, told("--validate").err})
    end)
  end)

  it("installs below DESTDIR, and the files can then be moved", function()
    in_directory(function(directory)
      install("install PREFIX=/opt/braid DESTDIR=" .. directory .. "/stage")
      local moved <const> = directory .. "/moved"
      assert(os.rename(directory .. "/stage/opt/braid", moved))
      check_command(moved .. "/bin/braid", directory, moved .. "/bin/../share/lua/5.4")
    end)
  end)

  it("is undone by make uninstall, which leaves other files", function()
    in_directory(function(directory)
      install("install PREFIX=" .. directory)
      shell.write(directory .. "/share/lua/5.4/other.lua", "return 1")
      install("uninstall PREFIX=" .. directory)
      assert.equal(directory .. "/share/lua/5.4/other.lua\n",
        shell.run("find " .. directory .. " -type f").out)
    end)
  end)
end)

describe("the command braid", function()
  it("works where it was built", function()
    in_directory(function(directory)
      local build <const> = shell.root .. "/" .. shell.build
      check_command(build .. "/braid", directory, build .. "/../lua")
    end)
  end)

  it("finds the models that come with it from any directory", function()
    in_directory(function(directory)
      install("install PREFIX=" .. directory .. "/usr")
      shell.write(directory .. "/model.lua",
        'print(#require("braid").model("models/resnet18.lua", {width = 0.25}):parameters() > 0)')
      for _, command in ipairs{shell.root .. "/" .. shell.build .. "/braid",
        directory .. "/usr/bin/braid"} do
        local result <const> = shell.run(("cd / && %s %s/model.lua"):format(command, directory))
        assert.same({status = 0, signal = false, out = "true\n", err = ""}, result)
      end
    end)
  end)

  it("works through a symbolic link on PATH", function()
    in_directory(function(directory)
      install("install PREFIX=" .. directory .. "/usr")
      shell.run(("mkdir %s/bin && ln -s ../usr/bin/braid %s/bin/"):format(directory, directory))
      check_command(directory .. "/bin/braid", directory, directory .. "/usr/share/lua/5.4")
      local result <const> = shell.run(("cd / && PATH=%s:$PATH && braid --version"):format(
        directory .. "/bin"))
      assert.matches("^braid %d+%.%d+%.%d+ %(Lua 5%.4, %w+%)\n$", result.out)
      shell.run(("ln -s %s/%s/braid %s/bin/built"):format(shell.root, shell.build, directory))
      check_command(directory .. "/bin/built", directory, shell.root .. "/lua")
    end)
  end)

  it("ends with status 1 and a traceback when the script fails", function()
    in_directory(function(directory)
      shell.write(directory .. "/bad.lua", "local function f() error('no good') end\nf()\n")
      local result <const> = shell.run(shell.build .. "/braid " .. directory .. "/bad.lua")
      assert.equal(1, result.status)
      assert.equal("", result.out)
      assert.matches("bad%.lua:1: no good\nstack traceback:\n.*bad%.lua:2: in ", result.err)
    end)
  end)

  it("ends with the status that the script gives to os.exit", function()
    in_directory(function(directory)
      shell.write(directory .. "/seven.lua", "require 'braid'.ones(3)\nos.exit(7, true)\n")
      local result <const> = shell.run(shell.build .. "/braid " .. directory .. "/seven.lua")
      assert.same({status = 7, signal = false, out = "", err = ""}, result)
    end)
  end)

  it("names a file that is missing or wrong", function()
    in_directory(function(directory)
      local missing <const> = shell.run(shell.build .. "/braid /no/such.lua")
      assert.equal(1, missing.status)
      assert.matches("^braid: cannot open /no/such%.lua", missing.err)
      shell.write(directory .. "/wrong.lua", "x = = 1\n")
      local wrong <const> = shell.run(shell.build .. "/braid " .. directory .. "/wrong.lua")
      assert.equal(1, wrong.status)
      assert.matches("^braid: .*wrong%.lua:1: unexpected symbol near '='\n$", wrong.err)
    end)
  end)
end)
