--- The base of every metric: its options, what it gathers from batches, and its result.
--
-- metric.kind{name, form, gathers, direction, unit, counts, value, options, words, by} makes the
-- class of a metric. `form` names the input of the metric ("classes", "numbers", "points"; forms/).
-- `gathers` names the state that it keeps (states/), and `by` lists the options that change the
-- state. Metrics of a task that keep the same state share it.
-- value(part, o, context) -> value or nil, reason or nil, notes: computes the value of one problem.
-- A metric has one problem, or one for each attribute, angle or number. `notes` counts what was
-- left out. table = true says that a value is a table, which has no mean. `words` are the options
-- that may be part of the metric's name, in order.

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local M <const> = {}

local Metric <const> = class("Metric")

local TENSOR <const> = check.tensor()
local BATCH <const> = check.kind("a batch, or left out", function(v)
  return v == nil or type(v) == "table"
end)

--- Raises an error if the values to observe are not tensors.
function M.check_observed(what, outputs, targets)
  check.value(what, "outputs", outputs, TENSOR)
  check.value(what, "targets", targets, TENSOR)
end

local function module(room, name) return require(("braid.mtl.measure.%s.%s"):format(room, name)) end

function Metric:init(given)
  local o <const> = check.options(self.declared, given)
  self.options, self.given = o, check.copy("mtl.metric", given)
  self.direction, self.unit, self.counts = self.DIRECTION, self.UNIT, self.COUNTS
  if type(self.unit) == "function" then self.unit = self.unit(o) end
  self.name, self.state, self.context = self:text(), false, false
end

