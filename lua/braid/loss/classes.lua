--- Losses for class labels: cross_entropy, nll, focal.
--
-- x is (n,c,...), target (n,...) with labels from 1. A label does not count if it equals `ignore`
-- (default: -100, the loader's mark for a missing label) or if a mask (n,...) leaves it out. A
-- batch without labels gives 0 and no gradient.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local shared <const> = require "braid.loss.shared"

local M <const> = {}
local ops <const> = core.ops

local MISSING <const> = core.missing_class

local CROSS_ENTROPY <const> = shared.declare("cross_entropy", {
  label_smoothing = check.number{0, from = 0, to = 1}, ignore = check.whole(MISSING),
})
local NLL <const> = shared.declare("nll", {ignore = check.whole(MISSING)})
local FOCAL <const> = shared.declare("focal", {
  gamma = check.number{2, from = 0}, ignore = check.whole(MISSING),
  alpha = check.either(check.tensor(), check.number{from = 0, to = 1}),
})

local function is_float(t)
  return core.is_tensor(t) and (t.dtype == "float32" or t.dtype == "float64")
end

-- Converts labels to a type that can hold any mark for a missing label.
local function wide(target) return target.dtype == "int64" and target or ops.to(target, "int64") end

-- The loss if the target gives each class a probability, (n,c,...) like x. As in PyTorch, a mean is
-- over (n,...), whatever the weights are.
local function soft_entropy(x, target, given)
  local name <const> = "cross_entropy"
  local o <const> = check.options(CROSS_ENTROPY, given)
  shared.need_float(name, "input", x)
  local shape <const>, column <const> = x.shape, {1, x.shape[2]}
  table.remove(shape, 2)
  for d = 3, x:dim() do column[d] = 1 end
  if o.weight and shared.shape_text(o.weight) ~= "(" .. column[2] .. ")" then
    shared.bad(name, "weight must have shape (%d), not %s", column[2],
      shared.shape_text(o.weight))
  end
  local left_out <const> = shared.left_out(name, o.mask, shape)
  local classes <const> = left_out and ops.unsqueeze(left_out, 2)
  local t = shared.fill(target, classes, 0)
  shared.need_values(name, "target", t, ops.logical_and(ops.ge(t, 0), ops.le(t, 1.001)),
    "hold probabilities, from 0 to 1")
  if o.label_smoothing > 0 then
    t = t * (1 - o.label_smoothing) + o.label_smoothing / column[2]
  end
  if o.weight then
    shared.need_weights(name, "weight", o.weight)
    t = t * ops.reshape(o.weight, column)
  end
  local log_p <const> = ops.log_softmax(shared.fill(x, classes, 0), 2)
  local none <const> = ops.eq(t, 0) -- 0 log 0 = 0
  return shared.reduce(-ops.sum(t * shared.fill(log_p, none, 0), 2), o, left_out)
end

--- -log softmax(x) at the labels. A float target of x's shape instead gives each class a
-- probability, as for mixed images or another network's answers.
--
-- {weight = (c), a weight for each class (a mean divides by the sum of the labels' weights);
-- label_smoothing = 0 to 1 (Szegedy et al. 2016); ignore = -100; mask =; reduction =}
-- @usage F.cross_entropy(x, labels, {label_smoothing = 0.1})
function M.cross_entropy(x, target, given, ...)
  if is_float(target) and core.is_tensor(x) and x:dim() > 1 and
    shared.shape_text(x) == shared.shape_text(target) then
    if core.is_tensor(given) then given = {weight = given} end
    return soft_entropy(x, target, given)
  end
  if type(given) ~= "table" then
    shared.need_tensors("cross_entropy", x, target)
    return (ops.cross_entropy(x, target, given, ...))
  end
  local o <const> = check.options(CROSS_ENTROPY, given)
  if o.mask and core.is_tensor(target) then
    target = shared.fill(wide(target), shared.left_out("cross_entropy", o.mask, target.shape),
      o.ignore)
  end
  return ops.cross_entropy(x, target, {weight = o.weight, label_smoothing = o.label_smoothing,
    reduction = o.reduction, ignore = o.ignore})
end

-- Checks x and the labels. Returns x with 0 in rows that do not count, a bool tensor (n,...) of
-- rows that do not count, and a bool tensor (n,c,...) that is true at each label.
local function labelled(name, x, target, o)
  shared.need_float(name, "input", x)
  local shape <const> = x.shape
  if #shape < 2 then
    shared.bad(name, "input must have shape (n, classes, ...), not %s", shared.shape_text(x))
  end
  local classes <const> = table.remove(shape, 2)
  local wanted <const> = table.concat(shape, ", ")
  if not core.is_tensor(target) or table.concat(target.shape, ", ") ~= wanted then
    shared.bad(name, "target must have shape (%s) for input %s, not %s", wanted,
      shared.shape_text(x), core.is_tensor(target) and shared.shape_text(target) or type(target))
  end
  if is_float(target) then
    shared.bad(name, "target must hold class labels (integers from 1), not %s", target.dtype)
  end
  target = shared.fill(wide(target), shared.left_out(name, o.mask, shape), o.ignore)
  local missing <const> = ops.eq(target, o.ignore)
  local strange <const> = ops.logical_and(ops.logical_not(missing),
    ops.logical_or(ops.lt(target, 1), ops.gt(target, classes)))
  if ops.any(strange):item() then
    local label <const> = ops.masked_select(target, strange)[1]:item()
    shared.bad(name, "target %d is not one of the classes 1 to %d%s", label, classes,
      label ~= 0 and "" or "; labels count from 1 (counted from 0? add 1; if 0 marks a missing "
      .. "label, say {ignore = 0})")
  end
  target = shared.fill(target, missing, 0)
  local ladder <const>, column = {}, {1, classes}
  for j = 1, classes do ladder[j] = j end
  for d = 3, x:dim() do column[d] = 1 end
  local each <const> = ops.reshape(core.from_table(ladder, "int64"), column)
  local here <const> = ops.eq(ops.unsqueeze(target, 2), each)
  return shared.fill(x, ops.unsqueeze(missing, 2), 0), missing, here, column
end

-- The entries of x (n,c,...) at the labels, or 0 if there is no label: (n,...).
local function at_labels(x, here) return ops.sum(ops.where(here, x, 0), 2) end

-- The entries of a tensor (c) at the labels.
local function of_class(name, what, w, here, column)
  if w:dim() ~= 1 or w:numel() ~= column[2] then
    shared.bad(name, "%s must have shape (%d), not %s", what, column[2], shared.shape_text(w))
  end
  shared.need_weights(name, what, w)
  return at_labels(ops.reshape(w, column), here)
end

--- -x at the labels, for log-probabilities x. {weight = (c), as for cross_entropy}
-- @usage F.nll(x:log_softmax(2), labels)
function M.nll(x, target, given)
  local o <const> = check.options(NLL, given)
  local known <const>, missing <const>, here <const>, column <const> = labelled("nll", x, target, o)
  local loss <const> = -at_labels(known, here)
  if not o.weight then return shared.reduce(loss, o, missing) end
  local weight <const> = of_class("nll", "weight", o.weight, here, column)
  return shared.reduce(loss * weight, o, missing, ops.sum(weight):item())
end

-- base^gamma, with a slope of 0 at 0 even for gamma < 1.
local function modulation(base, gamma)
  if gamma == 0 then return 1 end
  return ops.pow(gamma < 1 and ops.clamp(base, 1e-30) or base, gamma)
end

-- The loss of x (any shape) for a target of the same shape between 0 and 1, as in torchvision.
local function focal_binary(x, target, o)
  local a <const>, t <const>, left_out <const> = shared.pair("focal", x, target, o)
  shared.need_shares("focal", t)
  local wrong <const> = t * ops.sigmoid(-a) + (1 - t) * ops.sigmoid(a)
  local entropy <const> = t * ops.softplus(-a) + (1 - t) * ops.softplus(a)
  local loss = entropy * modulation(wrong, o.gamma)
  if o.alpha then loss = loss * (t * o.alpha + (1 - t) * (1 - o.alpha)) end
  return shared.weighted("focal", loss, o, left_out)
end

--- Focal loss (Lin et al. 2017, eq. 4 and 5): cross-entropy times (1 - p)^gamma, where p is the
-- probability of the label, so that easy samples count less. With labels from 1, x (n,c,...) goes
-- through softmax and alpha is a tensor (c) or nil. With a float target of x's shape, x goes
-- through sigmoid, alpha is the weight of the positive part and 1 - alpha the weight of the
-- negative part. A mean divides by the number of elements that count.
-- @usage F.focal(x, labels, {gamma = 2})
function M.focal(x, target, given)
  local o <const> = check.options(FOCAL, given)
  local labels <const> = core.is_tensor(target) and not is_float(target)
  local wanted <const> = labels and "a tensor of the classes" or "a number"
  if o.alpha ~= nil and (labels and not core.is_tensor(o.alpha) or
    not labels and type(o.alpha) ~= "number") then
    shared.bad("focal", "alpha must be %s with this target, not %s", wanted, check.shown(o.alpha))
  end
  if not labels then return focal_binary(x, target, o) end
  local known <const>, missing <const>, here <const>, column <const> =
    labelled("focal", x, target, o)
  local log_p <const> = at_labels(ops.log_softmax(known, 2), here)
  local loss = -log_p * modulation(-ops.expm1(log_p), o.gamma)
  if o.alpha then loss = loss * of_class("focal", "alpha", o.alpha, here, column) end
  if o.weight then shared.need_fit("focal", "weight", o.weight, loss.shape) end
  return shared.weighted("focal", loss, o, missing)
end

return M
