--- Tests that the arguments of a call stay in memory, whatever Lua code runs inside it:
-- spec/support/held.lua calls every function of the core.

local shell <const> = require "spec.support.shell"

describe("a call during which its scope closes or its arguments are collected", function()
  it("gives its answer or an error, for every function of the core", function()
    local result <const> = shell.run(("LUA_PATH='./?.lua;lua/?.lua;lua/?/init.lua' "
      .. "LUA_CPATH='%s/lib/?.so' BRAID_STRESS= %s spec/support/held.lua"):format(shell.build,
        shell.lua))
    assert.equal("", result.err)
    assert.equal(0, result.status)
    local calls <const>, answers <const> = result.out:match("^(%d+)\t(%d+)\n$")
    assert.is_true(tonumber(calls) > 2000, calls)
    assert.is_true(tonumber(answers) > 1000, answers) -- calls that kept all their arguments
  end)
end)
