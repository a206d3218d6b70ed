--- The names of a task's classes, in the order of the labels, and which of two classes is positive.

local check <const> = require "braid.check"
local format <const> = require "braid.format"

local M <const> = {}

--- The options of tasks that have class names.
M.OPTIONS = {names = check.list{of = check.text(), least = 1}, positive = check.text()}

--- The default metrics of classes.
function M.metrics() return {"accuracy", "balanced"} end

local function place_of(names, wanted)
  for i, name in ipairs(names or {}) do
    if name == wanted then return i end
  end
end

--- A message about names that do not fit `count` classes, or nil.
function M.wrong(o, count)
  local seen <const> = {}
  for _, name in ipairs(o.names or {}) do
    if seen[name] then return ("names has %q twice"):format(name) end
    seen[name] = true
  end
  if o.names and #o.names ~= count then
    return ("names has %d of the %d classes"):format(#o.names, count)
  end
  if o.positive and not seen[o.positive] then
    return o.names and ("positive is %q, which is not one of names: %s"):format(o.positive,
      table.concat(o.names, ", ")) or "positive must be one of names, but names is not given"
  end
end

--- The label of a task's positive class: the option `positive`, or a class called "yes"; or nil.
function M.positive(task) return place_of(task.names, task.positive or "yes") end

--- The text of the metric that judges the task, if this is a default metric. The text of "balanced"
-- has the number of classes without samples.
function M.shown(task, m)
  local name <const> = task.metric
  if name ~= "accuracy" and name ~= "balanced" then return nil end
  if not m[name] then return "no label" end
  if name == "accuracy" then return format("%.1f%%", 100 * m.accuracy) end
  return format("%.1f%% balanced%s", 100 * m.balanced,
    m.unseen > 0 and (", %d class%s unseen"):format(m.unseen, m.unseen > 1 and "es" or "") or "")
end

return M
