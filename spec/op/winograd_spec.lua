--- Winograd's algorithm against the plain convolution in float64, forward and both gradients; and
-- weights that are kept transformed between calls.

local braid <const> = require "braid"
local filled <const> = require("spec.support.arrays").noise

-- The largest error that is allowed, relative to the root mean square. Winograd's errors are 3 to 6
-- times those of the plain algorithm (see the README).
local BOUND <const> = 1e-4

-- y, dx, dw and db.
local function run(case, dtype)
  local x <const> = filled(case.x, dtype, 1):requires_grad_(true)
  local w <const> = filled(case.w, dtype, 5):requires_grad_(true)
  local b <const> = case.bias and filled({case.w[1]}, dtype, 9):requires_grad_(true) or nil
  local y <const> = braid.F.conv2d(x, w, b, case.o)
  y:backward{gradient = filled(y.shape, dtype, 3)}
  return {y = y:detach(), dx = x.grad, dw = w.grad, db = b and b.grad}
end

local function error_of(a, b)
  local apart <const> = (a:to("float64") - b):abs():max():item()
  return apart / b:square():mean():sqrt():item()
end

-- Images that end in a part of a tile, channels near the vector lengths, all paddings, groups.
local CASES <const> = {
  {x = {2, 16, 12, 12}, w = {16, 16, 3, 3}, o = {padding = 1}, bias = true},
  {x = {1, 17, 13, 15}, w = {19, 17, 3, 3}, o = {padding = 0}, bias = true},
  {x = {3, 33, 11, 9}, w = {48, 33, 3, 3}, o = {padding = 2}},
  {x = {2, 40, 18, 7}, w = {60, 40, 3, 3}, o = {padding = {0, 1}}, bias = true},
  {x = {16, 64, 4, 4}, w = {31, 64, 3, 3}, o = {padding = 1}},
  {x = {2, 32, 14, 14}, w = {96, 16, 3, 3}, o = {padding = 1, groups = 2}, bias = true},
  {x = {2, 60, 10, 11}, w = {54, 20, 3, 3}, o = {padding = 1, groups = 3}},
  {x = {2, 16, 12, 12}, w = {32, 16, 5, 5}, o = {padding = 2}, bias = true},
  {x = {1, 40, 16, 9}, w = {20, 40, 5, 5}, o = {padding = 0}},
  {x = {1, 18, 9, 13}, w = {17, 18, 5, 5}, o = {padding = 4}, bias = true},
  {x = {2, 100, 16, 16}, w = {80, 20, 5, 5}, o = {padding = 2, groups = 5}},
  {x = {1, 512, 14, 12}, w = {64, 512, 3, 3}, o = {padding = 1}},
  {x = {1, 64, 8, 8}, w = {80, 64, 3, 3}, o = {padding = 1}, bias = true}, -- threads share a block
  {x = {1, 48, 6, 8}, w = {72, 48, 3, 3}, o = {padding = 1}}, -- the same
  {x = {5, 80, 12, 8}, w = {80, 80, 3, 3}, o = {padding = 1}, bias = true}, -- several blocks
  {x = {8, 192, 4, 4}, w = {192, 64, 3, 3}, o = {padding = 1, groups = 3}}, -- also in groups
  {x = {3, 20, 33, 41}, w = {24, 20, 3, 3}, o = {padding = 1}}, -- several slices of tiles
}

local function name(case)
  return ("(%s) * (%s)"):format(table.concat(case.x, ","), table.concat(case.w, ","))
end

describe("Winograd's algorithm", function()
  it("agrees with float64 in its result and its gradients", function()
    for _, case in ipairs(CASES) do
      local exact <const>, fast <const> = run(case, "float64"), run(case, "float32")
      for part, value in pairs(exact) do
        local e <const> = error_of(fast[part], value)
        assert.is_true(e < BOUND, ("%s: %s is %.2e off"):format(name(case), part, e))
      end
    end
  end)

  it("runs unless braid.set_winograd(false): its roundings differ from the plain ones", function()
    for _, case in ipairs(CASES) do
      local fast <const> = run(case, "float32")
      assert.is_true(braid.set_winograd(false))
      local plain <const> = run(case, "float32")
      assert.is_false(braid.set_winograd(true))
      for _, part in ipairs{"y", "dx"} do
        assert.is_false(fast[part]:eq(plain[part]):all():item(), name(case) .. part)
      end
      assert.is_true(error_of(fast.y, plain.y:to("float64")) < BOUND)
    end
  end)

  it("gives the same bits on any number of threads", function()
    local now <const> = braid.get_threads()
    for _, case in ipairs(CASES) do
      braid.set_threads(1)
      local one <const> = run(case, "float32")
      for _, threads in ipairs{2, 3} do
        braid.set_threads(threads)
        for part, value in pairs(run(case, "float32")) do
          assert.is_true(value:eq(one[part]):all():item(), name(case) .. part)
        end
      end
    end
    braid.set_threads(now)
  end)

  it("gives NaN only where the plain algorithm does", function()
    local x <const>, w <const> = filled({1, 16, 12, 12}, "float32", 1),
      filled({16, 16, 3, 3}, "float32", 2)
    x[{1, 3, 2, 2}] = 0 / 0
    local y <const> = braid.F.conv2d(x, w, nil, {padding = 1})
    assert.is_true(y[{1, 1, 2, 2}]:isnan():item())
    assert.is_false(y[{1, 1, 12, 12}]:isnan():item())
  end)
end)

describe("weights that are kept transformed between calls without gradients", function()
  local function forward(x, w)
    return braid.no_grad(function() return braid.F.conv2d(x, w, nil, {padding = 1}) end)
  end

  it("are transformed again when the weights change", function()
    for _, channels in ipairs{4, 16} do
      local x <const> = filled({2, channels, 12, 12}, "float32", 1)
      local w <const> = filled({16, channels, 3, 3}, "float32", 2)
      local before <const> = forward(x, w)
      assert.is_true(forward(x, w):eq(before):all():item())
      for _, change in ipairs{
        function() w:mul_(2) end,
        function() w[{1, 1, 1, 1}] = 7 end,
        function() w:copy_(filled({16, channels, 3, 3}, "float32", 8)) end,
        function() w[3]:fill_(1) end,
        function() w:view(-1)[{ {1, 9} }]:zero_() end,
      } do
        change()
        assert.is_true(forward(x, w):eq(forward(x, w:clone())):all():item())
      end
    end
  end)

  it("are never those of another part of the same storage", function()
    local both <const> = filled({32, 16, 3, 3}, "float32", 2)
    local x <const> = filled({2, 16, 12, 12}, "float32", 1)
    for _ = 1, 2 do
      for _, part in ipairs{both[{ {1, 16} }], both[{ {17, 32} }]} do
        assert.is_true(forward(x, part):eq(forward(x, part:clone())):all():item())
      end
    end
  end)

  it("are freed with the weights, and are not kept in training", function()
    collectgarbage()
    local before <const> = braid.memory().live
    do
      local x <const> = filled({2, 16, 12, 12}, "float32", 1)
      local w <const> = filled({64, 16, 3, 3}, "float32", 2):requires_grad_(true)
      forward(x, w)
      braid.F.conv2d(x, w, nil, {padding = 1}):sum():backward()
    end
    collectgarbage()
    assert.equal(before, braid.memory().live)
  end)
end)
