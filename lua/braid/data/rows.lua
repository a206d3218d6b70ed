--- Makes batches of a data set without pictures, as core.loader does for pictures.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local fitted <const> = require "braid.data.tabular.fitted"
local named <const> = require "braid.data.named"
local Part <const> = require "braid.data.tabular.part"

local Rows <const> = class("Rows")

local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

-- The labels of a data set as batches have them, and {mean =, deviation =} of each label that was
-- standardised.
local function labels_of(ds)
  local labels <const>, units <const> = {}, {}
  local recipe <const> = ds.table and Part.recipe(ds)
  for name, t in pairs(ds.labels) do
    if ds.kinds[name] == "class" then
      t = t:to("int64")
      labels[name] = t:masked_fill(t:eq(0), core.missing_class)
    else
      labels[name] = recipe and fitted.label(recipe, name, t) or t:to("float32")
      units[name] = recipe and recipe.labels[name]
    end
    core.keep(labels[name])
  end
  return labels, next(units) and units or nil
end

-- Inputs of a float type become float32. Integers keep their type, since they may be indices or
-- bytes; only the input called "input", the rows of numbers, is always float32.
local function inputs_of(ds)
  local inputs <const> = {}
  for name, t in pairs(named.of(ds)) do
    inputs[name] = core.keep((is_float(t) or name == "input") and t:to("float32") or t)
  end
  return inputs
end

function Rows:init(ds)
  local _ <close> = core.scope()
  self.queue = {}
  self.labels, self.units = labels_of(ds)
  self.inputs = inputs_of(ds)
  self.names = named.listed(self.inputs)
end

--- Asks for a batch of the samples order[first .. last], like core.loader's submit. If `only` names
-- a label, all other labels are marked as missing.
function Rows:submit(order, first, last, _, only)
  table.insert(self.queue, {chosen = order[{ {first, last} }], only = only})
end

-- A label like t in which every value is missing.
local function missing(t)
  return is_float(t) and t * (0 / 0) or t:masked_fill(t:eq(t), core.missing_class)
end

function Rows:take()
  local job <const> = table.remove(self.queue, 1)
  local batch <const> = {count = job.chosen:size(1), inputs = self.names, units = self.units}
  for name, t in pairs(self.inputs) do batch[name] = t:index_select(1, job.chosen) end
  for name, t in pairs(self.labels) do
    local part <const> = t:index_select(1, job.chosen)
    batch[name] = (not job.only or job.only == name) and part or missing(part)
  end
  return batch
end

function Rows.facts() return 0.0, 0 end
function Rows.close() end

return Rows
