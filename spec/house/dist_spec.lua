--- Tests that the version is in one place, and that `make dist` makes a complete and reproducible
-- tarball.

local braid <const> = require "braid"
local markdown <const> = require "spec.support.markdown"
local shell <const> = require "spec.support.shell"

local NAME <const> = "braid-" .. braid.VERSION

local function succeeds(command)
  local result <const> = shell.run(command)
  assert(result.status == 0, result.out .. result.err)
  return result.out
end

describe("the version", function()
  it("is the same in braid --version", function()
    local result <const> = shell.run("build/braid --version")
    assert.equal("braid " .. braid.VERSION, result.out:match("^braid %S+"))
  end)

  it("is the newest in the changelog", function()
    local log <const> = shell.read("CHANGELOG.md")
    assert.matches("^# Changelog\n.*\n## %[Unreleased%]", log)
    assert.equal(braid.VERSION, log:match("\n## %[(%d+%.%d+%.%d+)%]"))
  end)

  it("is the same in CITATION.cff, with the date of the changelog", function()
    local citation <const> = shell.read("CITATION.cff")
    assert.equal(braid.VERSION, citation:match("\nversion: (%S+)\n"))
    assert.equal(shell.read("CHANGELOG.md"):match("\n## %[%d+%.%d+%.%d+%] %- (%S+)\n"),
      citation:match("\ndate%-released: (%S+)\n"))
  end)

  it("is in no other source file", function()
    local quoted <const> = '"' .. braid.VERSION:gsub("%.", "%%.") .. '"'
    for path in shell.run("find Makefile .ci rocks lua csrc -type f").out:gmatch("[^\n]+") do
      if path ~= "lua/braid/version.lua" then
        assert.is_nil(shell.read(path):find(quoted), path)
      end
    end
  end)
end)

describe("make dist", function()
  local function in_checkout(f)
    if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
    if shell.run("git rev-parse HEAD").status ~= 0 then pending("this is not a git checkout") end
    shell.in_directory(f)
  end

  it("makes the same bytes each time, and packs all committed files", function()
    in_checkout(function(directory)
      for _, into in ipairs{"a", "b"} do
        succeeds(("umask 00%s7; sh rocks/dist.sh %s/%s"):format(into == "a" and 2 or 7, directory,
          into))
      end
      for _, file in ipairs{NAME .. ".tar.gz", NAME .. "-1.rockspec"} do
        succeeds(("cmp %s/a/%s %s/b/%s"):format(directory, file, directory, file))
      end
      local packed <const> = succeeds(("tar tzf %s/a/%s.tar.gz | grep -v '/$' | sort")
        :format(directory, NAME))
      assert.equal(succeeds(("git ls-tree -r --name-only HEAD | sed 's|^|%s/|' | sort")
        :format(NAME)), packed)
    end)
  end)

  it("raises an error outside a git checkout", function()
    in_checkout(function(directory)
      succeeds(("cp -r rocks %s"):format(directory))
      local result <const> = shell.run(("cd %s && sh rocks/dist.sh out"):format(directory))
      assert.equal(1, result.status)
      assert.matches("^make dist: this is not a git checkout", result.err)
    end)
  end)

  it("makes a tarball that installs and runs the README's first program #slow", function()
    in_checkout(function(directory)
      if not shell.run("command -v luarocks").out:find("/") then pending("there is no luarocks") end
      succeeds("sh rocks/dist.sh " .. directory)
      succeeds(("cd %s && luarocks --lua-version=5.4 --tree prefix install %s-1.rockspec"):format(
        directory, NAME))
      local program <const> = markdown.programs("README.md")[1]
      local ok <const>, printed <const> = markdown.run(program.code, "prefix/bin/braid", directory)
      assert.is_true(ok, printed)
      assert.equal(markdown.form(program.output), markdown.form(printed))
    end)
  end)

  it("makes a tarball whose own make builds and installs #slow", function()
    in_checkout(function(directory)
      succeeds("sh rocks/dist.sh " .. directory)
      succeeds(("cd %s && tar xzf %s.tar.gz && make -C %s DEPS=no install PREFIX=%s/usr")
        :format(directory, NAME, NAME, directory))
      local says <const> = succeeds(("cd / && %s/usr/bin/braid --version"):format(directory))
      assert.equal("braid " .. braid.VERSION, says:match("^braid %S+"))
    end)
  end)
end)
