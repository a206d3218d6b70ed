--- data.loader: makes batches of a data set, with pictures that are cut out, augmented, whitened.
--
-- for batch in data.loader(ds, {batch = 64, size = 40, shuffle = true, epoch = 1}) do ...
-- end
--
-- batch.image is float32 (n,c,h,w). Without pictures it is batch.input, rows of numbers, or the
-- tensors that batch.inputs names. Points are (n,points,2) in [-1, 1] across the image; points
-- outside the image are below -1 or above 1. box_width (n) is in half widths of the image: the
-- length of the box's upper edge after all transforms. Class labels are int64 (n). A missing class
-- is -100, any other missing label NaN. batch.count is n. All random choices depend only on seed
-- and epoch.
--
-- Pictures: transforms = {...} (transforms.lua), which may end with functions (functions.lua).
-- Without them each image is resized to size x size and whitened (not with whiten = false), and
-- `augment` takes data.augment's options and other transforms by name, each with its argument. size
-- and channels (1 or 3) are by default those that the data set's reader was asked for, or those of
-- pictures in memory. More pixels or colours than the data have are an error without enlarge = true
-- (transforms that crop or read files may make any size). The kinds of labels, and the tasks in the
-- option `tasks`, say how mirroring or turning changes labels (follow.lua).
--
-- Samples: shuffle = true puts them in random order. balanced = "gender" draws the classes in equal
-- shares. balanced = {"gender", "smile"} or true (all tasks with classes) lets tasks take turns. A
-- turn is a balanced batch in which the labels of other tasks are missing; batch.task is the task's
-- name. A network learns from such a batch by net(batch.image, {tasks = tasks:present(batch)}). For
-- a label without classes, such as points, a turn has samples that have the label. stratify =
-- "pose" gives each batch the class shares of the whole set. weights, one for each sample, draws
-- samples in proportion to their weights. drop_last leaves out a smaller last batch. ds may be a
-- data.mix.
--
-- Work: workers = n threads make `ahead` batches in advance. Without workers a batch is made when
-- it is asked for, on all threads. cache = directory keeps decoded (and cropped and resized)
-- pictures in a file that later loaders use. A picture that cannot be read is an error; with skip =
-- true it is left out and counted.
--
-- A loader works in a `for` loop and has methods too. s = loader:state() is a small table;
-- data.loader(ds, {..., state = s}) continues after the samples already taken. The batches are the
-- same if they have the same size as before. A state of another data set or order is an error.
-- loader:facts() gives {waited = seconds, skipped =, first_skipped =}. loader:close() ends the
-- threads, and so does the last batch. From Lua 5.4.5 on a `break` also ends them. In older
-- versions they run on after a `break` until the loader is collected; this form ends them at once:
--   local batches <close> = data.loader(...)   for batch in batches do ... break ... end
-- @treturn data.loader
-- @usage
-- for batch in data.loader(faces.train, {batch = 16, shuffle = true, epoch = 1}) do
--   print(batch.image:mean():item())
-- end

local core <const> = require "braid.core"
local blending <const> = require "braid.data.blending"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local closes <const> = require "braid.data.closes"
local fit <const> = require "braid.data.fit"
local functions <const> = require "braid.data.functions"
local Made <const> = require "braid.data.made"
local marks <const> = require "braid.data.marks"
local MixedRows <const> = require "braid.data.mixed_rows"
local plans <const> = require "braid.data.plan"
local record <const> = require "braid.record"
local recipe <const> = require "braid.data.recipe"
local Rows <const> = require "braid.data.rows"
local sampling <const> = require "braid.data.sampling"
local usual_steps <const> = require "braid.data.usual_steps"

local either <const>, flag <const>, list <const> = check.either, check.flag, check.list
local text <const>, whole <const> = check.text, check.whole
local function is_table(v) return type(v) == "table" end

