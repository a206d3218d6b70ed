--- Losses of numbers: mse, l1, smooth_l1, huber, wing.
--
-- x and target have one shape; {reduction = "mean" | "sum" | "none", weight =, mask =}, the
-- last two broadcast to it. A masked mean divides by how many elements count.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local shared <const> = require "braid.loss.shared"

local M <const> = {}
local ops <const> = core.ops

--- (x - target)^2. A weighted mean divides by the sum of the weights.
-- @usage local loss = braid.loss.mse(y, target, {mask = known})
function M.mse(x, target, given, ...)
  if type(given) ~= "table" then return ops.mse(x, target, given, ...) end
  local o <const> = shared.options("mse", given, {weight = check.none})
  if not o.weight then return ops.mse(x, target, o) end
  local a <const>, b <const>, left_out <const> = shared.pair("mse", x, target, o)
  return shared.weighted(ops.square(a - b), o, left_out, true)
end

--- |x - target|. A weighted mean divides by the sum of the weights.
function M.l1(x, target, given)
  local o <const> = shared.options("l1", given, {weight = check.none})
  local a <const>, b <const>, left_out <const> = shared.pair("l1", x, target, o)
  return shared.weighted(ops.abs(a - b), o, left_out, true)
end

-- d^2 / 2 up to delta, delta (d - delta / 2) beyond it, times scale. No square is taken of
-- what lies beyond, which might be infinite and its gradient NaN.
local function bent(d, delta, scale)
  local near <const> = ops.clamp(d, {max = delta})
  return ops.square(near) * (0.5 * scale) + (d - near) * (delta * scale)
end

--- Quadratic where |x - target| < beta, linear beyond (Girshick 2015). With beta = 0 it is
-- l1.
function M.smooth_l1(x, target, given)
  local o <const> = shared.options("smooth_l1", given, {weight = check.none, beta = 1})
  if type(o.beta) ~= "number" or not (o.beta >= 0) then
    shared.bad("smooth_l1", "beta must be a number from 0, not %s", tostring(o.beta))
  end
  local a <const>, b <const>, left_out <const> = shared.pair("smooth_l1", x, target, o)
  local d <const> = ops.abs(a - b)
  return shared.weighted(o.beta == 0 and d or bent(d, o.beta, 1 / o.beta), o, left_out)
end

--- d^2 / 2 up to delta, delta (d - delta / 2) beyond it, d = |x - target| (Huber 1964).
function M.huber(x, target, given)
  local o <const> = shared.options("huber", given, {weight = check.none, delta = 1})
  shared.positive("huber", o, "delta")
  local a <const>, b <const>, left_out <const> = shared.pair("huber", x, target, o)
  return shared.weighted(bent(ops.abs(a - b), o.delta, 1), o, left_out)
end

--- w log(1 + d / eps) up to w, d - w + w log(1 + w / eps) beyond it, d = |x - target|; for
-- landmarks, in pixels (Feng et al.: "Wing loss", 2018, eq. 5).
function M.wing(x, target, given)
  local o <const> = shared.options("wing", given, {weight = check.none, w = 10, eps = 2})
  shared.positive("wing", o, "w")
  shared.positive("wing", o, "eps")
  local a <const>, b <const>, left_out <const> = shared.pair("wing", x, target, o)
  local d <const> = ops.abs(a - b)
  local shift <const> = o.w - o.w * math.log(1 + o.w / o.eps)
  local loss <const> = ops.where(ops.lt(d, o.w), ops.log1p(d / o.eps) * o.w, d - shift)
  return shared.weighted(loss, o, left_out)
end

return M
