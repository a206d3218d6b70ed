--- mtl.delta_m: how much better a multi-task network is than networks of single tasks. It is the
-- mean relative change over the tasks; above 0 is better (Maninis, Radosavovic and Kokkinos 2019).
--
-- The formula is 1/T sum over tasks i of (-1)^l_i (M_m,i - M_b,i) / M_b,i, with l_i = 1 if less is
-- better. mtl.delta_m(report, single, {landmarks = "failure"}) -> mean, {task = change}. report and
-- single are {task = {metric = value}}, as tasks:evaluate returns them; single has the values of
-- the single-task networks. Each task uses its main metric, the first of its metrics; a table that
-- does not name its metrics uses "accuracy", "error", "mae" or "distance". The last argument
-- chooses another metric for a task, or a list of metrics whose mean is used. Each metric says
-- whether more or less is better.
-- @usage mtl.delta_m({smile = {accuracy = 0.92}}, {smile = {accuracy = 0.9}})

local check <const> = require "braid.check"
local judged <const> = require "braid.mtl.measure.parts.judged"
local named <const> = require "braid.mtl.measure.parts.named"

local SIGN <const> = {max = 1, min = -1}
local USUAL <const> = {"accuracy", "error", "mae", "distance"}

-- 1 if more of a metric is better, -1 if less is better. The tasks in the reports say it.
local function sign_of(reports, task, metric)
  for _, report in ipairs(reports) do
    local tasks <const> = rawget(report, "tasks")
    local own <const> = type(tasks) == "table" and tasks[task]
    for _, e in ipairs(own and judged.record(own) and judged.entries(own) or {}) do
      if e.name == metric and e.metric.direction then return SIGN[e.metric.direction] end
    end
  end
  local known <const> = named.known(metric)
  if known and known.direction then return SIGN[known.direction] end
  if known then
    check.fail("mtl.delta_m: the metric '%s' of '%s' has no direction", metric, task)
  end
  check.fail("mtl.delta_m: there is no metric '%s'; %s", metric,
    check.nearest(metric, named.names()))
end

local function metrics_of(name, values, chosen)
  if chosen then return type(chosen) == "table" and chosen or {chosen} end
  if type(values.metric) == "string" then return {values.metric} end
  for _, metric in ipairs(USUAL) do
    if values[metric] then return {metric} end
  end
  check.fail("mtl.delta_m: '%s' has no main metric: name one in the last argument, {%s = \"...\"}",
    name, name)
end

local function value_of(what, values, name, metric)
  local own <const> = values[name]
  local value <const> = own and own[metric]
  if type(value) == "number" then return value end
  local why <const> = own and type(own.undefined) == "table" and own.undefined[metric]
  check.fail("mtl.delta_m: %s has no %s of '%s'%s", what, metric, name, why and ": " .. why or "")
end

-- The relative change of one metric; above 0 is better.
local function change(reports, name, metric)
  local sign <const> = sign_of(reports, name, metric)
  local base <const> = value_of("single", reports[2], name, metric)
  if base <= 0 then
    check.fail("mtl.delta_m: %s of '%s' is %g in the single-task report; a relative change needs a "
      .. "value above 0", metric, name, base)
  end
  return sign * (value_of("report", reports[1], name, metric) - base) / base
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

local function names_in(report)
  local names <const> = {}
  for _, name in ipairs(check.sorted_keys(report)) do
    if name ~= "tasks" and name ~= "loss" then names[#names + 1] = name end
  end
  return #names > 0 and table.concat(names, ", ") or "none"
end

return function(report, single, metrics)
  check.options(ARGUMENTS, nil, {report = report, single = single, metrics = metrics})
  local names <const>, each <const> = {}, {}
  for _, name in ipairs(check.sorted_keys(single)) do
    local values <const> = single[name]
    if type(values) == "table" and report[name] and name ~= "tasks" and name ~= "loss" then
      names[#names + 1] = name
    end
  end
  if #names == 0 then
    check.fail("mtl.delta_m: the two reports have no task in common: %s, and %s",
      names_in(report), names_in(single))
  end
  local total = 0.0
  for _, name in ipairs(names) do
    local list <const>, sum = metrics_of(name, single[name], metrics and metrics[name]), 0.0
    for _, metric in ipairs(list) do sum = sum + change({report, single}, name, metric) end
    each[name] = sum / #list
    total = total + each[name]
  end
  return total / #names, each
end
