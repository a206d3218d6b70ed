--- train.fit{net =, train =, epochs =, ...}: trains a network, and gives the history.
--
-- A loop of your own can do the same with the same parts: data.loader, tasks:loss, optim.*,
-- optim.schedule, optim.EMA, train.best, train.patience, train.log, braid.checkpoint.
--
-- The network, the data, the length
--   net, tasks     the network, and its tasks (default: net.tasks)
--   train, val     data sets; or loaders, whose options are used; or functions(epoch) that give a
--                  loader
--   batch, balanced, loader = {...}   options of the loaders that fit makes for data sets (batch =
--                  64; shuffled; val without augmentation); seed, for them and braid.manual_seed
--   epochs, or steps
-- The step
--   optimizer      "AdamW" with lr, {"AdamW", lr = 1e-3, ...}, an optimizer, function(net)
--   schedule       "constant", "cosine", "linear"; a function as in optim.schedule, which counts
--                  steps; {f, by = "epoch"}; optim.plateau, called once an epoch with the value of
--                  `best`
--   warmup         epochs (0.5 is half a one), or {steps = n}
--   clip           the largest norm of the gradient
--   accumulate     k: a step takes k batches, as if they were one (except in batch norm)
--   ema            decay, or optim.EMA's options; also recompute = true or a number of batches, to
--                  compute batch norm's statistics again for the averages; from = the first epoch
--                  that counts; by = "epoch" (with average = "equal": stochastic weight averaging)
-- Tasks (their weights are as before when fit ends)
--   weighting      mtl.weighting.NAME{}, in place of the weighted sum
--   weights        {smile = 0.1 or function(epoch)}
--   rates          {pose = 0.1 or function(epoch)}: factors for the rates of a task's own column
--                  and head
--   turns          true or names: tasks train in turns, on balanced batches; columns are in a list
--   stopping       mtl.early_stopping{...}: ends tasks one by one
--   stages         {{epochs = 5, train = "shared"}, {epochs = 5, train = "columns", freeze =
--                  "shared"}}: parts are named as in net:freeze, or "all"; a stage may also have
--                  optimizer, lr, schedule, warmup, weights, clip, prepare = function(net)
-- The measure
--   best           the metric on val that decides which epoch is best, such as "landmarks.failure";
--                  "loss" (default) is the weighted sum of the losses
--   patience       after how many epochs without a new best one the run ends
-- The files, the log
--   dir            config.json, metrics.jsonl, metrics.csv, last.safetensors after every epoch,
--                  best.safetensors. The same call goes on from there, with the same numbers as
--                  without the break: resume = "auto", true (there must be a run), or false
--   every          steps between checkpoints within an epoch
--   log            steps between printed lines (50; 0: none)
--   on             {start =, step =, epoch =, stop = function(fit, event)}: fit.net, fit.opt,
--                  fit.at, fit:stop(reason)
--   report, events true: report.html at the end (train.report), TensorBoard's files (train.events)
--   progress = false prints nothing; profile = true shows where the first epoch's time went
-- Ctrl-C and SIGTERM end the run after the step, with a checkpoint and exit status 130 or 143. At
-- the prompt Ctrl-C pauses it; resume() or stop() follow. The test set is for train.test.
-- @usage local history <const> = train.fit{net = net, tasks = tasks, train = faces.train,
--   val = faces.val, epochs = 8, lr = 2e-3, schedule = "cosine", best = "landmarks.failure",
--   dir = "build/run"}

local Fit <const> = require "braid.train.fitting.fit"
local options <const> = require "braid.train.fitting.options"
local signals <const> = require "braid.train.fitting.signals"
local step <const> = require "braid.train.fitting.step"

-- Trains an epoch, or the rest of one -> whether a signal ended it.
local function train_epoch(fit)
  fit:begin_epoch()
  for batches in fit:groups() do
    if step.take(fit, batches) and not signals.goes_on(fit) then return true end
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
