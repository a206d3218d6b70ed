--- ONNX's losses. Labels count from 0; a label that is ignored may be negative.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local ops <const> = core.ops

local M <const> = {}

-- The negative log likelihood of labels t (n, ...) under log probabilities x (n, c, ...).
local function nll(a, x, t, weight)
  local labels <const> = t:to("int64")
  local none <const> = core.new(t.shape, "float64", 1):to(x.dtype)
  local counts = none
  if a.ignore_index then counts = ops.where(labels:eq(a.ignore_index), none * 0, none) end
  local at <const> = ops.where(counts:eq(0), labels * 0, labels) + 1
  if weight then
    counts = counts * weight:index_select(1, at:reshape({-1})):reshape(t.shape)
  end
  local losses <const> = -x:gather(2, at:unsqueeze(2)):squeeze(2) * counts
  local reduction <const> = a.reduction or "mean"
  if reduction == "none" then return losses end
  if reduction == "sum" then return losses:sum() end
  if reduction ~= "mean" then check.fail("there is no reduction '%s'", reduction) end
  return losses:sum() / counts:sum()
end

M.NegativeLogLikelihoodLoss = {2, nll}

M.SoftmaxCrossEntropyLoss = {2, function(a, x, t, weight)
  local logs <const> = x:log_softmax(2)
  return nll(a, logs, t, weight), logs
end}

return M
