--- Tests that results are equal bit for bit with any number of threads, also more than there are
-- processors, and after the number has changed.

local braid <const> = require "braid"
local F <const> = braid.F

describe("braid.set_threads", function()
  it("does not change results, for any number of threads", function()
    local before <const> = braid.get_threads()
    local x <const> = braid.randn(8, 20, 33, 31)
    local w <const>, scale <const>, shift <const> = braid.randn(24, 20, 3, 3), braid.ones(24),
      braid.zeros(24)
    local function run() -- in batch_norm, threads wait for each other between loops
      return F.batch_norm(F.conv2d(x, w, nil, {padding = 1}), scale, shift, nil, nil,
        {training = true})
    end
    braid.set_threads(1)
    local alone <const> = run()
    for _, n in ipairs{2, 3, 5, 8, 13, 300, 2, 1} do
      braid.set_threads(n)
      for _ = 1, 5 do assert.is_true(run():eq(alone):all():item(), n .. " threads") end
    end
    braid.set_threads(before)
  end)
end)
