--- A metric that the user defines, as a function or a table.
--
-- A function (outputs, targets) -> number is called once with all samples that have a label. A
-- table is {observe, result, direction, unit, counts}. observe(self, outputs, targets, batch) takes
-- a batch, and result(self) returns a number, or nil and a reason. self is a new copy of the table
-- for each evaluation. Without observe, result is called with all samples: {result = f(outputs,
-- targets), direction = "max"}. Outputs have the form that the network gives them, (n, the task's
-- size). Targets have the form of the batch.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local ops <const> = core.ops

local Own <const> = class("metric")

local CALL <const> = check.call()
local KNOWN <const> = check.declare("a metric of your own", {
  direction = check.optional(check.choice{"max", "min"}), unit = check.text(),
  counts = check.text(), observe = check.optional(CALL), result = check.needed(CALL),
})

--- Whether a value can be a metric of the user's own.
function Own.fits(value)
  return type(value) == "function" or type(value) == "table" and getmetatable(value) == nil
    and value.result ~= nil
end

-- Copies a table, so that evaluations do not share what they gather.
local function copy_of(value, seen)
  if type(value) ~= "table" or getmetatable(value) ~= nil then return value end
  if seen[value] then return seen[value] end
  local copy <const> = {}
  seen[value] = copy
  for key, v in pairs(value) do copy[key] = copy_of(v, seen) end
  return copy
end

function Own:init(what, name, given)
  local table_given <const> = type(given) == "function" and {result = given} or given
  local told <const> = {}
  for key in pairs(KNOWN.kinds) do told[key] = table_given[key] end
  local o <const> = check.options(KNOWN, told, nil, ("%s: the metric '%s'"):format(what, name))
  self.name, self.given, self.own = name, table_given, copy_of(table_given, {})
  self.direction, self.unit = o.direction or false, o.unit or false
  self.counts = o.counts or "samples with a label"
  self.observes, self.outputs, self.targets = o.observe ~= nil, {}, {}
  self.what = what
end

function Own:fresh() return Own(self.what, self.name, self.given) end

--- Adds a batch. known (n) is a mask of samples with a label; nil means all samples.
function Own:add(output, target, batch, known)
  if known and not known:all():item() then
    if not known:any():item() then return end
    output, target = output[known], target[known]
  end
  if self.observes then
    self.own.observe(self.own, output, target, batch)
  else
    local i <const> = #self.outputs + 1
    self.outputs[i] = core.keep(output:detach():clone())
    self.targets[i] = core.keep(target:clone())
  end
end

--- The result: a value, or nil and a reason.
function Own:value()
  local value, reason
  if self.observes then
    value, reason = self.own.result(self.own)
  elseif #self.outputs == 0 then
    return nil, "no sample has a label"
  else
    local outputs <const>, targets <const> = ops.cat(self.outputs, 1), ops.cat(self.targets, 1)
    value, reason = self.own.result(outputs, targets)
  end
  if core.is_tensor(value) then value = value:numel() == 1 and value:item() or value:totable() end
  if value == nil or type(value) == "number" and value ~= value then
    return nil, type(reason) == "string" and reason or value and "its result is NaN"
      or "it gave no result"
  end
  return value
end

function Own.show(value)
  return type(value) == "number" and format("%.4f", value) or tostring(value)
end

return Own
