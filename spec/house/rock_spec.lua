--- Tests the rock: luarocks builds it into a separate tree, and it is used from another directory.

local shell <const> = require "spec.support.shell"
local quote <const> = shell.quote

local SCRIPT <const> = [[
local braid <const> = require "braid"
local x <const> = braid.ones(2, 2, {requires_grad = true})
x:matmul(x):sum():backward()
print(x.grad:sum():item(), package.searchpath("braid", package.path),
  package.searchpath("braid.core", package.cpath))
]]

describe("the rock", function()
  it("installs a module that works without the sources", function()
    if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
    if not shell.run("command -v luarocks").out:find("/") then pending("there is no luarocks") end
    shell.in_directory(function(directory)
      local tree <const> = directory .. "/tree"
      local before <const> = shell.run("git status --porcelain --ignored").out
      local made <const> = shell.run("luarocks --lua-version=5.4 --tree " .. quote(tree) ..
        " make --deps-mode none rocks/braid-scm-1.rockspec")
      assert(made.status == 0, made.out .. made.err)
      assert.equal(before, shell.run("git status --porcelain --ignored").out)

      shell.write(directory .. "/script.lua", SCRIPT)
      local share <const>, lib <const> = tree .. "/share/lua/5.4", tree .. "/lib/lua/5.4"
      local stock <const> = shell.run(("cd / && LUA_PATH=%s LUA_CPATH=%s lua5.4 %s"):format(
        quote(share .. "/?.lua;" .. share .. "/?/init.lua"), quote(lib .. "/?.so"),
        quote(directory .. "/script.lua")))
      assert.same({status = 0, signal = false, err = "",
        out = ("16.0\t%s/braid/init.lua\t%s/braid/core.so\n"):format(share, lib)}, stock)

      local command <const> = shell.run(("cd / && %s %s"):format(quote(tree .. "/bin/braid"),
        quote(directory .. "/script.lua")))
      assert.equal("", command.err)
      local lua <const>, core <const> = command.out:match("^16%.0\t([^\t]+)\t([^\t]+)\n$")
      for _, path in ipairs({lua, core}) do
        local real <const> = shell.run("readlink -f " .. quote(path)).out
        assert.equal(tree .. "/", real:sub(1, #tree + 1))
      end
    end)
  end)
end)
