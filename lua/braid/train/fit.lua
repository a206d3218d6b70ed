--- train.fit{net =, train =, epochs =, ...}: trains a network, and gives the history.
--
-- A loop by hand can do the same with the same parts: data.loader, tasks:loss, optim.*,
-- optim.schedule, optim.EMA, train.best, train.patience, train.log, braid.checkpoint.
--
-- The network, the data, the length
--   net, tasks     the network; tasks are its own unless given
--   train, val     data sets, loaders as patterns, or functions(epoch) that give a loader
--   batch, balanced, loader = {...}   of loaders for data sets (64; shuffled; val without
--                  augmentation); seed, theirs and braid.manual_seed's
--   epochs, or steps
-- The step
--   optimizer      "AdamW" with lr, {"AdamW", lr = 1e-3, ...}, an optimizer, function(net)
--   schedule       "constant", "cosine", "linear"; a function as optim.schedule takes it, by the
--                  step; {f, by = "epoch"}; optim.plateau, by the epoch with the metric that counts
--   warmup         epochs (0.5 is half a one), or {steps = n}
--   clip           the largest norm of the gradient
--   accumulate     k batches a step: one of k times the size, batch norm aside
--   ema            decay, or optim.EMA's options, with recompute = true or so many batches (batch
--                  norm's statistics anew under the averages), from = the first epoch that counts,
--                  by = "epoch" (with average = "equal": stochastic weight averaging)
-- Tasks (their weights are as before when fit ends)
--   weighting      mtl.weighting.NAME{}, in place of the weighted sum
--   weights        {smile = 0.1 or function(epoch)}
--   rates          {pose = 0.1 or function(epoch)}: times the rate of what is that task's alone
--   turns          true or names: each in its turn, on balanced batches; columns run in a list
--   stopping       mtl.early_stopping{...}: tasks end by themselves
--   stages         {{epochs = 5, train = "shared"}, {epochs = 5, train = "columns", freeze =
--                  "shared"}}: parts as net:freeze has them, or "all"; also optimizer, lr,
--                  schedule, warmup, weights, clip, prepare = function(net)
-- The measure
--   best           "landmarks.failure", or "loss", the weighted sum (default), on val
--   patience       how many epochs without a better one end the run
-- The files, the log
--   dir            config.json, metrics.jsonl, metrics.csv, last.safetensors after every epoch,
--                  best.safetensors. The same call goes on from there to the same numbers as if
--                  it had never ended, however it did: resume = "auto", true (it must), false
--   every          steps between checkpoints within an epoch;   log, between lines (50; 0: none)
--   on             {start =, step =, epoch =, stop = function(fit, event)}: fit.net, fit.opt,
--                  fit.at, fit:stop(reason)
--   report, events true: report.html at the end (train.report), TensorBoard's files (train.events)
--   progress = false prints nothing; profile = true: where the first epoch's time went
-- Ctrl-C and SIGTERM end it after the step, with a checkpoint and status 130 or 143; at the
-- prompt Ctrl-C pauses it, for resume() or stop(). The test set is train.test's.
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
