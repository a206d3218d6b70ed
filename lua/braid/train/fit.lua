--- train.fit{net =, tasks =, train =, val =, epochs =, ...}: trains a network, and gives the
-- history.
--
-- What it does a loop can do by hand with the same parts: data.loader, tasks:loss, optim.*,
-- optim.schedule, optim.EMA, train.best, train.patience, train.log, braid.checkpoint.
--
-- Data: train and val are data sets (loaders of them get `batch`, 64, `balanced`, and the options
-- in `loader`; validation without augmentation), loaders as patterns, or functions(epoch) that give
-- one. Length: epochs or steps. optimizer = "Adam" with lr, {"AdamW", lr = 1e-3, ...}, an
-- optimizer, or function(net); schedule = "constant", "cosine", "linear", a function as
-- optim.schedule takes it (by the step; {f, by = "epoch"} and optim.plateau by the epoch, with the
-- metric that counts); warmup = epochs, also half a one, or {steps = n}. clip = the largest norm of
-- the gradient; accumulate = k batches a step, which are one batch of k times the size but for
-- batch norm; ema = decay or optim.EMA's options, with recompute = true or a number of batches to
-- take batch norm's statistics anew under the averages, from = the first epoch that counts, by =
-- "epoch" (with average = "equal": stochastic weight averaging). weights = {smile = 0.1 or
-- function(epoch)} sets tasks' weights, rates = {pose = 0.1 or function(epoch)} multiplies the rate
-- of what is a task's alone; they are as before when fit ends. turns = true (or names): tasks take
-- turns, each with balanced batches of its own (columns then run in a list: net:unstack()).
-- stopping = mtl.early_stopping{...}: tasks end by themselves. stages = {{epochs = 5, train =
-- "shared"}, {epochs = 5, train = "columns", freeze = "shared"}}: one after the other, with an
-- optimizer each; a stage may have optimizer, lr, schedule, warmup, weights, clip, and prepare =
-- function(net). best = "landmarks.failure" (or "loss", the weighted sum of validation, the
-- default) is the metric that counts; patience = n ends training n epochs after its best value.
--
-- dir = a directory (train.log): config.json, metrics.jsonl, metrics.csv, last.safetensors after
-- every epoch (and after `every` steps), best.safetensors. The same call goes on from there (resume
-- = "auto"; true: it must, false: it must not), with the same numbers as if it had never ended,
-- whenever and however it did. Ctrl-C and SIGTERM end it after the step, with status 130 and 143;
-- at a prompt it returns. seed = the loaders' and braid.manual_seed. log = 50: every so many steps
-- stand in metrics.jsonl. on = {start =, step =, epoch =, stop = function(fit, event)}: fit.net,
-- fit.opt, fit.at, fit:stop(reason). profile = true: history.profile says where the time of the
-- first epoch went. The test set is train.test's.
-- @usage local history <const> = train.fit{net = net, tasks = tasks, train = faces.train,
--   val = faces.val, epochs = 8, lr = 2e-3, schedule = "cosine", best = "landmarks.failure",
--   dir = "build/run"}

local Fit <const> = require "braid.train.fitting.fit"
local options <const> = require "braid.train.fitting.options"
local signals <const> = require "braid.train.fitting.signals"
local step <const> = require "braid.train.fitting.step"

-- One epoch, or what is left of it; whether a signal ended it.
local function train_epoch(fit)
  fit:begin_epoch()
  for batches in fit:groups() do
    if step.take(fit, batches) then return true end
    if fit:is_due() then fit:save() end
    if fit:epoch_is_cut() then break end
  end
  return fit:end_epoch()
end

return function(given)
  local fit <close> = Fit(options.read(given))
  local _ <close> = signals.watch()
  fit:begin()
  while not fit:is_over() do
    if fit:stage_is_over() then fit:begin_stage(fit.at.stage + 1) end
    if fit:profiled(train_epoch) then return fit:leave() end
  end
  return fit:finish()
end
