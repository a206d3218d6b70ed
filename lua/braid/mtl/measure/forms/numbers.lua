--- The input of metrics of numbers: outputs and targets (n,k) in double precision. NaN is a missing
-- number.

local check <const> = require "braid.check"

local M <const> = {}

M.TOLD, M.OPTIONS = {}, {}

--- The context of a metric that belongs to no task, made from the first batch.
function M.alone(metric, outputs)
  local what <const> = "mtl.metric." .. metric.NAME
  local n <const> = outputs:dim() > 0 and outputs:size(1) or 1
  return {what = what, problems = n > 0 and outputs:numel() // n or 1, weigh = true,
    noun = "samples"}
end

--- A batch: said and truth (n,k), with 0 for NaN in either, and their difference. If there is a
-- NaN, it also has four masks (n,k). known: the label is a number. lost: the label is a number, but
-- the output is not. there: both are numbers. absent: at least one of them is not.
function M.seen(context, outputs, targets)
  local n <const> = outputs:dim() > 0 and outputs:size(1) or 1
  if targets:numel() ~= outputs:numel() or outputs:numel() ~= n * context.problems then
    check.fail("%s: outputs {%s} and targets {%s} must be %d number%s a sample each", context.what,
      table.concat(outputs.shape, ", "), table.concat(targets.shape, ", "), context.problems,
      context.problems == 1 and "" or "s")
  end
  local said <const> = outputs:detach():reshape(n, context.problems):to("float64")
  local truth <const> = targets:reshape(n, context.problems):to("float64")
  local difference <const> = said - truth
  if difference:eq(difference):all():item() then
    return {n = n, said = said, truth = truth, difference = difference}
  end
  local known <const>, lost <const> = truth:eq(truth), said:ne(said)
  local there <const> = known:logical_and(lost:logical_not())
  local absent <const> = there:logical_not()
  return {n = n, known = known, lost = known:logical_and(lost), there = there, absent = absent,
    said = said:masked_fill(absent, 0), truth = truth:masked_fill(absent, 0),
    difference = difference:masked_fill(absent, 0)}
end

return M
