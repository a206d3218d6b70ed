--- Scopes and modes that nobody held, or that coroutines opened and never closed.

local shell <const> = require "spec.support.shell"

local START <const> = [[
package.path = %q .. package.path
package.cpath = %q .. package.cpath
local braid <const> = require "braid"
]]

-- What a script prints, after braid has been required in it, and what it says aside.
local function run(text)
  local result
  shell.in_directory(function(directory)
    local path <const>, lua <const> = directory .. "/script.lua", shell.root .. "/lua"
    shell.write(path, START:format(lua .. "/?.lua;" .. lua .. "/?/init.lua;",
      shell.root .. "/" .. shell.build .. "/lib/?.so;") .. text)
    result = shell.run(shell.lua .. " " .. shell.quote(path))
  end)
  return result
end

local ADVICE <const> = "hold it until it is to end: local _ <close> = braid.scope()"

describe("a scope that nothing holds", function()
  it("frees nothing and says so once", function()
    local result <const> = run [[
for _ = 1, 3 do
  braid.scope()
  local x = braid.ones(1)
  for _ = 1, 20000 do x = x + 1 end
  print(x:item())
end
local s = braid.scope()
s = nil
local v
for _ = 1, 1e5 do v = braid.ones(50) * 3 + 1 end
print(v:sum():item())]]
    assert.equal("20001.0\n20001.0\n20001.0\n200.0\n", result.out)
    assert.equal(0, result.status)
    local _, times <const> = result.err:gsub(ADVICE:gsub("%p", "%%%0"), "")
    assert.equal(1, times)
  end)
end)
