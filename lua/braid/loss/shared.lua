--- Parts that losses share: checks of shapes and options, masks, weights, reductions.
--
-- If a mask leaves an element out, a harmless value replaces it before any computation, and 0
-- replaces its loss afterwards. Multiplying by 0 would let a NaN reach the result or a gradient.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}
local ops <const> = core.ops

--- A tensor's shape for messages: "(2, 3)".
function M.shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

--- Raises an error in the caller, with the loss's name.
function M.bad(name, format, ...)
  check.fail("%s: %s", name, format:format(...))
end

local function need_tensor(name, what, value)
  if core.is_tensor(value) then return end
  M.bad(name, "%s must be a tensor, not %s", what, check.shown(value))
end

--- Declares the options of a loss: the common options, and further options by name.
function M.declare(name, more)
  local known <const> = {weight = check.tensor(), mask = check.tensor(),
    reduction = check.choice{"mean", "sum", "none"}}
  for key, kind in pairs(more or {}) do known[key] = kind end
  return check.declare(name, known)
end

--- Raises an error if a value is not a tensor. An operator would read a table as its options.
function M.need_tensors(name, x, target)
  need_tensor(name, "input", x)
  need_tensor(name, "target", target)
end

local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

function M.need_float(name, what, t)
  need_tensor(name, what, t)
  if not is_float(t) then M.bad(name, "%s must be a float tensor, not %s", what, t.dtype) end
end

--- Whether t broadcasts to `shape` without enlarging it.
function M.fits(t, shape)
  local own <const> = t.shape
  for d = 0, #own - 1 do
    local size <const> = own[#own - d]
    if size ~= 1 and size ~= shape[#shape - d] then return false end
  end
  return #own <= #shape
end

function M.need_fit(name, what, t, shape)
  if not M.fits(t, shape) then
    M.bad(name, "%s %s does not broadcast to (%s)", what, M.shape_text(t),
      table.concat(shape, ", "))
  end
end

function M.same_shape(name, x, target, what)
  need_tensor(name, what or "target", target)
  if M.shape_text(x) ~= M.shape_text(target) then
    M.bad(name, "input %s and %s %s must have the same shape", M.shape_text(x),
      what or "target", M.shape_text(target))
  end
end

--- Raises an error if `good` (bool, t's shape) is false anywhere. The message shows the first such
-- value of t.
function M.need_values(name, what, t, good, wanted)
  if ops.all(good):item() then return end
  local first <const> = ops.masked_select(t:detach(), ops.logical_not(good))[1]:item()
  M.bad(name, "%s must %s, not %s", what, wanted, check.shown(first))
end

--- Checks weights of classes or elements: they are finite and not negative.
function M.need_weights(name, what, weight)
  M.need_values(name, what, weight, ops.logical_and(ops.ge(weight, 0), ops.isfinite(weight)),
    "hold finite numbers from 0")
end

--- Checks targets that are shares or probabilities.
function M.need_shares(name, target)
  M.need_values(name, "target", target, ops.logical_and(ops.ge(target, 0), ops.le(target, 1)),
    "lie between 0 and 1")
end

--- Checks targets that are 1 or -1.
function M.need_sides(name, target)
  M.need_values(name, "target", target, ops.eq(ops.abs(target), 1), "be 1 or -1")
end

--- The elements that a mask leaves out, in this shape; nil without a mask.
function M.left_out(name, mask, shape)
  if not mask then return nil end
  M.need_fit(name, "mask", mask, shape)
  return ops.expand(ops.logical_not(mask), shape)
end

--- Replaces the elements of t that are left out by `value`.
function M.fill(t, left_out, value)
  return left_out and ops.masked_fill(t, left_out, value) or t
end

--- Prediction and target in the same shape. A harmless `value` replaces the elements that the mask
-- leaves out.
-- @return x, target, and the elements that are left out or nil
function M.pair(name, x, target, o, value)
  M.need_float(name, "input", x)
  M.same_shape(name, x, target)
  local left_out <const> = M.left_out(name, o.mask, x.shape)
  if o.weight then M.need_fit(name, "weight", o.weight, x.shape) end
  if not is_float(target) then target = ops.to(target, x.dtype) end
  return M.fill(x, left_out, value or 0), M.fill(target, left_out, value or 0), left_out
end

--- Reduces the losses of all elements as o.reduction says: all of them, their sum, or the sum
-- divided by `total` (default: the number of elements that count). If no element counts, the mean
-- is exactly 0.
function M.reduce(loss, o, left_out, total)
  loss = M.fill(loss, left_out, 0)
  if o.reduction == "none" then return loss end
  if o.reduction == "sum" then return ops.sum(loss) end
  if not total and not left_out and loss:numel() > 0 then return ops.mean(loss) end
  total = total or loss:numel() - (left_out and ops.count_nonzero(left_out):item() or 0)
  if total == 0 then return ops.sum(loss) * 0 end
  return ops.sum(loss) / total
end

--- Weights the losses and then reduces them. by_weight: a weighted mean divides by the sum of the
-- weights that count, not by their number.
function M.weighted(name, loss, o, left_out, by_weight)
  if not o.weight then return M.reduce(loss, o, left_out) end
  local weight <const> = M.fill(ops.expand(o.weight, loss.shape), left_out, 0)
  M.need_weights(name, "weight", left_out and weight or o.weight)
  local total <const> = by_weight and o.reduction == "mean" and ops.sum(weight):item() or nil
  return M.reduce(loss * weight, o, left_out, total)
end

return M
