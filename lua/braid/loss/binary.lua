--- Losses for two classes and for distributions: bce, bce_with_logits, kl_div, hinge, cosine.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local shared <const> = require "braid.loss.shared"

local M <const> = {}
local ops <const> = core.ops

local BCE <const>, HINGE <const> = shared.declare("bce"),
  shared.declare("hinge", {margin = check.number(1)})
local WITH_LOGITS <const> = shared.declare("bce_with_logits", {pos_weight = check.tensor()})
local KL_DIV <const> = shared.declare("kl_div", {
  log_target = check.flag(false), reduction = check.choice{"mean", "sum", "batchmean", "none"},
})
local COSINE <const> = shared.declare("cosine", {margin = check.number{0, from = -1, to = 1}})

--- -(target log x + (1 - target) log(1 - x)) for probabilities x and targets from 0 to 1. As in
-- PyTorch, logarithms are at least -100, and the divisor of the gradient at least 1e-12. {weight =
-- the weight of each element}
-- @usage F.bce(x:sigmoid(), x:gt(0):to("float32"))
function M.bce(x, target, given)
  local o <const> = check.options(BCE, given)
  local a <const>, t <const>, left_out <const> = shared.pair("bce", x, target, o, 0.5)
  shared.need_shares("bce", t)
  local p <const> = a:detach()
  if not ops.all(ops.logical_and(ops.ge(p, 0), ops.le(p, 1))):item() then
    shared.bad("bce", "input must lie between 0 and 1; bce_with_logits takes any number")
  end
  local q <const> = 1 - p
  local log_p <const> = ops.clamp(ops.log(p), -100)
  local log_q <const> = ops.clamp(ops.log1p(-p), -100)
  -- Autodiff handles the target. `slope` gives the derivative by x; its value is multiplied by 0.
  local value <const> = -(t * log_p + (1 - t) * log_q)
  local slope <const> = (p - t:detach()) / ops.clamp(p * q, 1e-12)
  return shared.weighted("bce", value + slope * (a - p), o, left_out)
end

--- bce of sigmoid(x), without overflow, for targets from 0 to 1. {pos_weight = the weight of the
-- positive part, which broadcasts to x; weight = the weight of each element}
-- @usage F.bce_with_logits(x, x:gt(0):to("float32"), {pos_weight = braid.tensor{3, 1, 1}})
function M.bce_with_logits(x, target, given)
  local name <const> = "bce_with_logits"
  local o <const> = check.options(WITH_LOGITS, given)
  local a <const>, t <const>, left_out <const> = shared.pair(name, x, target, o)
  shared.need_shares(name, t)
  local yes = t
  if o.pos_weight then
    shared.need_fit(name, "pos_weight", o.pos_weight, x.shape)
    shared.need_weights(name, "pos_weight", o.pos_weight)
    yes = t * o.pos_weight
  end
  local loss <const> = yes * ops.softplus(-a) + (1 - t) * ops.softplus(a)
  return shared.weighted(name, loss, o, left_out)
end

--- target (log target - x) for log-probabilities x. As in PyTorch, "mean" divides by the number of
-- elements; {reduction = "batchmean"} divides by the size of the first dimension, which gives the
-- divergence as it is defined. {log_target = true} takes the target as log-probabilities. A target
-- of 0 (or a log-probability of -inf) gives 0; a negative or NaN target gives NaN.
-- @usage F.kl_div(x:log_softmax(2), y:softmax(2))
function M.kl_div(x, target, given)
  local o <const> = check.options(KL_DIV, given)
  local a <const>, t <const>, left_out <const> = shared.pair("kl_div", x, target, o)
  local loss
  if o.log_target then
    local none <const> = ops.eq(t, -math.huge)
    loss = ops.exp(t) * (shared.fill(t, none, 0) - shared.fill(a, none, 0))
  else
    local some <const> = ops.ne(t, 0) -- 0 log 0 = 0
    loss = ops.where(some, t * (ops.log(ops.where(some, t, 1)) - a), 0)
  end
  if o.reduction ~= "batchmean" then return shared.weighted("kl_div", loss, o, left_out) end
  local count = x.shape[1] or 1
  if left_out and x:dim() > 0 then
    local rows <const> = ops.reshape(ops.logical_not(left_out), x.shape[1], -1)
    count = ops.count_nonzero(ops.any(rows, 2)):item()
  end
  o.reduction = "sum"
  return shared.weighted("kl_div", loss, o, left_out) / math.max(count, 1)
end

--- max(0, margin - target x), for targets 1 or -1 (Torch7's MarginCriterion).
-- @usage F.hinge(x[1], braid.tensor{1, -1, 1})
function M.hinge(x, target, given)
  local o <const> = check.options(HINGE, given)
  local a <const>, t <const>, left_out <const> = shared.pair("hinge", x, target, o, 1)
  shared.need_sides("hinge", t)
  return shared.weighted("hinge", ops.relu(o.margin - t * a), o, left_out)
end

--- 1 - cos(a, b) for a target of 1, max(0, cos(a, b) - margin) for a target of -1; a and b are
-- (n, d) or (d), target is (n) or a scalar. As in PyTorch, 1e-12 is added to the squared lengths.
-- @usage F.cosine(x, y, braid.tensor{1, -1})
function M.cosine(a, b, target, given)
  local o <const> = check.options(COSINE, given)
  shared.need_float("cosine", "input", a)
  shared.same_shape("cosine", a, b, "the second input")
  if not core.is_tensor(target) or target:dim() ~= a:dim() - 1 or target.shape[1] ~= a.shape[1]
    and a:dim() > 1 or a:dim() > 2 then
    shared.bad("cosine",
      "inputs must be (n, d) with a target (n), or (d) with a scalar; not %s and %s",
      shared.shape_text(a), core.is_tensor(target) and shared.shape_text(target) or type(target))
  end
  local left_out <const> = shared.left_out("cosine", o.mask, target.shape)
  if o.weight then shared.need_fit("cosine", "weight", o.weight, target.shape) end
  if left_out then
    local rows <const> = ops.unsqueeze(left_out, -1)
    a, b = shared.fill(a, rows, 1), shared.fill(b, rows, 1)
    target = shared.fill(target, left_out, 1)
  end
  shared.need_sides("cosine", target)
  local function dot(u, v) return ops.sum(u * v, -1) end
  local lengths <const> = ops.sqrt((dot(a, a) + 1e-12) * (dot(b, b) + 1e-12))
  local cos <const> = dot(a, b) / lengths
  local apart <const> = ops.where(ops.eq(target, -1), ops.relu(cos - o.margin), 0)
  return shared.weighted("cosine", ops.where(ops.eq(target, 1), 1 - cos, apart), o, left_out)
end

return M
