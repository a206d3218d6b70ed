--- gram and weighted_rows: operators over the rows of a matrix of gradients, against plain Lua.

local braid <const> = require "braid"
local ops <const> = require("braid.core").ops

local function plain_gram(x)
  local rows <const>, out <const> = x:totable(), {}
  for i, a in ipairs(rows) do
    out[i] = {}
    for j, b in ipairs(rows) do
      local sum = 0.0
      for k, v in ipairs(a) do sum = sum + v * b[k] end
      out[i][j] = sum
    end
  end
  return braid.tensor(out, {dtype = "float64"})
end

local SIZES <const> = {{1, 1}, {3, 7}, {2, 1023}, {5, 1024}, {4, 2051}, {1, 5000}, {40, 130}}

describe("gram", function()
  it("is x x^T in double, for float32 too", function()
    for _, size in ipairs(SIZES) do
      for _, dtype in ipairs{"float32", "float64"} do
        local x <const> = braid.randn(size, {dtype = dtype})
        local g <const> = ops.gram(x)
        assert.equal("float64", g.dtype)
        local wanted <const> = plain_gram(x)
        assert.is_true((g - wanted):abs():max():item() < 1e-13 * wanted:max():item() * 10)
      end
    end
  end)

  it("is 0 for rows of length 0, and the same in any memory layout of x", function()
    assert.same({{0, 0}, {0, 0}}, ops.gram(braid.zeros(2, 0)):totable())
    local x <const> = braid.randn(7, 3)
    assert.same(ops.gram(x:t():contiguous()):totable(), ops.gram(x:t()):totable())
  end)

  it("is the same to the bit on any number of threads", function()
    local before <const>, x <const> = braid.get_threads(), braid.randn(6, 300001)
    local c <const> = braid.randn(6)
    braid.set_threads(1)
    local one <const>, sum <const> = ops.gram(x):totable(), ops.weighted_rows(x, c):totable()
    for _, n in ipairs{2, 3} do
      braid.set_threads(n)
      assert.same(one, ops.gram(x):totable())
      assert.same(sum, ops.weighted_rows(x, c):totable())
    end
    braid.set_threads(before)
  end)
end)

describe("weighted_rows", function()
  it("is the sum of rows times their weights", function()
    for _, size in ipairs(SIZES) do
      for dtype, most in pairs{float32 = 1e-5, float64 = 1e-13} do
        local x <const> = braid.randn(size, {dtype = dtype})
        local w <const> = braid.randn({size[1]}, {dtype = dtype})
        local wanted <const> = (x * w:reshape(-1, 1)):sum(1)
        assert.is_true((ops.weighted_rows(x, w) - wanted):abs():max():item() < most * 10)
      end
    end
  end)

  it("refuses weights of another type or number", function()
    for _, w in ipairs{braid.ones(3), braid.ones({2}, {dtype = "float64"}), braid.ones(2, 1)} do
      assert.error_matches(function() return ops.weighted_rows(braid.ones(2, 4), w) end,
        "weights must be float32 %(2%)")
    end
  end)
end)
