--- Parts that losses share: checks of shapes and options, masks, weights, reductions.
--
-- An element that a mask leaves out is replaced by a harmless one before anything is
-- computed of it, and its loss by 0 afterwards. Nothing is multiplied: not even NaN there
-- reaches the result or a gradient.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}
local ops <const> = core.ops

--- "(2, 3)" for messages.
function M.shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

--- The caller's mistake, under the loss's name.
function M.bad(name, format, ...)
  check.fail("%s: %s", name, format:format(...))
end

local function need_tensor(name, what, value)
  if core.is_tensor(value) then return end
  M.bad(name, "%s must be a tensor, not %s", what, check.shown(value))
end

--- Declares the options of a loss: those of every one, and more by name.
function M.declare(name, more)
  local known <const> = {weight = check.tensor(), mask = check.tensor(),
    reduction = check.choice{"mean", "sum", "none"}}
  for key, kind in pairs(more or {}) do known[key] = kind end
  return check.declare(name, known)
end

--- Refuses what is no tensor: an operator would take a table for options.
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

--- All values of t must be as `good` (bool, of t's shape) says, or the first that is not
-- goes into the message.
function M.need_values(name, what, t, good, wanted)
  if ops.all(good):item() then return end
  local first <const> = ops.masked_select(t:detach(), ops.logical_not(good))[1]:item()
  M.bad(name, "%s must %s, not %s", what, wanted, check.shown(first))
end

--- Weights, of classes or elements: finite numbers from 0.
function M.need_weights(name, what, weight)
  M.need_values(name, what, weight, ops.logical_and(ops.ge(weight, 0), ops.isfinite(weight)),
    "hold finite numbers from 0")
end

--- Targets that are shares or probabilities.
function M.need_shares(name, target)
  M.need_values(name, "target", target, ops.logical_and(ops.ge(target, 0), ops.le(target, 1)),
    "lie between 0 and 1")
end

--- Targets that stand for two sides.
function M.need_sides(name, target)
  M.need_values(name, "target", target, ops.eq(ops.abs(target), 1), "be 1 or -1")
end

--- The elements that a mask leaves out, in the given shape; nil without a mask.
function M.left_out(name, mask, shape)
  if not mask then return nil end
  M.need_fit(name, "mask", mask, shape)
  return ops.expand(ops.logical_not(mask), shape)
end

--- t with `value` where it is left out.
function M.fill(t, left_out, value)
  return left_out and ops.masked_fill(t, left_out, value) or t
end

--- Prediction and target of one shape, harmless (`value`) where the mask leaves them out.
-- @return x, target, what is left out or nil
function M.pair(name, x, target, o, value)
  M.need_float(name, "input", x)
  M.same_shape(name, x, target)
  local left_out <const> = M.left_out(name, o.mask, x.shape)
  if o.weight then M.need_fit(name, "weight", o.weight, x.shape) end
  if not is_float(target) then target = ops.to(target, x.dtype) end
  return M.fill(x, left_out, value or 0), M.fill(target, left_out, value or 0), left_out
end

--- The losses of all elements, their sum, or the sum over `total` (how many count unless given).
-- Where nothing counts, the mean is exactly 0.
function M.reduce(loss, o, left_out, total)
  loss = M.fill(loss, left_out, 0)
  if o.reduction == "none" then return loss end
  if o.reduction == "sum" then return ops.sum(loss) end
  if not total and not left_out and loss:numel() > 0 then return ops.mean(loss) end
  total = total or loss:numel() - (left_out and ops.count_nonzero(left_out):item() or 0)
  if total == 0 then return ops.sum(loss) * 0 end
  return ops.sum(loss) / total
end

--- The same after weighting. `by_weight`: a weighted mean divides by the sum of the
-- weights that count, not by their number.
function M.weighted(name, loss, o, left_out, by_weight)
  if not o.weight then return M.reduce(loss, o, left_out) end
  local weight <const> = M.fill(ops.expand(o.weight, loss.shape), left_out, 0)
  M.need_weights(name, "weight", left_out and weight or o.weight)
  local total <const> = by_weight and o.reduction == "mean" and ops.sum(weight):item() or nil
  return M.reduce(loss * weight, o, left_out, total)
end

return M
