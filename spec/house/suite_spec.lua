--- Tests the runner of the specs: it adds up results, and detects every way in which a file can
-- fail.

local shell <const> = require "spec.support.shell"

local function suite(folder, more)
  return shell.run(("%s spec/support/suite.lua 2 %s %s %s -o spec/support/report.lua %s"):format(
    shell.lua, shell.quote(folder), shell.lua, arg[0], more or ""))
end

-- Runs files with these texts. Returns the last line, whether the status is 0, and all output.
local function run(files, more)
  local result
  shell.in_directory(function(folder)
    for name, text in pairs(files) do
      shell.write(("%s/%s_spec.lua"):format(folder, name), text)
    end
    result = suite(folder, more)
  end)
  return result.out:match("([^\n]*)\n$"), result.status == 0, result.out
end

local PASSES <const> = "it('holds', function() assert(true) end)\n"

describe("the runner of the specs", function()
  it("sums up the files of a folder", function()
    local last <const>, good <const>, out <const> = run({a = PASSES .. PASSES, b = PASSES,
      c = "it('waits', function() pending('for\\nthis') end)"})
    assert.same({"3 passed, 0 failed, 1 skipped", true}, {last, good})
    assert.matches("Skipped:\n  [^\n]*c_spec.lua:1: waits %(for this%)\n", out)
  end)

  for how, text in pairs {
    ["a test that fails"] = "it('fails here', function() assert.equal(1, 2) end)",
    ["an error outside tests"] = PASSES .. "error('fails here')",
    ["a text that is not Lua"] = "fails here",
    ["no test"] = "print('fails here')",
  } do
    it("fails for " .. how, function()
      local last <const>, good <const>, out <const> = run({a = PASSES, b = text})
      assert.is_false(good)
      assert.matches("^[12] passed, 1 failed, 0 skipped$", last)
      assert.matches("here", out)
      assert.matches("Failed:\n  [^\n]*b_spec.lua", out)
    end)
  end

  for how, ending in pairs {
    ["exits with status 0 before its report"] = "os.exit(0)",
    ["exits with status 3 before its report"] = "os.exit(3)",
    ["exits with status 255, at which xargs would stop"] = "os.exit(255)",
    ["is killed"] = "os.execute('kill -9 $PPID')",
    ["exits with status 7 after its report"] = [[
      package.loaded.last = setmetatable({}, {__gc = function() os.exit(7) end})]],
    ["exits with status 0 after a failure"] = [[
      package.loaded.last = setmetatable({}, {__gc = function() os.exit(0) end})
      it('fails', function() error('here') end)]],
  } do
    it("fails when a process " .. how, function()
      local last <const>, good <const>, out <const> = run({b = PASSES .. "print('was here')\n" ..
        ending, a = PASSES, c = PASSES})
      assert.is_false(good)
      assert.not_matches(" 0 failed", last)
      assert.matches("was here", out)
      assert.matches("Failed:\n.*b_spec.lua: its process ended with status %d+ %l+ its report", out)
    end)
  end

  it("fails if no test ran, unless none-is-fine allows it", function()
    for _, case in ipairs {{{a = PASSES}, "--tags=slow", false}, {{}, "", false},
      {{a = PASSES}, "--tags=slow -Xoutput none-is-fine", true}} do
      local last <const>, good <const> = run(case[1], case[2])
      assert.same({"0 passed, 0 failed, 0 skipped", case[3]}, {last, good})
    end
    assert.is_false(suite("/no/such_spec.lua").status == 0)
  end)
end)