local OPTIONS <const> = check.declare("data.loader", {
  batch = whole{64, from = 1}, size = whole{from = 1, to = 4096}, shuffle = flag(false),
  epoch = whole{1, from = 0}, seed = whole{1, from = 0}, drop_last = flag(false),
  whiten = flag(true), workers = whole{0, from = 0, to = 256}, ahead = whole{from = 1},
  skip = flag(false), channels = check.optional(check.choice{1, 3}), enlarge = flag(false),
  cache = text(),
  balanced = either(flag(), text(), list{of = text(), least = 1}), stratify = text(),
  weights = either(check.tensor(), list{of = check.number{from = 0}}),
  tasks = check.kind("tasks, as mtl.tasks gives them", is_table),
  transforms = list{of = check.kind("a transform such as data.crop{}, or a function", function(v)
    return is_table(v) and (v.step or v.bin or v.blend) ~= nil or type(v) == "function"
  end)},
  augment = check.kind("options of data.augment", is_table),
  state = check.kind("what loader:state() gave", is_table),
}, function(o)
  if (o.balanced and 1 or 0) + (o.weights and 1 or 0) + (o.stratify and 1 or 0) > 1 then
    return "only one of balanced, weights and stratify"
  end
end)
local OF_PICTURES <const> = {"size", "whiten", "augment", "cache", "channels", "enlarge"}

local Loader <const> = class("Loader")
local open <const> = setmetatable({}, {__mode = "k"}) -- loaders with workers

local function check_options(ds, given)
  local o <const> = check.options(OPTIONS, given)
  local steps <const>, pictures <const> = functions.apart(o.transforms), plans.has_pictures(ds)
  for _, name in ipairs(not pictures and {"transforms", table.unpack(OF_PICTURES)} or {}) do
    if given and given[name] ~= nil and (name ~= "transforms" or steps) then
      check.fail("data.loader: a table of numbers has no pictures: leave out %s", name)
    end
  end
  for _, name in ipairs{"size", "whiten", "augment"} do
    if steps and given[name] ~= nil then
      check.fail("data.loader: transforms are given, so %s must be one of them", name)
    end
  end
  if steps then o.whiten = nil end -- so that the options make the same loader again
  o.ahead = o.workers == 0 and 1 or o.ahead or 2 * o.workers + 2
  return o
end

