--- The inputs of samples without pictures: one tensor called input, or tensors by name.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Part <const> = require "braid.data.tabular.part"
local stored <const> = require "braid.data.tabular.stored"

local M <const> = {}

local ALONE <const> = "input" -- the name of the only input

--- The number of rows of inputs.
function M.count(inputs)
  if core.is_tensor(inputs) then return #inputs end
  local _, first <const> = next(inputs)
  return first and first:size(1) or 0
end

--- Checks inputs and keeps their memory for a data set.
function M.kept(inputs, fail)
  if core.is_tensor(inputs) then return core.keep(inputs) end
  local kept <const>, names <const> = {}, check.sorted_keys(inputs)
  if #names == 0 then fail("inputs has no tensor") end
  for _, name in ipairs(names) do
    local t <const>, first <const> = inputs[name], inputs[names[1]]
    if name == "" or name == "count" or name == "inputs" or name == "units" or name == "task" then
      fail("'%s' cannot be the name of an input", name)
    end
    if t:dim() == 0 or first:dim() == 0 then
      fail("inputs.%s must have a row for each sample", name)
    end
    if t:size(1) ~= first:size(1) then
      fail("inputs.%s has %d rows, but inputs.%s has %d", names[1], first:size(1), name, t:size(1))
    end
    kept[name] = core.keep(t)
  end
  return kept
end

--- The inputs of some samples: take(t) gives their rows of a tensor t.
function M.taken(inputs, take)
  if core.is_tensor(inputs) then return take(inputs) end
  local parts <const> = {}
  for name, t in pairs(inputs) do parts[name] = take(t) end
  return parts
end

--- The inputs of a data set by name; none if it has pictures. The inputs of a table are prepared.
function M.of(ds)
  if ds.table then return Part.inputs(ds) end
  local inputs <const> = rawget(ds, "inputs")
  return inputs and (core.is_tensor(inputs) and {[ALONE] = inputs} or inputs) or {}
end

--- The field inputs or input_names if the data set has rows of a table, else nil.
function M.of_table(ds, key)
  if not rawget(ds, "table") then return nil end
  if key == "input_names" then return Part.names(ds) end
  local inputs <const> = Part.inputs(ds)
  return next(inputs) == ALONE and next(inputs, ALONE) == nil and inputs[ALONE] or inputs
end

--- The names of inputs in order, or nil if a batch needs no names because it has batch.input only.
function M.listed(inputs)
  local names <const> = check.sorted_keys(inputs)
  return (#names ~= 1 or names[1] ~= ALONE) and names or nil
end

--- Gives a data set of a table's rows the statistics of `by` (Dataset:prepared).
function M.prepare(ds, by, Dataset)
  if not ds.table then check.fail("prepared: wants the rows of a table (data.table)") end
  ds.table = ds.table:copy()
  if by == nil then return Part.train(ds) end
  local is_set <const> = class.is_a(by, Dataset)
  local recipe <const> = type(by) == "table" and not is_set and by.table
  if is_set and by.table then return Part.take(ds, by) end
  if type(recipe) ~= "table" then
    check.fail("prepared: wants a data set of a table's rows, or the preprocessing of the card of "
      .. "a network that was trained on such rows")
  end
  stored.check(recipe)
  Part.take_recipe(ds, recipe)
end

return M
