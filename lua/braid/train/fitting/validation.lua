--- Looks at a network while it trains: checks that data and tasks fit together, finds the metric
-- that decides which epoch is best, and makes the report of an epoch.

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local grad <const> = require "braid.grad"
local reports <const> = require "braid.mtl.measure.parts.report"
local signals <const> = require "braid.train.fitting.signals"

local M <const> = {}

-- ---- before the first step ----------------------------------------------------------------

local function check_labels(fit, source, batch)
  for _, name in ipairs(fit.tasks.names) do
    local task <const> = fit.tasks[name]
    if not task.target and batch[name] == nil then
      check.fail("train.fit: %s has no label '%s', which a task of that name wants; it has %s",
        source.role, name, table.concat(check.sorted_keys(source.ds and source.ds.labels or batch),
        ", "))
    end
  end
  fit.tasks:present(batch)
end

--- Sends one batch of each source through the network. Layers get their sizes, and a mismatch
-- raises an error now instead of after an epoch.
-- @return the report on one batch of validation, or nil
function M.look(fit)
  local batch <const> = fit.train:sample()
  if not fit.o.turns then check_labels(fit, fit.train, batch) end
  local _ <close> = grad.scope()
  local _ <close> = grad.no_grad()
  local _ <close> = fit.net:evaluating()
  fit.net(asked(batch))
  if not fit.val then return nil end
  local sample = fit.val:sample()
  check_labels(fit, fit.val, sample)
  return fit.tasks:evaluate(fit.net, function()
    local once <const> = sample
    sample = nil
    return once
  end)
end

-- ---- the metric that decides ----------------------------------------------------------------

--- The metric that `best` names, {path =, task =, name =, direction = "min" | "max"}. An unknown
-- name raises an error that lists the metrics.
function M.metric(fit)
  local path <const> = fit.o.best or "loss"
  if path == "loss" then return {path = path, direction = "min"} end
  local m <const> = reports.metric(fit.tasks, path, "train.fit: best")
  if not m.direction then
    check.fail("train.fit: best: it is not known whether more or less of %s is better; choose "
      .. "another metric", path)
  end
  return {path = path, task = m.task, name = m.name, direction = m.direction}
end

--- The metric's value in a report, or NaN and the reason if it is undefined.
function M.value(fit, report)
  local m <const> = fit.metric
  if m.task then
    local of <const> = m.path:find("^loss%.") and report.loss or report[m.task] or {}
    local value <const> = of[m.path:find("^loss%.") and m.task or m.name]
    if type(value) == "number" then return value, nil end
    return 0 / 0, of.undefined and of.undefined[m.name] or "no sample has a label"
  end
  local sum = 0.0
  for name in fit.tasks:each() do
    local weight, loss <const> = fit.weights[name], report.loss[name]
    if type(weight) == "function" then weight = fit.tasks:weight_of(name) end
    if weight > 0 and loss and loss == loss then sum = sum + weight * loss end
  end
  return sum
end

-- ---- after an epoch ---------------------------------------------------------------------------

-- The batches until a signal comes. The first batch is always given, because a report needs one.
local function until_signal(batches)
  local is_first = true
  return function()
    if not is_first and signals.caught() then return nil end
    is_first = false
    return batches()
  end
end

--- The report on the network (with averaged weights if there are any), or nil after a signal.
function M.report(fit)
  if not fit.val then return nil end
  local _ <close> = fit:averaged()
  local batches <const> = fit.val:batches(1)
  local report <const> = fit.tasks:evaluate(fit.net, until_signal(batches))
  fit.val.close(batches)
  return not signals.caught() and report or nil
end

--- The means as text: "0.2134 (landmarks 0.12, pose 0.9)".
function M.shown_losses(means)
  local words <const> = {}
  for _, name in ipairs(check.sorted_keys(means)) do
    if name ~= "total" then words[#words + 1] = format("%s %.4g", name, means[name]) end
  end
  return format("%.4g", means.total or 0 / 0)
    .. (#words > 1 and " (" .. table.concat(words, ", ") .. ")" or "")
end

return M