--- The metric's name with the given options that may be part of it.
function Metric:text()
  local parts <const> = {self.NAME}
  for _, key in ipairs(self.WORDS) do
    local value <const> = self.given[key]
    if value ~= nil then parts[#parts + 1] = tostring(value) end
  end
  return table.concat(parts, ".")
end

--- All given options, if some of them are not part of the metric's name; otherwise nil.
function Metric:beyond_name()
  local rest <const> = check.copy("mtl.metric", self.given)
  for _, key in ipairs(self.WORDS) do rest[key] = nil end
  return next(rest) ~= nil and self.given or nil
end

--- A new metric with the same options and no samples.
function Metric:fresh() return getmetatable(self)(self.given) end

--- A text that is the same for two metrics that can share a state.
function Metric:key()
  local parts <const> = {self.GATHERS}
  for _, key in ipairs(self.BY) do parts[#parts + 1] = check.shown(self.options[key]) end
  for _, key in ipairs(module("forms", self.FORM).TOLD) do
    parts[#parts + 1] = check.shown(self.given[key])
  end
  return table.concat(parts, " ")
end

--- The facts about the samples: the task's facts, in which the metric's own options replace some.
function Metric:context_of(told)
  local context <const> = {}
  for key, value in pairs(told) do context[key] = value end
  for _, key in ipairs(module("forms", self.FORM).TOLD) do
    if self.given[key] ~= nil then context[key] = self.given[key] end
  end
  return context
end

--- An empty state for this metric.
function Metric:gathered(context) return module("states", self.GATHERS)(context, self.options) end

-- The value of a problem, or nil and a reason if the value is not a number.
local function valued(metric, part, context)
  local value <const>, reason <const>, notes <const> = metric.VALUE(part, metric.options, context)
  if value ~= value then return nil, "outputs or labels are too large for it", notes end
  return value, reason, notes
end

--- The result from a state: value or nil, reason, notes, and the values of each problem.
function Metric:of_state(state)
  local context <const> = state.context
  local parts <const> = state:parts()
  if #parts == 1 then
    local value <const>, reason <const>, notes <const> = valued(self, parts[1], context)
    return value, reason, notes, parts[1].named and {value == nil and false or value} or nil
  end
  local total, weight, why = 0.0, 0, nil
  local each <const>, notes <const> = {}, {}
  for i, part in ipairs(parts) do
    local value <const>, reason <const>, own <const> = valued(self, part, context)
    each[i], why = value == nil and false or value, why or reason
    for key, n in pairs(own or {}) do notes[key] = (notes[key] or 0) + n end
    if type(value) == "number" then
      local share <const> = context.weigh and part.count or 1
      total, weight = total + share * value, weight + share
    elseif value == nil then
      notes.undefined = (notes.undefined or 0) + 1
    end
  end
  if self.TABLE then
    local any = false
    for _, value in ipairs(each) do any = any or value end
    return any and each or nil, why, notes
  end
  if weight == 0 then return nil, why or "there is nothing to measure", notes, each end
  return total / weight, nil, notes, each
end

-- ---- metrics without a task -----------------------------------------------------------

--- Adds a batch.
--   classes   outputs (n,classes), or (n): whole numbers are predicted classes, others are scores
--             of the positive class; targets (n), labels from 1
--   numbers   outputs and targets (n) or (n,k)
--   points    outputs (n,points,2) or (n,2 points), targets (n,points,2), and a batch with
--             box_width and image if the metric needs them
function Metric:observe(outputs, targets, batch)
  local form <const>, what <const> = module("forms", self.FORM), "mtl.metric." .. self.NAME
  M.check_observed(what, outputs, targets)
  check.value(what, "the batch", batch, BATCH)
  self.context = self.context or self:context_of(form.alone(self, outputs, targets))
  self.state = self.state or self:gathered(self.context)
  self.state:add(form.seen(self.context, outputs, targets, batch))
  return self
end

--- The value over all observed samples; nil and a reason if it is undefined.
-- @return value or nil, reason or nil, counts of the samples or faces that are left out
function Metric:result()
  if not self.state then return nil, "nothing was observed", {} end
  local value <const>, reason <const>, notes <const> = self:of_state(self.state)
  return value, value == nil and reason or nil, notes or {}
end

--- The number of observed samples, and how many of them had no label.
function Metric:counted()
  local state <const> = self.state
  return {samples = state and state.samples or 0, missing = state and state.missing or 0}
end

--- Adds the samples of another metric with the same options.
function Metric:merge(other)
  if not class.is_a(other, getmetatable(self)) or other:key() ~= self:key() then
    check.fail("mtl.metric.%s: merge wants another of the same kind and options, not %s", self.NAME,
      check.shown(other))
  end
  if not other.state then return self end
  if not self.state then
    self.context = other.context
    self.state = self:gathered(self.context)
  end
  if not self.state:fits(other.state) then
    check.fail("mtl.metric.%s: merge: the two have seen different classes, points or numbers",
      self.NAME)
  end
  self.state:merge(other.state)
  return self
end

--- Forgets all samples.
function Metric:reset() self.state, self.context = false, false end

Metric.__tostring = function(self)
  local value <const>, reason <const> = self:result()
  return ("mtl.metric %s: %s"):format(self.name, value == nil and "undefined, " .. reason
    or type(value) == "number" and self.show(value) or tostring(value))
end

--- A value of the metric as a text.
function Metric.show() end

-- ---- kinds ----------------------------------------------------------------------------

--- Makes the class of a metric, as described above.
function M.kind(k)
  local Kind <const> = class(k.name, Metric)
  local known <const> = {}
  for key, kind in pairs(module("forms", k.form).OPTIONS) do known[key] = kind end
  for key, kind in pairs(k.options or {}) do known[key] = kind end
  Kind.declared = check.declare("mtl.metric." .. k.name, known, k.relation)
  Kind.NAME, Kind.FORM, Kind.GATHERS, Kind.COUNTS = k.name, k.form, k.gathers, k.counts
  Kind.DIRECTION, Kind.UNIT, Kind.VALUE = k.direction or false, k.unit or "share", k.value
  Kind.WORDS, Kind.BY, Kind.TABLE = k.words or {}, k.by or {}, k.table or false
  Kind.show = k.show or M.plain
  return Kind
end

local format <const> = require "braid.format"

function M.percent(value) return format("%.1f%%", 100 * value) end
function M.plain(value) return format("%.4f", value) end

--- Whether a value is a metric.
function M.is(value) return class.is_a(value, Metric) end

return M
