--- The team of threads: the same bits with any number of threads, with more than there are
-- processors, and with a number that grows and shrinks.

local braid <const> = require "braid"
local F <const> = braid.F

describe("threads", function()
  it("are as many as were set, and results do not depend on their number", function()
    local before <const> = braid.get_threads()
    local x <const> = braid.randn(8, 20, 33, 31)
    local w <const>, scale <const>, shift <const> = braid.randn(24, 20, 3, 3), braid.ones(24),
      braid.zeros(24)
    local function run() -- regions with loops that wait for each other
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
