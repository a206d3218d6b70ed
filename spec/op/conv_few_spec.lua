--- Convolutions of few output pixels with large weights have their own code. They are compared
-- with the same pixels in a larger batch, which uses the general code.

local braid <const> = require "braid"
local filled <const> = require("spec.support.arrays").noise

-- y, dx, dw and db of images x with gradients dy.
local function run(x, w, b, dy, o)
  local X <const>, W <const> = x:clone():requires_grad_(true), w:clone():requires_grad_(true)
  local B <const> = b:clone():requires_grad_(true)
  local y <const> = braid.F.conv2d(X, W, B, o)
  y:backward{gradient = dy}
  return {y = y:detach(), dx = X.grad, dw = W.grad, db = B.grad}
end

-- Images (n,c,h,w). Batches of `few` of them use the special code.
local CASES <const> = {
  {x = {40, 160, 2, 2}, w = {144, 160, 3, 3}, few = 5, o = {padding = 1}},
  {x = {20, 161, 4, 3}, w = {150, 161, 3, 3}, few = 4, o = {padding = 1, stride = 2}},
  {x = {100, 512, 1, 1}, w = {400, 512, 1, 1}, few = 50, o = {}},
  {x = {30, 450, 3, 3}, w = {450, 450, 1, 1}, few = 3, o = {stride = 2}},
  {x = {24, 130, 4, 4}, w = {100, 130, 4, 4}, few = 8, o = {dilation = 1}},
  {x = {24, 130, 5, 4}, w = {200, 130, 2, 4}, few = 2, o = {dilation = {2, 1}, padding = {1, 2}}},
  {x = {40, 3 * 160, 2, 2}, w = {3 * 141, 160, 3, 3}, few = 8, o = {padding = 1, groups = 3}},
  {x = {30, 2 * 451, 2, 2}, w = {2 * 450, 451, 1, 1}, few = 3, o = {groups = 2}},
}

describe("a convolution of few pixels and large weights", function()
  it("agrees with the same pixels in a larger batch", function()
    for _, case in ipairs(CASES) do
      for dtype, bound in pairs{float64 = 1e-12, float32 = 1e-3} do
        local x <const>, w <const> = filled(case.x, dtype, 1), filled(case.w, dtype, 7)
        local b <const> = filled({case.w[1]}, dtype, 3)
        local dy <const> = filled(braid.F.conv2d(x, w, b, case.o).shape, dtype, 5)
        local whole <const> = run(x, w, b, dy, case.o)
        local dw, db = 0, 0
        for first = 1, case.x[1], case.few do
          local range <const> = { {first, first + case.few - 1} }
          local part <const> = run(x[range]:clone(), w, b, dy[range]:clone(), case.o)
          for _, name in ipairs{"y", "dx"} do
            local apart <const> = (part[name] - whole[name][range]):abs():max():item()
            assert.is_true(apart < bound, ("%s %s: %g"):format(dtype, name, apart))
          end
          dw, db = part.dw + dw, part.db + db
        end
        assert.is_true((dw - whole.dw):abs():max():item() < bound)
        assert.is_true((db - whole.db):abs():max():item() < bound)
      end
    end
  end)

  it("gives the same bits on any number of threads", function()
    local now <const> = braid.get_threads()
    local results <const> = {}
    local x <const>, w <const> = filled({5, 160, 2, 2}, "float32", 1),
      filled({144, 160, 3, 3}, "float32", 7)
    for threads = 1, 3 do
      braid.set_threads(threads)
      results[threads] = run(x, w, filled({144}, "float32", 3),
        filled({5, 144, 2, 2}, "float32", 5), {padding = 1})
    end
    braid.set_threads(now)
    for threads = 2, 3 do
      for name, value in pairs(results[threads]) do
        assert.is_true(value:eq(results[1][name]):all():item(), name)
      end
    end
  end)
end)
