--- Tests that a process that has worked in parallel ends normally. If OpenMP's library were
-- unloaded while its threads sleep, a signal would end the process after all its output.

local shell <const> = require "spec.support.shell"

-- Products, a convolution and their gradients, large enough to be shared among threads.
local WORK <const> = [[
package.path = %q .. package.path
package.cpath = %q .. package.cpath
local braid <const> = require "braid"
braid.set_threads(4)
local a <const> = braid.randn(256, 256, {requires_grad = true})
local x <const> = braid.randn(8, 8, 32, 32, {requires_grad = true})
local w <const> = braid.randn(16, 8, 3, 3, {requires_grad = true})
local loss <const> = braid.F.conv2d(x, w, nil, {padding = 1}):relu():sum() + a:matmul(a):sum()
loss:backward()
assert(w.grad.shape[1] == 16 and a.grad.shape[1] == 256)
]]

local function run(last)
  local result
  shell.in_directory(function(directory)
    local path <const> = directory .. "/work.lua"
    local lua <const> = shell.root .. "/lua"
    local work <const> = WORK:format(lua .. "/?.lua;" .. lua .. "/?/init.lua;",
      shell.root .. "/" .. shell.build .. "/lib/?.so;")
    shell.write(path, work .. (last or ""))
    result = shell.run(shell.lua .. " " .. shell.quote(path))
  end)
  return result
end

describe("a process that has worked in parallel", function()
  it("ends normally, in each of 20 runs", function()
    for _ = 1, 20 do
      assert.same({status = 0, signal = false, out = "", err = ""}, run())
    end
  end)

  it("ends with status 1 and the message after an error", function()
    local result <const> = run "error('stop here')"
    assert.equal(1, result.status)
    assert.matches("stop here\nstack traceback:", result.err)
  end)

  it("ends with the status of os.exit, with and without closing its state", function()
    for _, last in ipairs({"os.exit(0)", "os.exit(0, true)", "os.exit(true, true)"}) do
      assert.same({status = 0, signal = false, out = "", err = ""}, run(last))
    end
    assert.equal(3, run("os.exit(3, true)").status)
  end)

  it("ends normally with tensors that are still in use because the collector never ran", function()
    local result <const> = run "collectgarbage('stop'); kept = {a, x, w, loss}"
    assert.same({status = 0, signal = false, out = "", err = ""}, result)
  end)
end)
