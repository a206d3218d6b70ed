--- The report of tasks:evaluate: the metrics of all tasks, as a line, as a table, and by names such
-- as "landmarks.failure".

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local format <const> = require "braid.format"
local judged <const> = require "braid.mtl.measure.parts.judged"
local named <const> = require "braid.mtl.measure.parts.named"
local text <const> = require "braid.mtl.measure.parts.text"

local M <const> = {}

local Report <const> = class("Report")

--- Names that no task may have, because a report uses them.
M.RESERVED = {tasks = true, loss = true, table = true}

--- Makes a report on tasks from their metrics, sums of losses, and the numbers of summed values.
function M.new(tasks, parts, losses, counts)
  local report <const> = Report()
  report.tasks, report.loss = tasks, {}
  for name in tasks:each() do
    report[name] = parts[name]
    report.loss[name] = counts[name] > 0 and losses[name] / counts[name] or nil
  end
  return report
end

Report.__tostring = function(self)
  local words <const> = {}
  for name, task in self.tasks:each() do
    words[#words + 1] = name .. " " .. task:show(self[name])
  end
  return table.concat(words, "  ")
end

local BETTER <const> = {max = "higher", min = "lower"}

local function counted(m)
  local c <const> = m.counted
  if not c then return "" end
  return ("%d%s"):format(c.samples - c.missing, c.missing > 0
    and (" (%d without a label)"):format(c.missing) or "")
end

-- Adds the rows of one task's metrics. For a metric that is a table, only its name is added.
local function add_rows(rows, name, task, m)
  local first = name
  for _, e in ipairs(judged.record(task) and judged.entries(task) or {}) do
    local value <const> = m[e.name]
    local why <const> = m.undefined and m.undefined[e.name]
    if value ~= nil or why then
      local note <const> = why or judged.noted(m.notes and m.notes[e.name])
      local shown <const> = type(value) == "table" and "(a table)" or judged.shown(e, value)
      rows[#rows + 1] = {first, e.name, shown, BETTER[e.metric.direction] or "",
        first == name and counted(m) or "", note}
      first = ""
    end
  end
  if first == name then rows[#rows + 1] = {name, task:show(m), "", "", counted(m), ""} end
end

--- All metrics as a table of text: task, metric, value, which direction is better, the number of
-- samples with a label, and what was left out or why a value is undefined.
function Report:table()
  local rows <const> = {{"task", "metric", "value", "better", "samples", ""}}
  for name, task in self.tasks:each() do
    add_rows(rows, name, task, self[name])
    local loss <const> = self.loss[name]
    rows[#rows + 1] = {"", "loss", loss and format("%.4f", loss) or "undefined", "lower", "", ""}
  end
  return text.aligned(rows, {[2] = true, [4] = true, [5] = true, [6] = true})
end

-- ---- names ------------------------------------------------------------------------------

--- The metrics of a task, {name =, direction =, unit =, counts =}.
function M.metrics_of(task)
  local list <const> = {}
  if not judged.record(task) then return list end
  for i, e in ipairs(judged.entries(task)) do
    list[i] = {name = e.name, direction = e.metric.direction or nil, unit = e.metric.unit or nil,
      counts = e.metric.counts}
  end
  return list
end

-- The metric of this name in a task of the user's own, which may have {directions = {name =
-- "max"}}.
local function of_own_task(task, name)
  local said <const> = type(task.directions) == "table" and task.directions[name]
  if said then return {name = name, direction = said} end
  local known <const> = named.known(name)
  return known and {name = name, direction = known.direction or nil, unit = known.unit}
end

local function all_paths(tasks)
  local paths <const> = {}
  for name, task in tasks:each() do
    for _, m in ipairs(M.metrics_of(task)) do paths[#paths + 1] = name .. "." .. m.name end
    paths[#paths + 1] = "loss." .. name
  end
  table.sort(paths)
  return paths
end

local PATH <const> = check.kind("the name of a task's metric, such as \"landmarks.failure\"",
  function(v) return type(v) == "string" end)

--- The metric of a path. An unknown path raises an error of the function `what`.
function M.metric(tasks, path, what)
  check.value(what, "the name", path, PATH)
  local first <const>, rest <const> = path:match("^([^.]+)%.?(.*)$")
  local function task_of(name)
    for own, task in tasks:each() do
      if own == name then return task end
    end
  end
  if first == "loss" and task_of(rest) then
    return {task = rest, name = "loss", direction = "min", unit = "the loss's"}
  end
  local task <const>, found = task_of(first), nil
  if task then
    local list <const> = M.metrics_of(task)
    if rest == "loss" then
      found = {name = "loss", direction = "min", unit = "the loss's"}
    elseif rest == "" then
      found = list[1]
    end
    for _, m in ipairs(list) do
      if m.name == rest then found = m end
    end
    found = found or not judged.record(task) and of_own_task(task, rest)
  end
  if not found then
    check.fail("%s: there is no metric '%s'; %s", what, path, check.nearest(path, all_paths(tasks)))
  end
  found.task = first
  return found
end

--- The direction of a metric, "max" or "min". A metric without a direction raises an error.
function M.direction(tasks, path)
  local m <const> = M.metric(tasks, path, "tasks: direction")
  if m.direction then return m.direction end
  check.fail("tasks: direction: the metric '%s' of '%s' has none: give it as {result = f, "
    .. "direction = \"max\" or \"min\"}", m.name, m.task)
end

return M
