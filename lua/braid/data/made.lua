--- Makes batches of samples that a user's function makes (data.of), as core.loader does for
-- pictures.
--
-- The samples of each batch become a small data set, with pictures in memory or rows, and go
-- through the usual loader. So the batches are those of a data set with the same samples in memory.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local Dataset <const> = require "braid.data.dataset"
local fit <const> = require "braid.data.fit"
local plans <const> = require "braid.data.plan"
local Rows <const> = require "braid.data.rows"
local usual_steps <const> = require "braid.data.usual_steps"

local Made <const> = class("Made")

-- Makes a data set of some samples. `chosen`, int64, are their numbers in ds, which select the rows
-- of labels that ds has as tensors.
local function set_of(ds, samples, chosen)
  local getter <const>, labels <const> = ds.getter, {}
  for name, t in pairs(getter:labels(samples)) do labels[name] = t end
  for name, t in pairs(ds.labels) do labels[name] = t:index_select(1, chosen) end
  local own <const> = {labels = labels, flips = ds.flips, classes = ds.classes, missing = 0,
    kinds = {}, points = {}, size = ds.size}
  for name in pairs(labels) do
    own.kinds[name] = ds.kinds[name] or getter.kinds[name]
    own.points[name] = ds.points[name] or getter.points[name]
  end
  if getter:has_pictures() then
    own.images = getter:inputs(samples, {"image"}).image
  else
    own.inputs = getter:inputs(samples, getter.names)
  end
  return Dataset(own)
end

-- Sorts the samples of a batch by the size of their pictures -> for each size the list of their
-- places in the batch.
local function groups_of(samples, pictures)
  local groups <const>, by_shape <const> = {}, {}
  for k, sample in ipairs(samples) do
    local shape <const> = pictures and table.concat(sample.image.shape, "x") or ""
    if not by_shape[shape] then
      by_shape[shape] = {}
      groups[#groups + 1] = by_shape[shape]
    end
    table.insert(by_shape[shape], k)
  end
  return groups
end

--- `steps` are the transforms that the user gave, or nil for the usual ones.
function Made:init(ds, o, steps)
  self.ds, self.o, self.queue = ds, o, {}
  if #ds == 0 then return end
  local one <const> = core.from_table({1}, "int64")
  self.sets = {set_of(ds, {ds.getter:at(ds:rows(one):item())}, one)}
  if not ds:has_pictures() then return end
  local first <const> = self.sets[1]
  self.steps = steps or usual_steps(first, o, fit.size(self.sets, o))
  if steps and not o.enlarge then
    local trial <close> = core.loader(plans.make(self.sets, {steps}, o))
    fit.check_transforms(self.sets, steps, trial:size())
    trial:close()
  end
end

--- Asks for a batch, like core.loader's submit. If `only` names a label, all other labels are
-- marked as missing.
function Made:submit(order, first, last, stream, only)
  table.insert(self.queue, {chosen = order[{ {first, last} }], stream = stream, only = only})
end

-- Makes a batch from the pictures of several sets. place[k] is the number of the batch's sample k
-- if the samples of all sets are counted in order.
local function of_pictures(self, sets, place, job)
  local recipes <const>, o <const> = {}, {}
  for i in ipairs(sets) do recipes[i] = self.steps end
  for key, value in pairs(self.o) do o[key] = value end
  o.workers, o.cache = 0, nil
  local plan <const>, only = plans.make(sets, recipes, o), nil
  for i, field in ipairs(plan.fields) do only = field.name == job.only and i or only end
  local loader <const> = core.loader(plan)
  loader:submit(core.from_table(place, "int64"), 1, #place, job.stream, only)
  local batch <const> = loader:take()
  loader:close()
  return batch
end

function Made:take()
  local job <const>, ds <const> = table.remove(self.queue, 1), self.ds
  local samples <const> = {}
  for k, i in ipairs(ds:rows(job.chosen):totable()) do samples[k] = ds.getter:at(i) end
  local pictures <const> = ds:has_pictures()
  local sets <const>, place <const>, count = {}, {}, 0
  for _, group in ipairs(groups_of(samples, pictures)) do
    local own <const> = {}
    for _, k in ipairs(group) do
      own[#own + 1], count = samples[k], count + 1
      place[k] = count
    end
    sets[#sets + 1] = set_of(ds, own, job.chosen:index_select(1, core.from_table(group, "int64")))
  end
  if pictures then return of_pictures(self, sets, place, job) end
  local rows <const> = Rows(sets[1])
  rows:submit(core.from_table(place, "int64"), 1, #place, job.stream, job.only)
  return rows:take()
end

function Made.facts() return 0.0, 0 end
function Made.close() end

return Made
