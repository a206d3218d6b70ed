--- How tasks are measured: by the metrics of their kind, or by metrics that the user chose.
--
-- kind(Class, {what =, metrics = f(task), forms = {FORM = {told =, shown =}}, known =, finish =,
-- show =}) gives a kind of task its methods observe, metrics and show. metrics(task) lists the
-- default metrics. forms has the input for metrics of each form: told(task) returns the context,
-- shown(task, output, target, batch) the outputs and targets. known(task, target) is a mask (n) of
-- the samples with a label.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local metric <const> = require "braid.mtl.measure.parts.metric"
local named <const> = require "braid.mtl.measure.parts.named"
local Own <const> = require "braid.mtl.measure.parts.own"
local Set <const> = require "braid.mtl.measure.parts.set"

local M <const> = {}

local records <const> = setmetatable({}, {__mode = "k"})
-- The metrics that users wrote, for each task, {name = function or table}. Files cannot hold them.
local own <const> = setmetatable({}, {__mode = "k"})

--- The options of a task that choose its metrics.
M.OPTIONS = {
  metrics = check.kind("a list of metrics, such as {\"f1.macro\", mine = function(outputs, targets)"
    .. " ... end}", function(v) return type(v) == "table" and getmetatable(v) == nil end),
  metric = check.text(),
}

local RESERVED <const> = {undefined = true, notes = true, counted = true, metric = true}

--- The record of a task's kind, or nil if the user wrote the kind.
function M.record(task)
  local handle = class.of(task)
  while handle do
    if records[handle] then return records[handle] end
    handle = handle.base
  end
end

-- ---- the user's choice ------------------------------------------------------------------

-- Turns an entry of `metrics` into the kept form: a name, or {name =, as =, options =}.
local function plain(what, value, as)
  if type(value) == "string" then return as and {name = value, as = as} or value end
  if named.is(value) then
    local options <const> = value:beyond_name()
    if not (options or as) then return value.name end
    return {name = options and value.NAME or value.name, as = as or value.name, options = options}
  end
  if type(value) == "table" and type(value.name) == "string" and value.result == nil then
    return {name = value.name, as = as or value.as, options = value.options}
  end
  check.fail("%s: metrics: %s is %s; it must be the name of a metric, such as \"auc\", a metric "
    .. "from mtl.metric, a function (outputs, targets) or a table {observe, result}", what,
    as and ("'%s'"):format(as) or "an entry", check.shown(value))
end

local function name_of(entry)
  return type(entry) == "string" and entry or entry.as or entry.name
end

local function check_name(what, name, taken)
  if name == "" or RESERVED[name] then
    check.fail("%s: metrics: '%s' cannot be the name of a metric", what, name)
  end
  if taken[name] then check.fail("%s: metrics has '%s' twice", what, name) end
  taken[name] = true
end

