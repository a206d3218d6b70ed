--- A source of batches: a data set, a loader whose data set and options are used, or a
-- function(epoch) that returns a loader.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local data <const> = require "braid.data"
local marks <const> = require "braid.data.marks"

local Source <const> = class("source")

-- Loader options that choose the samples to train on. Evaluation sees all samples and ignores them.
local TRAINING <const> = {"augment", "balanced", "stratify", "weights", "drop_last", "shuffle"}

local function copied(t, more)
  local copy <const> = {}
  for key, value in pairs(t or {}) do copy[key] = value end
  for key, value in pairs(more or {}) do copy[key] = value end
  return copy
end

local function is_loader(v) return type(v) == "table" and v.ds ~= nil and v.o ~= nil end

-- The loader options that fit sets itself.
local OWN <const> = {"batch", "balanced", "epoch", "seed", "state", "tasks"}

local function check_loader_options(o)
  for _, name in ipairs(OWN) do
    if o.loader[name] ~= nil then
      check.fail("train.fit: loader: %s", (name == "batch" or name == "balanced" or name == "seed")
        and ("%s is an option of fit itself"):format(name)
        or ("%s is set by fit"):format(name))
    end
  end
end

-- The loader's options for training from a data set.
local function for_training(o)
  local own <const> = copied(o.loader, {batch = o.batch or 64, tasks = o.tasks,
    balanced = o.balanced})
  if own.shuffle == nil then own.shuffle = true end
  if o.turns then own.balanced = o.turns == true and o.tasks.names or o.turns end
  return own
end

-- The loader's options for validation or a test: all samples of a data set, in order.
local function for_looking(o)
  local own <const> = copied(o.loader, {batch = o.batch or 64, tasks = o.tasks})
  for _, name in ipairs(TRAINING) do own[name] = nil end
  if own.transforms then
    check.fail("train.fit: the option loader has transforms for training; give validation its own: "
      .. "val = data.loader(set, {transforms = {...}})")
  end
  return own
end

-- Prepares rows of a table by the statistics of the rows that the network trains on. `by` is the
-- data set of these training rows, or the preprocessing on the network's card.
local function prepared(ds, by, role)
  if not ds.table then return ds end
  if by then return ds:prepared(by) end
  if role == "test" and ds.table:trains() then
    check.fail("train.test: nothing says by which means and deviations rows are prepared for the "
      .. "network, which has no card: pass test:prepared(train), with the rows that it trained on")
  end
  return ds.table:is_open() and ds:prepared() or ds
end

--- `given` is a data set, loader or function; `role` is "train", "val" or "test". `by` is the data
-- set that the network trains on, or the preprocessing on its card.
function Source:init(role, given, o, by)
  self.role, self.given, self.seed = role, given, o.seed
  if is_loader(given) then
    self.ds, self.options = given.ds, copied(given.o)
    self.options.ahead = given.o.workers > 0 and given.o.ahead or nil
    given:close()
  elseif type(given) == "table" then
    check_loader_options(o)
    self.ds, self.options = given, role == "train" and for_training(o) or for_looking(o)
  end
  if self.ds then self.ds = prepared(self.ds, by, role) end
  if self.ds and self.ds.parts and role ~= "train" then self.ds = self.ds:once() end
  if role == "train" and self.options and o.batch and is_loader(given) then
    self.options.batch = o.batch
  end
end

--- The first data set of this source that has rows of a table, or nil. Rows for validation are
-- prepared by its statistics.
function Source:rows()
  for _, ds in ipairs(self.ds and (self.ds.parts or {self.ds}) or {}) do
    if ds.table then return ds end
  end
  return nil
end

--- The preprocessing on a network's card if it is for rows of a table, else nil.
function Source.card_of(net)
  local card <const> = rawget(net, "card")
  local known <const> = type(card) == "table" and card.preprocessing
  return type(known) == "table" and known.table and known or nil
end

--- The batches of an epoch. With a loader's state, only the batches that come after it.
function Source:batches(epoch, state)
  if not self.ds then
    local loader <const> = self.given(epoch)
    if not check.call().accepts(loader) then
      check.fail("train.fit: %s: the function must return a loader, not %s", self.role,
        check.shown(loader))
    end
    if state and type(loader) == "table" and loader.load_state_dict then
      loader:load_state_dict(state)
    end
    return loader
  end
  local own <const> = copied(self.options, {epoch = epoch, state = state})
  own.seed = self.seed or own.seed
  return (data.loader(self.ds, own))
end

--- Ends the loader threads of batches that nobody will read.
function Source.close(batches)
  if type(batches) == "table" and batches.close then batches:close() end
end

function Source:fail_empty()
  local size <const> = self.ds and (": it has %d samples%s"):format(#self.ds,
    self.options.drop_last and (", and drop_last leaves out a batch of less than %d"):format(
    self.options.batch) or "")
  check.fail("train.fit: %s gives no batch%s", self.role, size or "")
end

--- The number of batches in an epoch.
function Source:count()
  if not self.batches_of_epoch then
    local loader <const> = self:batches(1)
    local ok <const>, n <const> = pcall(function() return #loader end)
    Source.close(loader)
    if not ok then
      check.fail("train.fit: %s: the function must return a loader whose length, #loader, is the "
        .. "number of batches in the epoch", self.role)
    end
    if n == 0 then self:fail_empty() end
    self.batches_of_epoch = n
  end
  return self.batches_of_epoch
end

--- The first batch of epoch 1, to see which inputs and labels there are.
function Source:sample()
  local loader <const> = self:batches(1)
  local batch <const> = loader()
  Source.close(loader)
  return batch or self:fail_empty()
end

--- The recipe by which net:predict prepares inputs like the ones of this source (data/recipe.lua),
-- or nil.
function Source:recipe()
  if not self.ds then return nil end
  local own <const> = copied(self.options, {workers = 0})
  for _, name in ipairs(TRAINING) do own[name] = nil end
  return (data.loader(self.ds, own):recipe())
end

--- A text that tells these data from others.
function Source:mark()
  if not self.ds then return "a function" end
  return marks.of(self.ds, self.options).set
end

return Source
