--- Commands of the command line: each is a file of lua/braid/cli that says how it is used.

local braid <const> = require "braid"
local mtl <const> = braid.mtl
local folder <const> = require "braid.folder"
local shell <const> = require "spec.support.shell"

local commands <const> = folder("braid.cli", {internal = {"launcher"}})

local function run(arguments)
  if shell.sanitized then pending("the stock Lua cannot load a core with sanitizers") end
  return shell.run(shell.build .. "/braid " .. arguments)
end

describe("the command line", function()
  for _, name in ipairs(folder.names(commands)) do
    it("lists " .. name .. " in its help", function()
      assert.equal(name, commands[name].usage:match("^%S+"))
      assert.is_truthy(run("--help").out:find("\n       braid " .. commands[name].usage, 1, true))
    end)

    it("says in one line what is wrong with a call of " .. name, function()
      local result <const> = run(name .. " --no-such-option=1 /no/such/file")
      assert.equal(1, result.status)
      assert.matches("^braid: " .. name .. ": [^\n]+\n$", result.err)
    end)
  end

  it("inspects the file of a network", function()
    shell.in_directory(function(directory)
      local path <const> = directory .. "/net.safetensors"
      braid.save(path, braid.model("models/tcdcn.lua", {tasks = mtl.tasks{pose = mtl.classes{5}}}))
      local shown <const> = tostring(braid.inspect(path)) .. "\n"
      assert.same({status = 0, signal = false, err = "", out = shown}, run("inspect " .. path))
    end)
  end)

  it("takes a word that is no command for a script", function()
    assert.matches("^braid: cannot open frobnicate", run("frobnicate").err)
  end)
end)
