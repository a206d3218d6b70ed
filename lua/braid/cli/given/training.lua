--- The options of train.fit as arguments, for the commands that train.

local check <const> = require "braid.check"
local given <const> = require "braid.cli.given.data"
local mtl <const> = require "braid.mtl"
local optim <const> = require "braid.optim"
local settings <const> = require "braid.cli.given.settings"

local M <const> = {}

-- Options that go to train.fit unchanged. An option that is not given is not passed on.
local SAME <const> = {
  epochs = check.whole{from = 1}, steps = check.whole{from = 1}, batch = check.whole{from = 1},
  lr = check.number{above = 0}, clip = check.number{above = 0}, accumulate = check.whole{from = 1},
  best = check.text(), patience = check.whole{from = 1}, report = check.flag(),
  events = check.flag(), log = check.whole{from = 0}, every = check.whole{from = 1},
  profile = check.flag(),
}

M.OPTIONS = {
  tasks = "", options = "", optimizer = "AdamW", optim = "", schedule = check.text(),
  warmup = check.text(), weighting = check.text(), weights = "", rates = "",
  balanced = check.text(), turns = check.text(), stopping = check.text(),
  stages = check.text(), ema = check.text(),
  size = check.whole{from = 1, to = 4096}, augment = "", loader = "",
  workers = {0, from = 0, to = 256},
}
for name, kind in pairs(SAME) do M.OPTIONS[name] = kind end
for name, kind in pairs(given.OPTIONS) do M.OPTIONS[name] = kind end

M.SAID = {
  epochs = "number of epochs", steps = "number of steps, instead of "
    .. "epochs", batch = "samples in a batch (64)",
  lr = "learning rate", schedule = "schedule of the learning rate: constant, cosine, linear, or "
    .. "one of braid.optim: \"step size=10 by=epoch\"",
  warmup = "epochs of warmup, or \"steps=100\"", clip = "largest norm of the gradient",
  ema = "decay of averaged weights, or \"decay=0.99 recompute by=epoch\"",
  accumulate = "batches that make one step",
  best = "metric that decides which epoch is best, such as landmarks.failure (loss)",
  patience = "end the run after so many epochs without a better one",
  report = "write report.html at the end", events = "write files for TensorBoard",
  log = "steps between printed lines", every = "steps between checkpoints",
  profile = "show where the first epoch's time went",
  tasks = "labels to learn, with weights: \"landmarks pose smile*0.1\" (all)",
  options = "options of the definition: \"width=0.5 norm at={conv1, conv3}\"",
  optimizer = "name of an optimizer in braid.optim", optim = "settings of the optimizer: "
    .. "\"weight_decay=0.01\"",
  weighting = "method of mtl.weighting: gradnorm, or \"gradnorm alpha=1.5\"",
  weights = "weights of tasks in the loss: \"smile=0.1\"",
  rates = "factors of the learning rate for tasks' own columns and heads: \"pose=0.1\"",
  balanced = "labels whose classes come equally often",
  turns = "tasks that train in turns, or yes for all",
  stopping = "end tasks one by one: \"epsilon=0.5 window=5 main=landmarks\"",
  stages = "stages: \"{epochs=5 train=shared} {epochs=5 train=columns freeze=shared lr=1e-4}\"",
  size = "side of the pictures in pixels (one that data and network have)",
  augment = "random changes of the pictures: \"rotate=15 scale=0.1 shift=0.04 flip=0.5\"",
  loader = "further settings of data.loader: \"drop_last\"", workers = "threads that make batches",
}
for name, words in pairs(given.SAID) do M.SAID[name] = words end

local NAMED <const> = {constant = true, cosine = true, linear = true}
local FLAGS <const> = {yes = true, no = false, ["true"] = true, ["false"] = false}

--- A message about options that do not fit together, or nil.
function M.wrong(o)
  if not o.data then return "--data is missing: a directory, a file or faces" end
  local stages <const> = o.stages and o.stages ~= ""
  local lengths <const> = (o.epochs and 1 or 0) + (o.steps and 1 or 0) + (stages and 1 or 0)
  if lengths ~= 1 then return "give one of --epochs, --steps and --stages" end
  for _, name in ipairs{"report", "events", "every"} do
    if o[name] and not o.dir then
      return ("--%s writes into --dir, which is missing"):format(name)
    end
  end
end

-- "step size=10 by=epoch": a function of braid.optim by name, called with its settings.
local function schedule_of(text)
  local name <const>, own <const> = settings.named("schedule", text)
  if NAMED[name] then return name end
  local make <const>, by <const> = optim[name], own.by
  local declared <const> = check.declared["optim." .. name]
  if not declared or declared.kinds.lr or name == "schedule" then
    check.fail("--schedule: optim.%s is not a schedule", name)
  end
  own.by = nil
  for key, kind in pairs(declared.kinds) do
    if kind.positional then
      local value <const> = own[key]
      own[key] = nil
      return {make(value, next(own) ~= nil and own or nil), by = by}
    end
  end
  return make(own)
end

-- A number, or settings in a table.
local function number_or_settings(option, text)
  return tonumber(text) or settings(option, text)
end

-- True or false, or a list of names.
local function flag_or_names(option, text)
  if FLAGS[text] ~= nil then return FLAGS[text] end
  return settings.list(option, text)
end

local TABLES <const> = {weights = settings.read, rates = settings.read, stopping = settings.read,
  stages = settings.list, turns = flag_or_names, balanced = flag_or_names,
  warmup = number_or_settings, ema = number_or_settings}

--- The options of train.fit from these arguments, without the network, its data and `dir`.
function M.fit(o)
  local fit <const> = {}
  for name in pairs(SAME) do fit[name] = o[name] end
  for name, read in pairs(TABLES) do
    if o[name] and o[name] ~= "" then fit[name] = read(name, o[name]) end
  end
  local name <const>, own <const> = settings.named("optimizer", o.optimizer)
  for key, value in pairs(settings("optim", o.optim)) do own[key] = value end
  own[1], own.lr, fit.lr = name, o.lr or own.lr, nil
  fit.optimizer = own
  if o.schedule then fit.schedule = schedule_of(o.schedule) end
  if o.weighting then
    local method <const>, its <const> = settings.named("weighting", o.weighting)
    fit.weighting = mtl.weighting[method](its)
  end
  return fit
end

--- The options of the loader, with the options that match the data to a network.
function M.loader(o, matching)
  local loader <const> = settings("loader", o.loader)
  for key, value in pairs(matching) do loader[key] = value end
  loader.workers = o.workers > 0 and o.workers or loader.workers
  loader.augment = o.augment ~= "" and settings("augment", o.augment) or loader.augment
  return loader
end

return M
