--- Losses for numbers: mse, l1, smooth_l1, huber, wing.
--
-- x and target have the same shape; {reduction = "mean" | "sum" | "none", weight =, mask =}, where
-- weight and mask broadcast to that shape. A masked mean divides by the number of elements that
-- count. Weights are finite and not negative. NaN in x or target gives NaN, unless it is masked.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local shared <const> = require "braid.loss.shared"

local M <const> = {}
local ops <const> = core.ops

local MSE <const>, L1 <const> = shared.declare("mse"), shared.declare("l1")
local SMOOTH_L1 <const> = shared.declare("smooth_l1", {beta = check.number{1, from = 0}})
local HUBER <const> = shared.declare("huber", {delta = check.number{1, above = 0}})
local WING <const> = shared.declare("wing", {
  w = check.number{10, above = 0}, eps = check.number{2, above = 0},
})

--- (x - target)^2. A weighted mean divides by the sum of the weights.
-- @usage F.mse(x, y, {mask = x:gt(0)})
function M.mse(x, target, given, ...)
  if type(given) ~= "table" then
    shared.need_tensors("mse", x, target)
    return (ops.mse(x, target, given, ...))
  end
  local o <const> = check.options(MSE, given)
  if not o.weight then return (ops.mse(x, target, o)) end
  local a <const>, b <const>, left_out <const> = shared.pair("mse", x, target, o)
  return shared.weighted("mse", ops.square(a - b), o, left_out, true)
end

--- |x - target|. A weighted mean divides by the sum of the weights.
-- @usage F.l1(x, y)
function M.l1(x, target, given)
  local o <const> = check.options(L1, given)
  local a <const>, b <const>, left_out <const> = shared.pair("l1", x, target, o)
  return shared.weighted("l1", ops.abs(a - b), o, left_out, true)
end

-- d^2 / 2 up to delta, and delta (d - delta / 2) beyond it; the result times scale. Values beyond
-- delta are never squared, because the square might be infinite and its gradient NaN.
local function bent(d, delta, scale)
  local near <const> = ops.clamp(d, {max = delta})
  return ops.square(near) * (0.5 * scale) + (d - near) * (delta * scale)
end

--- Quadratic where |x - target| < beta, linear beyond (Girshick 2015). With beta = 0 it is l1.
-- @usage F.smooth_l1(x, y, {beta = 0.5})
function M.smooth_l1(x, target, given)
  local o <const> = check.options(SMOOTH_L1, given)
  local a <const>, b <const>, left_out <const> = shared.pair("smooth_l1", x, target, o)
  local d <const> = ops.abs(a - b)
  local loss <const> = o.beta == 0 and d or bent(d, o.beta, 1 / o.beta)
  return shared.weighted("smooth_l1", loss, o, left_out)
end

--- The Huber loss (1964): d^2 / 2 up to delta, delta (d - delta / 2) beyond it, d = |x - target|.
-- @usage F.huber(x, y, {delta = 1})
function M.huber(x, target, given)
  local o <const> = check.options(HUBER, given)
  local a <const>, b <const>, left_out <const> = shared.pair("huber", x, target, o)
  return shared.weighted("huber", bent(ops.abs(a - b), o.delta, 1), o, left_out)
end

--- The wing loss for landmarks, in pixels (Feng et al. 2018, eq. 5): w log(1 + d / eps) up to w,
-- d - w + w log(1 + w / eps) beyond it, where d = |x - target|.
-- @usage F.wing(x, y, {w = 10, eps = 2})
function M.wing(x, target, given)
  local o <const> = check.options(WING, given)
  local a <const>, b <const>, left_out <const> = shared.pair("wing", x, target, o)
  local d <const> = ops.abs(a - b)
  local shift <const> = o.w - o.w * math.log(1 + o.w / o.eps)
  local loss <const> = ops.where(ops.lt(d, o.w), ops.log1p(d / o.eps) * o.w, d - shift)
  return shared.weighted("wing", loss, o, left_out)
end

return M
