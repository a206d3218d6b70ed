--- Max pooling against a loop in Lua. It stores the place of each result in one byte, or in four
-- bytes for windows of 256 pixels and more. And gradients that are written into dy's memory.

local braid <const> = require "braid"
local F <const> = braid.F

-- The result of max_pool2d of x (n,c,h,w), as nested tables, and the gradient for dy of ones.
local function reference(x, kernel, stride, padding, oh, ow)
  local h <const>, w <const> = #x[1][1], #x[1][1][1]
  local y <const>, dx <const> = {}, {}
  for n = 1, #x do
    y[n], dx[n] = {}, {}
    for c = 1, #x[n] do
      y[n][c], dx[n][c] = {}, {}
      for i = 1, h do
        dx[n][c][i] = {}
        for j = 1, w do dx[n][c][i][j] = 0 end
      end
      for oi = 1, oh do
        y[n][c][oi] = {}
        for oj = 1, ow do
          local best, bi, bj = -math.huge, nil, nil
          local top <const>, left <const> = (oi - 1) * stride - padding, (oj - 1) * stride - padding
          for i = math.max(top + 1, 1), math.min(top + kernel, h) do
            for j = math.max(left + 1, 1), math.min(left + kernel, w) do
              local v <const> = x[n][c][i][j]
              if v > best then best, bi, bj = v, i, j end
            end
          end
          y[n][c][oi][oj] = best
          dx[n][c][bi][bj] = dx[n][c][bi][bj] + 1
        end
      end
    end
  end
  return y, dx
end

-- Kernel, stride, padding, ceil_mode. Windows are side by side (with pixels left over, or with
-- windows beyond the edge), apart, or overlapping. The last two have 225 and 256 pixels.
local CASES <const> = {{2, 2, 0, false}, {2, 2, 0, true}, {3, 3, 1, true}, {2, 3, 0, false},
  {3, 2, 1, false}, {15, 4, 7, false}, {16, 4, 7, false}}

describe("pooling", function()
  for _, case in ipairs(CASES) do
    local kernel <const>, stride <const>, padding <const>, ceil_mode <const> = table.unpack(case)
    for _, float in ipairs{"float32", "float64"} do
      it(("by max_pool2d of %d by %d, stride %d, padding %d, %s, takes the first of equal values")
        :format(kernel, kernel, stride, padding, float), function()
        braid.manual_seed(kernel)
        for _, c in ipairs{1, 16, 19} do
          -- Few values, so that many are equal.
          local x <const> = braid.randint(-3, 3, {2, c, 17, 18}):to(float):requires_grad_()
          local y <const> = F.max_pool2d(x, kernel,
            {stride = stride, padding = padding, ceil_mode = ceil_mode})
          local expected <const>, dx <const> = reference(x:detach():totable(), kernel, stride,
            padding, y:size(3), y:size(4))
          assert.same(expected, y:detach():to("int64"):totable())
          y:backward{gradient = braid.ones_like(y)}
          assert.same(dx, x.grad:to("int64"):totable())
        end
      end)
    end
  end

  it("agrees with unfolded windows, where windows have many pixels", function()
    braid.manual_seed(3)
    local x <const> = braid.randn(2, 3, 40, 50, {dtype = "float64"})
    for _, k in ipairs{17, 20, 33} do
      local pad <const> = k // 2
      local windows <const> = F.pad(x, {pad, pad, pad, pad}):unfold(3, k, 7):unfold(4, k, 7)
      local mean <const> = F.avg_pool2d(x, k, 7, pad)
      assert.is_true((windows:mean({5, 6}) - mean):abs():max():item() < 1e-14)
      local best <const> = F.max_pool2d(x, k, 7, pad) -- above the 0 of the padding
      assert.is_true(windows:clone():flatten(5, 6):max(5):eq(best):all():item())
    end
    assert.is_true(braid.gradcheck(function(z)
      return F.max_pool2d(z, 18, 3, 9), F.avg_pool2d(z, 18, 3, 9), F.adaptive_max_pool2d(z, 2)
    end, {braid.randn(1, 2, 36, 36, {dtype = "float64"}):requires_grad_()}))
    x[{2, 3, 39, 49}] = 0 / 0
    local y <const> = F.adaptive_max_pool2d(x, 1)
    assert.equal(1, y:isnan():count_nonzero():item())
  end)

  it("by adaptive_avg_pool2d counts all of 25 million values", function()
    assert.equal(1, F.adaptive_avg_pool2d(braid.ones(1, 1, 5000, 5000), 1):item())
  end)

  it("by max_pool2d takes the first NaN of a window", function()
    local x <const> = braid.zeros(1, 16, 4, 4)
    x[{ {}, {}, 1, 2 }], x[{ {}, {}, 2, 1 }] = 0 / 0, 0 / 0
    x:requires_grad_()
    local y <const> = F.max_pool2d(x, 2)
    y:backward{gradient = braid.ones_like(y)}
    for c = 1, 16 do
      assert.is_true(y[{1, c, 1, 1}]:item() ~= y[{1, c, 1, 1}]:item())
      assert.same({1, 0}, {x.grad[{1, c, 1, 2}]:item(), x.grad[{1, c, 2, 1}]:item()})
    end
  end)
end)

describe("an elementwise gradient that takes dy's memory", function()
  it("does not change a gradient that the user, a hook or the caller holds", function()
    local x <const> = braid.tensor{-1, 2, 3}:requires_grad_()
    local seen
    local y <const> = x * 2
    y:register_hook(function(g) seen = g end)
    local z <const> = y:relu()
    local given <const> = braid.tensor{1, 10, 100}
    z:backward{gradient = given}
    assert.same({1, 10, 100}, given:totable())
    assert.same({0, 10, 100}, seen:totable())
    assert.same({0, 20, 200}, x.grad:totable())
  end)

  it("is right where a result is used twice, and where shapes broadcast", function()
    local x <const>, w <const> = braid.tensor{ {-1, 2}, {3, -4} }:requires_grad_(),
      braid.tensor{2, 5}:requires_grad_()
    local y <const> = (x * w):relu();
    (y + y * y):sum():backward()
    -- d/dx = w (1 + 2 y) where y > 0, y = {{0, 10}, {6, 0}}
    assert.same({ {0, 105}, {26, 0} }, x.grad:totable())
    assert.same({39, 42}, w.grad:totable())
  end)
end)
