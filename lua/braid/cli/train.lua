--- `braid train DEFINITION`: trains the network of a definition file, as train.fit does in a
-- script.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local fit_of <const> = require "braid.data.fit"
local given <const> = require "braid.cli.given.data"
local json <const> = require "braid.io.json"
local settings <const> = require "braid.cli.given.settings"
local tasks_of <const> = require "braid.cli.given.tasks"

-- Options that go to train.fit unchanged. Options that are not given are not passed on.
local SAME <const> = {
  epochs = check.whole{from = 1}, steps = check.whole{from = 1}, batch = check.whole{from = 1},
  lr = check.number{above = 0}, schedule = check.optional(check.choice{"constant", "cosine",
    "linear"}), warmup = check.number{from = 0}, clip = check.number{above = 0},
  ema = check.number{from = 0, to = 1}, accumulate = check.whole{from = 1}, best = check.text(),
  patience = check.whole{from = 1}, dir = check.text(), report = check.flag(),
  events = check.flag(), log = check.whole{from = 0}, every = check.whole{from = 1},
}
local SAID <const> = {
  epochs = "how many", steps = "how many, instead of epochs", batch = "samples of a step (64)",
  lr = "learning rate", schedule = "of the learning rate: constant, cosine or linear",
  warmup = "epochs", clip = "the largest norm of the gradient",
  ema = "decay of averaged weights", accumulate = "batches of a step",
  best = "the metric that counts, such as landmarks.failure (loss)",
  patience = "epochs without a better one that end the run",
  dir = "the run's directory; the same call goes on from what is there",
  report = "write report.html at the end", events = "write files for TensorBoard",
  log = "steps between lines", every = "steps between checkpoints",
  tasks = "\"landmarks pose smile*0.1\": labels and their weights (all)",
  options = "of the definition: \"width=0.5 norm\"", optimizer = "by its name in braid.optim",
  optim = "settings of the optimizer: \"weight_decay=0.01\"",
  weighting = "mtl.weighting of this name", size = "side of the pictures",
  augment = "\"rotate=15 scale=0.1 shift=0.04 flip=0.5\"", workers = "threads that make batches",
  seed = "of the network and of the samples' order", json = "print the last epoch for machines",
}

local TAKES <const> = {tasks = "", options = "", optimizer = "AdamW", optim = "",
  weighting = check.text(), size = check.whole{from = 1, to = 4096}, augment = "",
  workers = {0, from = 0, to = 256}, seed = {1, from = 0}, json = false}
for name, kind in pairs(SAME) do TAKES[name] = kind end
for name, kind in pairs(given.OPTIONS) do TAKES[name], SAID[name] = kind, given.SAID[name] end

-- The side that a loader would choose by itself, or nil. The run's configuration keeps it, for
-- pictures that the network is shown later.
local function size_of(set)
  local ok <const>, size <const> = check.caught(fit_of.size, {set}, {})
  return ok and size > 0 and size or nil
end

local function fit_options(o, net, sets)
  local fit <const> = {net = net, train = sets.train, val = sets.val, seed = o.seed}
  for name in pairs(SAME) do fit[name] = o[name] end
  fit.optimizer = settings("optim", o.optim)
  fit.optimizer[1], fit.optimizer.lr = o.optimizer, o.lr
  fit.lr = nil
  if o.weighting then fit.weighting = braid.mtl.weighting[o.weighting]{} end
  fit.loader = {size = o.size or size_of(sets.train), workers = o.workers > 0 and o.workers or nil,
    augment = o.augment ~= "" and settings("augment", o.augment) or nil}
  fit.progress = not o.json
  return fit
end

return {usage = "train DEFINITION ...       train a network; the same call again goes on with it",
  least = 1, most = 1, options = TAKES, said = SAID,
  wrong = function(o)
    if not o.data then return "--data is missing: a directory, a file or faces" end
    if (o.epochs == nil) == (o.steps == nil) then return "wants --epochs or --steps" end
    for _, name in ipairs{"report", "events", "every"} do
      if o[name] and not o.dir then
        return ("--%s writes into --dir, which is missing"):format(name)
      end
    end
  end,
  run = function(o, path)
    local sets <const> = given.open(o)
    local tasks <const>, options <const> = tasks_of(o.tasks, sets), settings("options", o.options)
    braid.manual_seed(o.seed)
    options.tasks = tasks
    local history <const> = braid.train.fit(fit_options(o, braid.model(path, options), sets))
    if o.json then
      print(json.encode(require "braid.train.log".plain(history[#history])))
    end
  end}