local function take_list(what, given)
  local chosen <const>, mine <const>, taken <const> = {}, {}, {}
  for _, value in ipairs(given) do
    if type(value) == "function" or Own.fits(value) then
      check.fail("%s: metrics: a metric of your own wants a name: {mine = function(outputs, "
        .. "targets) ... end}", what)
    end
    chosen[#chosen + 1] = plain(what, value)
  end
  for _, key in ipairs(check.sorted_keys(given)) do
    local value <const> = given[key]
    if value ~= nil and Own.fits(value) then
      check_name(what, key, taken)
      Own(what, key, value) -- raises an error that says what is wrong
      mine[key] = value
    elseif value ~= nil then
      chosen[#chosen + 1] = plain(what, value, key)
    end
  end
  for _, entry in ipairs(chosen) do check_name(what, name_of(entry), taken) end
  return chosen, next(mine) and mine or nil
end

-- ---- entries ----------------------------------------------------------------------------

local function entry_of(record, e)
  local name, options = e, nil
  if type(e) == "table" then name, options = e.name, e.options end
  -- Metrics without options are shared between tasks, because entries observe nothing.
  local made <const> = not options and record.made[name]
  local m <const> = made or named.metric(record.what, name, record.forms, options)
  if not options then record.made[name] = m end
  return {name = name_of(e), metric = m}
end

-- Moves the metric that judges the task to the front. It is added if it is missing.
local function judged_first(wanted, record, list)
  if not wanted then return list end
  for i, e in ipairs(list) do
    if e.name == wanted then
      table.insert(list, 1, table.remove(list, i))
      return list
    end
  end
  table.insert(list, 1, entry_of(record, wanted))
  return list
end

local function entries_of(task, wanted)
  local record <const>, list <const> = M.record(task), {}
  for _, e in ipairs(task.chosen or record.metrics(task)) do
    list[#list + 1] = entry_of(record, e)
  end
  for _, name in ipairs(check.sorted_keys(own[task] or {})) do
    list[#list + 1] = {name = name, metric = Own(record.what, name, own[task][name])}
  end
  return judged_first(wanted, record, list)
end

--- New metrics for a task, {name =, metric =}. The first metric judges the task.
function M.entries(task) return entries_of(task, task.metric) end

--- Takes the options `metrics` and `metric` into the fields of a new task.
function M.take(task, o)
  local record <const> = M.record(task)
  if o.metrics then
    local chosen <const>, mine <const> = take_list(record.what, o.metrics)
    if #chosen == 0 and not mine then
      check.fail("%s: metrics is empty; leave it out for the usual ones", record.what)
    end
    task.chosen, own[task] = chosen, mine
  end
  local entries <const> = entries_of(task, o.metric) -- raises an error if a metric is impossible
  for _, e in ipairs(entries) do
    local form <const> = record.forms[rawget(e.metric, "observes") == nil and e.metric.FORM]
    local wanted <const> = form and e.metric.options.class
    local found, wrong = true, nil
    if wanted then found, wrong = form.form.class(form.told(task), wanted) end
    if not found then check.fail("%s: the metric '%s': %s", record.what, e.name, wrong) end
  end
  task.metric = entries[1].name
end

--- The names of a task's metrics that a file cannot hold.
function M.own(task) return own[task] and check.sorted_keys(own[task]) or {} end

-- ---- the report -------------------------------------------------------------------------

--- Formats a value with the metric of its entry.
function M.shown(entry, value)
  if value == nil then return "undefined" end
  return type(value) == "number" and entry.metric.show(value) or tostring(value)
end

-- Notes as text.
local NOTES <const> = {unseen = "%d class%s unseen", undefined = "%d undefined",
  without_eyes = "%d without eyes", without_corners = "%d without corners",
  without_box = "%d without a box", without_diagonal = "%d without all points"}

--- Says how many samples a metric left out.
function M.noted(notes)
  local words <const> = {}
  for _, key in ipairs(check.sorted_keys(notes or {})) do
    local n <const> = notes[key]
    if n > 0 and NOTES[key] then
      words[#words + 1] = (NOTES[key]):format(n, n > 1 and "es" or "")
    end
  end
  return table.concat(words, ", ")
end

-- The metrics as text, "f1.macro 0.8120, auc undefined". Values that need more than a line are only
-- in the table.
local function listing(task, m)
  local words <const> = {}
  for _, e in ipairs(M.entries(task)) do
    local value <const> = m[e.name]
    if value == nil or type(value) == "number" then
      words[#words + 1] = e.name .. " " .. M.shown(e, value)
    end
  end
  return table.concat(words, ", ")
end

--- Gives a kind of task the metrics of the kind that it is based on. Error messages call the new
-- kind `what`.
function M.derived(Kind, what)
  records[Kind] = setmetatable({what = what, made = {}}, {__index = records[Kind.base]})
end

--- Gives a kind of task its metrics, as described above.
function M.kind(Kind, record)
  records[Kind], record.made = record, {}
  for name, form in pairs(record.forms) do
    form.form = require("braid.mtl.measure.forms." .. name)
  end
  local function set_of(task) return Set(task, M.record(task), M.entries(task)) end

  --- Adds a batch to `sums`, which is an empty table before the first batch.
  function Kind:observe(sums, output, target, batch)
    metric.check_observed(M.record(self).what, output, target)
    sums.set = sums.set or set_of(self)
    sums.set:observe(output, target, batch)
  end

  --- Metrics by name, from the sums.
  function Kind:metrics(sums) return (sums.set or set_of(self)):results() end

  --- Metrics as a text.
  function Kind:show(m)
    return self.chosen == nil and own[self] == nil and record.show and record.show(self, m)
      or listing(self, m)
  end
end

return M
