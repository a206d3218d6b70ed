--- Makes batches of a mix of data sets without pictures (data.mix); Rows does so for one data set.
--
-- All parts have the same inputs. A label that a part does not have is missing in its samples.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local json <const> = require "braid.io.json"
local Made <const> = require "braid.data.made"
local Part <const> = require "braid.data.tabular.part"
local Rows <const> = require "braid.data.rows"
local ops <const> = core.ops

local MixedRows <const> = class("MixedRows")

local function fail(form, ...) check.fail("data.loader: a mix: " .. form, ...) end

local function int64(list) return core.from_table(list, "int64") end

-- ---- what the parts must agree about ------------------------------------------------------

-- The type and the sizes of one sample of a tensor.
local function sample_of(t)
  return ("%s (%s)"):format(t.dtype, table.concat(t.shape, ", ", 2))
end

-- Raises an error if parts were prepared with different means and deviations, because the same
-- number would then have another meaning in each part.
local function check_prepared(sets)
  local first
  for i, ds in ipairs(sets) do
    local recipe <const> = ds.table and Part.recipe(ds)
    if recipe then
      local own <const> = json.encode{recipe.inputs, recipe.index}
      if first and first.text ~= own then
        fail("part %d is prepared by the means and deviations of other rows than part %d: pass "
          .. "part:prepared(train), with the same rows for all parts", i, first.part)
      end
      first = first or {text = own, part = i}
    end
  end
end

-- Notes the names, types and sizes of a part's inputs and labels, from a batch of one sample.
local function learn(self, i, batch)
  local is_input <const> = {}
  for _, name in ipairs(batch.inputs or {"input"}) do
    is_input[name] = sample_of(batch[name])
  end
  if not self.is_input then self.is_input, self.names = is_input, batch.inputs end
  local function check_input(name)
    local first <const>, own <const> = self.is_input[name], is_input[name]
    if first ~= own then
      fail("input '%s' is %s in the first part, but %s in part %d", name, first or "not there",
        own or "not there", i)
    end
  end
  for name in pairs(self.is_input) do check_input(name) end
  for name in pairs(is_input) do check_input(name) end
  for name, t in pairs(batch) do
    if core.is_tensor(t) and not is_input[name] then
      local known <const> = self.labels[name]
      if known and sample_of(known) ~= sample_of(t) then
        fail("label '%s' is %s in part %d, but %s in an earlier one", name, sample_of(t), i,
          sample_of(known))
      end
      self.labels[name] = known or core.keep(t:clone())
      local units <const> = batch.units and batch.units[name] or false
      if known and json.encode(self.units[name]) ~= json.encode(units) then
        fail("label '%s' has other means and deviations in part %d than in an earlier one: pass "
          .. "part:prepared(train), with the same rows for all parts", name, i)
      end
      self.units[name] = units
    end
  end
end

function MixedRows:init(sets, o)
  local _ <close> = core.scope()
  check_prepared(sets)
  self.queue, self.parts, self.offsets, self.labels, self.units = {}, {}, {}, {}, {}
  self.sets = {} -- for Loader:recipe
  local total = 0
  for i, ds in ipairs(sets) do
    local part <const> = ds.getter and Made(ds, o) or Rows(ds)
    self.parts[i], self.offsets[i], total = part, total, total + #ds
    self.sets[i] = part.sets and part.sets[1] or ds
    if #ds > 0 then
      part:submit(int64{1}, 1, 1)
      learn(self, i, part:take())
    end
  end
  for name, units in pairs(self.units) do self.units[name] = units or nil end
end

-- ---- batches ------------------------------------------------------------------------------

--- Asks for a batch of the samples order[first .. last]. Sample numbers go on from part to part.
function MixedRows:submit(order, first, last)
  table.insert(self.queue, order[{ {first, last} }])
end

-- The samples of a batch by part, {part = {numbers = in the part, places = in the batch}}.
local function by_part(self, chosen)
  local parts <const> = {}
  for place, number in ipairs(chosen:totable()) do
    local i = #self.offsets
    while number <= self.offsets[i] do i = i - 1 end
    local own <const> = parts[i] or {numbers = {}, places = {}}
    parts[i] = own
    own.numbers[#own.numbers + 1], own.places[#own.places + 1] = number - self.offsets[i], place
  end
  return parts
end

-- n missing values of a label like `t`.
local function missing(t, n)
  local shape <const> = t.shape
  shape[1] = n
  return core.new(shape, t.dtype, t.dtype == "int64" and core.missing_class or 0 / 0)
end

function MixedRows:take()
  local lists <const>, places <const>, count = {}, {}, 0
  for i, own in pairs(by_part(self, table.remove(self.queue, 1))) do
    local n <const> = #own.numbers
    self.parts[i]:submit(int64(own.numbers), 1, n)
    local batch <const> = self.parts[i]:take()
    for name, t in pairs(self.labels) do batch[name] = batch[name] or missing(t, n) end
    lists[#lists + 1] = batch
    for k, place in ipairs(own.places) do places[place] = count + k end
    count = count + n
  end
  local result <const>, order <const> = {count = count, inputs = self.names,
    units = next(self.units) and self.units}, int64(places)
  local function add(name)
    local tensors <const> = {}
    for k, batch in ipairs(lists) do tensors[k] = batch[name] end
    result[name] = #tensors == 1 and tensors[1] or ops.cat(tensors, 1):index_select(1, order)
  end
  for name in pairs(self.is_input) do add(name) end
  for name in pairs(self.labels) do add(name) end
  return result
end

function MixedRows.facts() return 0.0, 0 end
function MixedRows.close() end

return MixedRows
