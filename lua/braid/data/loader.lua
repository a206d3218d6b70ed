--- loader: batches of a data set, cut out, perhaps augmented, and whitened.
--
-- for batch in data.loader(ds, {batch = 64, size = 40, shuffle = true, epoch = 1}) do ...
-- end
--
-- batch.image is float32 (n,c,h,w); points are (n,points,2) in [-1, 1] across the image
-- (what was cut off lies beyond); class labels are int64 (n); batch.count is n. A missing
-- class is -100, any other missing label NaN. Everything depends on seed and epoch alone.
--
-- Pictures: transforms = {...} (see transforms.lua); without them each image is brought to
-- size x size and whitened (whiten = false: not), and `augment` takes data.augment's
-- options. What a mirrored image does to its labels the tasks say: tasks = {...}.
--
-- Samples: shuffle; balanced = "gender", the classes in equal shares; balanced = {"gender",
-- "smile"} or true (all classes among the tasks), tasks take turns, each with balanced
-- batches where the labels of the others are missing (batch.task names it); stratify =
-- "pose", each batch with the classes in the shares of the whole; weights = one for each
-- sample, drawn in proportion; drop_last leaves out a last smaller batch. ds may be a
-- data.mix.
--
-- Work: workers = n threads make `ahead` batches in advance; without them a batch is made
-- when it is asked for, on all threads. cache = directory keeps what was decoded (and
-- cropped and resized) in a file that later loaders map. A picture that cannot be read is
-- an error, with skip = true it is left out and counted.
--
-- A loader is what `for` wants; it has methods too: loader:state() is a small table from
-- which data.loader(ds, {..., state = it}) goes on after the batches already taken;
-- loader:facts() gives {waited = seconds, skipped =, first_skipped =}; loader:close() ends
-- its threads, as the last batch does. After a break they end when the loader is
-- collected, or at once from Lua 5.4.5 on and with
-- local batches <close> = data.loader(...)   for batch in batches do ... break ... end

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local plans <const> = require "braid.data.plan"
local sampling <const> = require "braid.data.sampling"
local transforms <const> = require "braid.data.transforms"

local OPTIONS <const> = {
  batch = 64, size = 40, shuffle = false, epoch = 1, seed = 1, augment = check.none,
  tasks = check.none, drop_last = false, whiten = true, transforms = check.none, workers = 0,
  ahead = check.none, balanced = check.none, weights = check.none, stratify = check.none,
  cache = check.none, skip = false, channels = check.none, state = check.none,
}
local AUGMENT <const> = {rotate = 0, scale = 0, shift = 0, flip = 0, shear = 0}
local STATE <const> = {epoch = check.none, seed = check.none, batches = check.none}

local Loader <const> = class("Loader")
local open <const> = setmetatable({}, {__mode = "k"}) -- those with workers

-- The steps of a data set when none are given.
local function usual(ds, o)
  local augment <const> = o.augment and check.options("augment", o.augment, AUGMENT) or {}
  augment.size, augment.inner = o.size, ds.images and ds.inner
  augment.filter = ds.images and "bilinear" or "area"
  local steps <const> = {transforms.augment(augment)}
  if not ds.images then table.insert(steps, 1, transforms.crop{}) end
  if o.whiten then steps[#steps + 1] = transforms.whiten() end
  return steps
end

local function check_options(given)
  local o <const> = check.options("data.loader", given, OPTIONS)
  check.size("data.loader", "batch", o.batch)
  check.size("data.loader", "size", o.size)
  if math.type(o.workers) ~= "integer" or o.workers < 0 or o.workers > 256 then
    error(("data.loader: workers must be from 0 to 256, not %s"):format(tostring(o.workers)), 0)
  end
  for _, name in ipairs{"size", "whiten", "augment"} do
    if o.transforms and given[name] ~= nil then
      error(("data.loader: with transforms, %s belongs among them"):format(name), 0)
    end
  end
  if (o.balanced and 1 or 0) + (o.weights and 1 or 0) + (o.stratify and 1 or 0) > 1 then
    error("data.loader: only one of balanced, weights and stratify", 0)
  end
  if o.ahead then check.size("data.loader", "ahead", o.ahead) end
  o.ahead = o.workers == 0 and 1 or o.ahead or 2 * o.workers + 2
  return o
end

-- All tasks with classes that the data set has.
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

function Loader:init(ds, o)
  local sets <const>, recipes <const> = ds.parts or {ds}, {}
  if ds.parts and (type(o.balanced) == "table" or o.balanced == true or o.weights) then
    error("data.loader: of a mix, balanced must be one label; weights it cannot have", 0)
  end
  if o.balanced == true then o.balanced = all_classes(ds, o.tasks) end
  local state <const> = o.state and check.options("data.loader: state", o.state, STATE)
  if state then o.epoch, o.seed = state.epoch, state.seed end
  for i, part in ipairs(sets) do recipes[i] = o.transforms or usual(part, o) end
  local plan <const> = plans.make(sets, recipes, o)
  self.o, self.batches, self.only = o, sampling.plan(ds, o), {}
  for i, field in ipairs(plan.fields) do self.only[field.name] = i end
  self.taken = state and state.batches or 0
  self.submitted = self.taken
  self.core = core.loader(plan)
  if o.workers > 0 then self:submit() end
end

-- Keeps `ahead` batches under way.
function Loader:submit()
  local o <const> = self.o
  while self.submitted < #self.batches and self.submitted < self.taken + o.ahead do
    local b <const> = self.batches[self.submitted + 1]
    local place <const> = self.submitted * o.batch + 1
    self.core:submit(b.order, b.first, b.last, o.epoch * sampling.SPREAD + place,
      b.task and self.only[b.task])
    self.submitted = self.submitted + 1
  end
end

--- The next batch, or nil after the last.
Loader.__call = function(self)
  local o <const> = self.o
  while self.core and self.taken < #self.batches do
    self:submit()
    local batch <const> = self.core:take()
    self.taken = self.taken + 1
    batch.task = self.batches[self.taken].task
    if o.workers > 0 then self:submit() end
    if batch.count > 0 then return batch end
  end
  self:close()
  return nil
end

--- How many batches the epoch has.
Loader.__len = function(self) return #self.batches end

function Loader:state()
  return {epoch = self.o.epoch, seed = self.o.seed, batches = self.taken}
end

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

-- Before 5.4.5 Lua forgets the fourth value of `for`, and fails later, when the loop has a
-- break and its body a variable to close, such as a scope.
local CLOSES <const> = pcall(function()
  local count = 0
  local last <const> = setmetatable({}, {__close = function() count = count + 1 end})
  for once in function() return true end, nil, nil, last do
    local _ <close> = last
    if once then break end
  end
  assert(count == 2)
end)
-- Ends the threads of loaders that were dropped before their last batch.
local function collect_dropped(loader)
  if next(open) then collectgarbage() end
  if loader.o.workers > 0 then open[loader] = true end
end

return function(ds, given)
  if type(ds) ~= "table" or not (ds.labels or ds.parts) then
    error("data.loader: wants a data set, not " .. type(ds), 2)
  end
  local ok <const>, loader <const> = pcall(function() return Loader(ds, check_options(given)) end)
  if not ok then
    error(type(loader) == "string" and loader:gsub("^[^\n]-%.lua:%d+: ", "") or loader, 2)
  end
  collect_dropped(loader)
  if CLOSES then return loader, nil, nil, loader end
  return loader
end