-- All tasks with classes for which the data set has labels.
local function all_classes(ds, tasks)
  local names <const> = {}
  for _, name in ipairs(check.sorted_keys(ds.labels)) do
    local t <const> = ds.labels[name]
    if t:dim() == 1 and not t.dtype:find("float") and (not tasks or tasks[name]) then
      names[#names + 1] = name
    end
  end
  return names
end

-- Checks that the parts of a mix can make batches together.
local function check_parts(sets, pictures)
  for i, part in ipairs(sets) do
    if part:has_pictures() ~= pictures then
      check.fail("data.loader: a mix has pictures in all of its parts or in none, but part 1 has "
        .. "%s and part %d has %s", pictures and "some" or "none", i, pictures and "none" or "some")
    elseif pictures and part.getter then
      check.fail("data.loader: the pictures of a mix are in memory or in files, but those of part "
        .. "%d are made by a function", i)
    end
  end
end

function Loader:init(ds, o)
  local sets <const>, recipes <const> = ds.parts or {ds}, {}
  if ds.parts and (type(o.balanced) == "table" or o.balanced == true or o.weights) then
    check.fail("data.loader: a mix takes one label in balanced, and no weights: its parts take "
      .. "turns already (by = \"batch\"), each batch with the labels of its part. So leave out "
      .. "turns, balanced or weights")
  end
  if o.balanced == true then o.balanced = all_classes(ds, o.tasks) end
  self.taken = o.state and marks.resumed(ds, o) or {samples = 0}
  self.ds, self.o, self.only = ds, o, {}
  self.batches = sampling.plan(ds, o, self.taken)
  self.at, self.submitted, self.place = 0, 0, self.taken.samples + 1
  self.steps, self.functions = functions.apart(o.transforms)
  if ds.getter or not plans.has_pictures(ds) then
    plans.check_orders(sets, o.tasks)
    if ds.parts then check_parts(sets, false) end
    self.core = ds.parts and MixedRows(sets, o) or ds.getter and Made(ds, o, self.steps) or Rows(ds)
    self.blends = blending.of(self.core.steps or {})
    self.sets = self.core.sets or sets
    for name in pairs(ds.labels or {}) do self.only[name] = name end
    return
  end
  self.sets = sets
  if ds.parts then check_parts(sets, true) end
  local size <const> = not self.steps and fit.size(sets, o)
  for i, part in ipairs(sets) do recipes[i] = self.steps or usual_steps(part, o, size) end
  self.blends = blending.of(recipes[1])
  local plan <const> = plans.make(sets, recipes, o)
  for i, field in ipairs(plan.fields) do self.only[field.name] = i end
  self.core = core.loader(plan)
  if self.steps and not o.enlarge then
    fit.check_transforms(sets, self.steps, self.core:size())
  end
  if o.workers > 0 then self:submit() end
end

-- Tells the core which batches to make next, until it has `ahead` batches to make.
function Loader:submit()
  local o <const> = self.o
  while self.submitted < #self.batches and self.submitted < self.at + o.ahead do
    local b <const> = self.batches[self.submitted + 1]
    self.core:submit(b.order, b.first, b.last, o.epoch * sampling.SPREAD + self.place,
      b.task and self.only[b.task])
    self.submitted, self.place = self.submitted + 1, self.place + b.last - b.first + 1
  end
end

-- Counts the samples of a batch as taken.
function Loader:count(b)
  local taken <const>, n <const> = self.taken, b.last - b.first + 1
  taken.samples = taken.samples + n
  if b.who then
    taken.parts = taken.parts or {}
    for who = 1, math.max(b.who, #taken.parts) do taken.parts[who] = taken.parts[who] or 0 end
    taken.parts[b.who] = taken.parts[b.who] + n
  end
end

-- Applies the user's functions to a batch, before its samples count as taken.
function Loader:apply(batch)
  local seed <const> = (self.o.seed * sampling.SPREAD + self.o.epoch) * sampling.SPREAD
  functions.applied(self.functions, batch, seed + self.taken.samples)
end

--- The next batch, or nil after the last one.
Loader.__call = function(self)
  local o <const> = self.o
  while self.core and self.at < #self.batches do
    self:submit()
    local batch <const> = self.core:take()
    self.at = self.at + 1
    if self.functions then self:apply(batch) end
    if self.blends then
      blending.apply(self.blends, batch, o.seed, sampling.mixing(o, self.taken.samples))
    end
    batch.task = self.batches[self.at].task
    self:count(self.batches[self.at])
    if o.workers > 0 then self:submit() end
    if batch.count > 0 then return record(batch, "batch") end
  end
  self:close()
  return nil
end

--- The number of batches in the epoch, or in what is left of it.
Loader.__len = function(self) return #self.batches end

Loader.__tostring = function(self)
  return ("data.loader: %d batches of %d, %d samples taken"):format(#self, self.o.batch,
    self.taken.samples)
end

--- The numbers that the samples of the last batch have in the data set.
function Loader:indices()
  local b <const> = self.batches[self.at]
  if not b then return {} end
  return b.order:narrow(1, b.first, b.last - b.first + 1):totable()
end

function Loader:state()
  local own <const>, parts <const> = marks.of(self.ds, self.o), self.taken.parts
  return {epoch = self.o.epoch, seed = self.o.seed, samples = self.taken.samples,
    parts = parts and table.move(parts, 1, #parts, 1, {}), set = own.set, order = own.order}
end

--- The same as state(), under the name that all objects use.
Loader.state_dict = Loader.state

--- Continues from a state instead of the present place.
function Loader:load_state_dict(dict)
  local o <const>, old <const> = {}, self.core
  for key, value in pairs(self.o) do o[key] = value end
  o.state = dict
  Loader.init(self, self.ds, o)
  if old then old:close() end
  if o.workers > 0 then open[self] = true end
end

--- The steps that the loader takes with every picture, as plain values for a file: net.card =
-- {preprocessing = loader:recipe()} (recipe.lua). Returns nil and the reason if a step is random.
function Loader:recipe() return recipe.of(self) end

function Loader:facts()
  if self.core then
    local waited <const>, skipped <const>, first <const> = self.core:facts()
    self.last_facts = {waited = waited, skipped = skipped, first_skipped = first}
  end
  return self.last_facts
end

function Loader:close()
  if not self.core then return end
  self:facts()
  self.core:close()
  self.core, open[self] = nil, nil
end

Loader.__close = Loader.close

-- Ends the threads of loaders that were abandoned before their last batch.
local function collect_dropped(loader)
  if next(open) then collectgarbage() end
  if loader.o.workers > 0 then open[loader] = true end
end

return function(ds, given)
  if type(ds) ~= "table" or not (ds.labels or ds.parts) then
    check.fail("data.loader: wants a data set, not %s%s", check.shown(ds), type(ds) == "table" and
      ds.train and " (a reader returns several: pass its train, val or test)" or "")
  end
  local loader <const> = Loader(ds, check_options(ds, given))
  collect_dropped(loader)
  if closes then return loader, nil, nil, loader end
  return loader
end
