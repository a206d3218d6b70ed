--- The metrics of one task in one evaluation. Metrics that need the same numbers share a state, so
-- that the numbers are computed only once.

local class <const> = require "braid.class"
local Own <const> = require "braid.mtl.measure.parts.own"

local Set <const> = class("metrics of a task")

--- entries are {name =, metric =}; `record` (judged.lua) says how to show the task.
function Set:init(task, record, entries)
  self.task, self.record, self.entries = task, record, entries
  self.gathered, self.forms, self.own = {}, {}, false
  for _, e in ipairs(entries) do
    local own <const> = class.is_a(e.metric, Own)
    local key <const> = not own and e.metric.FORM .. " " .. e.metric:key()
    if own then
      e.state = e.metric
      self.own = true
    elseif not self.gathered[key] then
      local form <const> = e.metric.FORM
      local context <const> = e.metric:context_of(record.forms[form].told(task))
      context.what = record.what
      e.state = e.metric:gathered(context)
      self.gathered[key] = e.state
      self.forms[form] = self.forms[form] or {context = context, states = {}}
      table.insert(self.forms[form].states, e.state)
    else
      e.state = self.gathered[key]
    end
  end
end

--- Adds a batch.
function Set:observe(output, target, batch)
  local task <const>, record <const> = self.task, self.record
  for name, form in pairs(self.forms) do
    local module <const> = record.forms[name].form
    local outputs <const>, targets <const> = record.forms[name].shown(task, output, target, batch)
    local seen <const> = module.seen(form.context, outputs, targets, batch)
    for _, state in ipairs(form.states) do state:add(seen) end
  end
  if not self.own then return end
  local known <const> = record.known(task, target)
  for _, e in ipairs(self.entries) do
    if e.state == e.metric then e.metric:add(output, target, batch, known) end
  end
end

--- The state that gathered errors with this value of the option `by`, or nil.
function Set:errors(by)
  for _, e in ipairs(self.entries) do
    if rawget(e.state, "errors") and e.state.by == by then return e.state end
  end
end

-- Adds the values of a metric for each of the task's problems.
local function add_each(m, name, each)
  if not each then return end
  m[name == "accuracy" and "each" or name .. "_each"] = each
end

--- {METRIC = value, undefined = {METRIC = reason}, notes = {METRIC = {note = count}}, metric = the
-- first metric's name}; METRIC_each has the values of the task's single problems.
function Set:results()
  local m <const>, undefined <const>, all <const> = {}, {}, {}
  for i, e in ipairs(self.entries) do
    local value, reason, notes, each
    if e.state == e.metric then
      value, reason = e.metric:value()
    else
      value, reason, notes, each = e.metric:of_state(e.state)
    end
    m[e.name] = value
    if value == nil then undefined[e.name] = reason end
    if i == 1 then m.metric = e.name end
    add_each(m, e.name, each)
    for key, n in pairs(notes or {}) do
      if key == "unseen" then m.unseen = math.max(m.unseen or 0, n) end
      if n > 0 then
        all[e.name] = all[e.name] or {}
        all[e.name][key] = n
      end
    end
  end
  m.undefined = next(undefined) and undefined or nil
  m.notes = next(all) and all or nil
  if self.record.finish then self.record.finish(self.task, m, self) end
  return m
end

return Set
