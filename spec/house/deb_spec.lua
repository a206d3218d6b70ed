--- Tests the package for Debian: it is made, unpacked, run, and checked by lintian if that is
-- installed.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"
local quote <const> = shell.quote

local function succeeds(command)
  local result <const> = shell.run(command)
  assert(result.status == 0, result.out .. result.err)
  return result.out
end

-- A directory with the package, made at the first use.
local made

local function in_package(f)
  if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
  if shell.run("command -v dpkg-deb dpkg-shlibdeps").status ~= 0 then
    pending("there is no dpkg-dev")
  end
  if not made then
    made = succeeds("mktemp -d"):match("[^\n]+")
    succeeds(("sh rocks/deb.sh %s/lib/braid/core.so %s"):format(shell.build, quote(made)))
  end
  f(made, succeeds("ls " .. made .. "/*.deb"):match("[^\n]+"))
end

describe("make deb", function()
  teardown(function()
    if made then shell.run("rm -rf " .. quote(made)) end
  end)

  it("makes a package of this version that names what it needs #slow", function()
    in_package(function(_, deb)
      local function field(name) return succeeds(("dpkg-deb -f %s %s"):format(deb, name)) end
      assert.equal("braid\n", field "Package")
      assert.equal(braid.VERSION .. "-1\n", field "Version")
      for _, name in ipairs{"lua5.4", "libopenblas0", "libpng16-16", "libturbojpeg0", "zlib1g",
        "libc6"} do
        assert.matches(name, field "Depends", 1, true)
      end
    end)
  end)

  it("packs files owned by root with right checksums, which run where they are unpacked #slow",
    function()
      in_package(function(directory, deb)
        for line in succeeds("dpkg-deb -c " .. deb):gmatch("[^\n]+") do
          assert.matches("^[-d]rw[-x]r%-[-x]r%-[-x] root/root ", line)
        end
        local root <const> = directory .. "/root"
        succeeds(("dpkg-deb -R %s %s && cd %s && md5sum --quiet -c DEBIAN/md5sums"):format(deb,
          root, root))
        assert.equal("", succeeds(("cd %s && find usr -type f | sort >../a && "
          .. "sed 's/^[^ ]*  //' DEBIAN/md5sums | sort | diff ../a -"):format(root)))
        local lua <const> = root .. "/usr/share/lua/5.4"
        local core <const> = succeeds("find " .. root .. " -name core.so"):match("[^\n]+")
        assert.equal("braid " .. braid.VERSION, succeeds(("cd / && LUA_PATH=%s LUA_CPATH=%s %s "
          .. "--version"):format(quote(lua .. "/?.lua;" .. lua .. "/?/init.lua"),
          quote(core:gsub("braid/core%.so$", "?.so")), root .. "/usr/bin/braid"))
          :match("^braid %S+"))
        for _, path in ipairs{"man/man1/braid.1.gz", "bash-completion/completions/braid",
          "zsh/vendor-completions/_braid", "fish/vendor_completions.d/braid.fish",
          "braid/library/braid.lua", "doc/braid/copyright", "doc/braid/changelog.gz",
          "lua/5.4/braid/models/dcnet.lua"} do
          succeeds("test -s " .. root .. "/usr/share/" .. path)
        end
      end)
    end)

  it("makes the same bytes each time, without a complaint of lintian #slow", function()
    in_package(function(directory, deb)
      succeeds(("sh rocks/deb.sh %s/lib/braid/core.so %s/again && cmp %s %s/again/*.deb"):format(
        shell.build, directory, deb, directory))
      if shell.run("command -v lintian").status ~= 0 then return end
      assert.equal("", succeeds("lintian --fail-on error,warning " .. deb))
    end)
  end)
end)
