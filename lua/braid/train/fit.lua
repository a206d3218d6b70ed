--- train.fit{net =, train =, epochs =, ...}: trains a network and returns the history.
--
-- Your own loop can do the same with the same parts: data.loader, tasks:loss, optim.*,
-- optim.schedule, optim.EMA, train.best, train.patience, train.log, braid.checkpoint.
--
-- The network, the data, the length
--   net, tasks     the network, and its tasks (default: net.tasks)
--   train, val     data sets; or loaders, whose options are used; or functions(epoch) that return a
--                  loader
--   batch, balanced, loader = {...}   options of the loaders that fit makes for data sets. The
--                  batch is 64 by default; train is shuffled, val is not augmented
--   seed           for the loaders and braid.manual_seed
--   epochs, or steps   how long to train
-- The step
--   optimizer      a name such as "AdamW" with lr, {"AdamW", lr = 1e-3, ...}, an optimizer, or
--                  function(net)
--   schedule       "constant", "cosine" or "linear"; a function of steps as in optim.schedule, or
--                  {f, by = "epoch"}; or optim.plateau, which gets the value of `best` each epoch
--   warmup         epochs (0.5 is half an epoch), or {steps = n}
--   clip           the largest norm of the gradient
--   accumulate     k: a step takes k batches as if they were one (batch norm still uses the
--                  statistics of each batch)
--   ema            the decay, or a table of optim.EMA's options. The table may also have
--                    recompute    true or a number of batches: computes batch norm's statistics
--                                 again for the averages
--                    from         the first epoch whose weights count
--                    by = "epoch"   adds the weights once an epoch. With average = "equal" this
--                                 is stochastic weight averaging
-- Tasks (at its end, fit restores the weights that the tasks had before)
--   weighting      mtl.weighting.NAME{}, in place of the weighted sum. With accumulate, each batch
--                  costs a backward pass for each task, whatever the method
--   weights        {smile = 0.1 or function(epoch)}
--   rates          {pose = 0.1 or function(epoch)}: factors of the learning rate for a task's
--                  column and head
--   turns          true or names: tasks train in turns on balanced batches. Columns then run as a
--                  list, not stacked
--   stopping       mtl.early_stopping{...}: ends tasks one by one
--   stages         {{epochs = 5, train = "shared"}, {epochs = 5, train = "columns", freeze =
--                  "shared"}}: the names of parts are those of net:freeze, or "all". A stage may
--                  also have optimizer, lr, schedule, warmup, weights, clip and prepare =
--                  function(net), which may attach mixers (net:mix)
-- The metric
--   best           the metric on val that decides which epoch is best, such as "landmarks.failure";
--                  "loss" (default) is the weighted sum of the losses
--   patience       n: the run ends after n epochs without a new best one
-- Files, log and screen
--   dir            gets config.json, metrics.jsonl, metrics.csv, best.safetensors, and after every
--                  epoch last.safetensors. The same call continues an interrupted run and gives the
--                  same numbers as an uninterrupted run
--   resume         "auto" continues a run if there is one. true raises an error if there is none,
--                  false if there is one
--   every          steps between checkpoints within an epoch
--   log            steps between printed lines (50; 0 prints none)
--   on             {start =, step =, epoch =, stop = function(fit, event)}. The functions may use
--                  fit.net, fit.opt, fit.at and fit:stop(reason)
--   report         true writes report.html at the end (train.report)
--   events         true writes TensorBoard's files (train.events)
--   progress       false prints nothing
--   profile        true shows where the time of the first epoch went
-- Ctrl-C and SIGTERM end the run after the step, with a checkpoint and exit status 130 or 143. At
-- the prompt Ctrl-C pauses it; resume() continues it and stop() ends it. train.test measures the
-- best network on the test set.
-- @treturn train.history
-- @usage
-- local history <const> = train.fit{net = net, tasks = tasks, train = faces.train,
--   val = faces.val, epochs = 2, lr = 2e-3, schedule = "cosine", best = "landmarks.failure",
--   dir = "build/run"}

local Fit <const> = require "braid.train.fitting.fit"
local options <const> = require "braid.train.fitting.options"
local signals <const> = require "braid.train.fitting.signals"
local step <const> = require "braid.train.fitting.step"

-- Trains an epoch, or what is left of one -> whether a signal ended it.
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
