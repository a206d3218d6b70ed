--- Delta-m: the mean over tasks of how much better a multi-task network is than networks of single
-- tasks, relative to them; above 0 is better (Maninis, Radosavovic and Kokkinos 2019).
--
-- mtl.delta_m(report, single, {landmarks = "failure"}) -> mean, {task = change}: report and single
-- are {task = {metric = value}}, as tasks:evaluate gives; single are those that single-task
-- networks reached, measured in the same run. The metric is the task's own (metric =
-- "balanced" of mtl.classes), or "accuracy", "error", "mae" or "distance", what it has, unless the
-- last table says otherwise.

local check <const> = require "braid.check"

-- 1 where more is better, -1 where less is.
local SIGN <const> = {accuracy = 1, balanced = 1, auc = 1, point_accuracy = 1, error = -1,
  failure = -1, box_error = -1, box_failure = -1, distance = -1, mae = -1}
local USUAL <const> = {"accuracy", "error", "mae", "distance"}

local function metric_of(name, values, chosen)
  if chosen then
    if SIGN[chosen] then return chosen end
    check.fail("mtl.delta_m: there is no metric '%s'; there is %s", chosen,
      table.concat(check.sorted_keys(SIGN), ", "))
  end
  if SIGN[values.metric] then return values.metric end
  for _, metric in ipairs(USUAL) do
    if values[metric] then return metric end
  end
  check.fail("mtl.delta_m: say which metric of '%s' counts", name)
end

local function value_of(what, values, name, metric)
  local value <const> = values[name] and values[name][metric]
  if value then return value end
  check.fail("mtl.delta_m: %s has no %s of '%s'", what, metric, name)
end

local REPORT <const> = check.kind("a report, {task = {metric = number}}", function(v)
  return type(v) == "table"
end)
local ARGUMENTS <const> = check.declare("mtl.delta_m", {
  report = check.argument(REPORT), single = check.argument(REPORT),
  metrics = check.argument(check.optional(check.kind("a table of metrics by task", function(v)
    return type(v) == "table"
  end))),
})

return function(report, single, metrics)
  check.options(ARGUMENTS, nil, {report = report, single = single, metrics = metrics})
  local names <const>, each <const> = {}, {}
  for _, name in ipairs(check.sorted_keys(single)) do
    local values <const> = single[name]
    if type(values) == "table" and report[name] and name ~= "tasks" and name ~= "loss" then
      names[#names + 1] = name
    end
  end
  if #names == 0 then check.fail("mtl.delta_m: the two have no task in common") end
  local total = 0.0
  for _, name in ipairs(names) do
    local metric <const> = metric_of(name, single[name], metrics and metrics[name])
    local base <const> = value_of("single", single, name, metric)
    if base == 0 then
      check.fail("mtl.delta_m: %s of '%s' is 0 alone; nothing is relative to that", metric, name)
    end
    each[name] = SIGN[metric] * (value_of("report", report, name, metric) - base) / base
    total = total + each[name]
  end
  return total / #names, each
end
