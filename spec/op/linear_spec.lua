--- Linear layers with large weights, for which Braid has its own code ("streamed"), against matrix
-- products, which OpenBLAS computes.

local braid <const> = require "braid"
local F <const> = braid.F

local function leaf(float, ...)
  return braid.randn({...}, {dtype = float}):requires_grad_()
end

-- The largest difference, in units of the rounding error of a sum of n products near 1.
local function difference(a, b, n)
  return ((a - b):abs():max() / ((n + 20) * (a.dtype == "float32" and 6e-8 or 1e-16))):item()
end

-- Rows, inputs, outputs. Weights are so large that forward and backward are streamed. Sizes are
-- not multiples of any tile, and numbers of rows are near a tile's height.
local SIZES <const> = {{1, 3001, 1700}, {2, 1000, 5003}, {7, 2501, 2050}, {14, 5002, 1001},
  {33, 4097, 1250}, {40, 700, 301}, {96, 2503, 2001}}

describe("linear with large weights and few rows", function()
  for _, float in ipairs{"float32", "float64"} do
    for i, size in ipairs(SIZES) do
      local m <const>, k <const>, n <const> = table.unpack(size)
      if float == "float32" or i == 3 then
        it(("agrees with matmul, (%d,%d) by (%d,%d), %s"):format(m, k, n, k, float), function()
          braid.manual_seed(i)
          local _ <close> = braid.scope()
          local x <const>, w <const> = leaf(float, m, k), leaf(float, n, k)
          local b <const> = leaf(float, n)
          local dy <const> = braid.randn(m, n, {dtype = float})
          local y <const> = F.linear(x, w, b)
          local expected <const> = x:detach():matmul(w:detach():t()) + b:detach()
          assert.is_true(difference(y:detach(), expected, k) < 4)
          y:backward{gradient = dy}
          assert.is_true(difference(x.grad, dy:matmul(w:detach()), n) < 4)
          assert.is_true(difference(w.grad, dy:t():contiguous():matmul(x:detach()), m) < 4)
          assert.is_true(difference(b.grad, dy:sum(1), m) < 4)
        end)
      end
    end
  end

  it("takes inputs and weights in other memory layouts", function()
    local x <const> = braid.randn(1500, 7):t()
    local w <const>, wide <const> = braid.randn(1001, 1500), braid.randn(1001, 3000)
    local expected <const> = x:contiguous():matmul(w:t())
    assert.is_true(difference(F.linear(x, w), expected, 1500) < 4)
    local part <const> = wide:narrow(2, 1, 1500)
    assert.is_true(difference(F.linear(x, part), x:contiguous():matmul(part:t()), 1500) < 4)
  end)

  it("gives the same bits on one thread and on several", function()
    local function results(threads)
      braid.set_threads(threads)
      braid.manual_seed(1)
      local x <const>, w <const> = leaf("float32", 17, 2503), leaf("float32", 2100, 2503)
      local y <const> = F.linear(x, w)
      y:backward{gradient = y:detach()}
      return {y:detach(), x.grad, w.grad}
    end
    local before <const> = braid.get_threads()
    local one <const> = results(1)
    for _, threads in ipairs{2, 3} do
      for i, t in ipairs(results(threads)) do assert.equal(0, t:ne(one[i]):sum():item()) end
    end
    braid.set_threads(before)
  end)
end)
