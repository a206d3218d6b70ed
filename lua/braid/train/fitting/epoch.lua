--- An epoch of train.fit: its batches, sums and logs, and the decisions at its end. The functions
-- are methods of Fit (fitting/fit.lua).

local core <const> = require "braid.core"
local format <const> = require "braid.format"
local notice <const> = require "braid.notice"
local parts <const> = require "braid.train.fitting.parts"
local profile <const> = require "braid.profile"
local signals <const> = require "braid.train.fitting.signals"
local Source <const> = require "braid.train.fitting.source"
local stages <const> = require "braid.train.fitting.stages"
local validation <const> = require "braid.train.fitting.validation"

local M <const> = {}

function M:begin_epoch()
  local at <const> = self.at
  stages.set_weights(self, at.epoch + 1)
  parts.set_rates(self.net, self.opt, self.o.rates or {}, at.epoch + 1)
  self.net:train()
  self.loader = self.train:batches(at.epoch + 1, self.loader_state)
  if at.taken > 0 and not self.loader_state then
    for _ = 1, at.taken do self.loader() end
  end
  self.loader_state, self.epoch_begun, self.trained = nil, core.clock(), true
  self.label = ("epoch %d"):format(at.epoch + 1)
end

--- Calls f(self). With the option profile the first call runs under braid.profile.
function M:profiled(f)
  if not self.o.profile or self.history.profile then return f(self) end
  local signal
  self.history.profile = profile(function() signal = f(self) end, {net = self.net})
  local found <const> = self.history.profile
  if self.run then
    self.run.log:clock{event = "profile", ms = found.ms, blocks = found.blocks, tasks = found.tasks}
  end
  self:say(tostring(found))
  return signal
end

--- Iterates over the steps that are left in the epoch; gives the list of batches of each.
function M:groups()
  local k <const>, loader <const> = self:batches_of_step(), self.loader
  return function()
    local list <const> = {}
    while #list < k do
      local batch <const> = loader()
      if not batch then break end
      list[#list + 1] = batch
    end
    return #list > 0 and list or nil
  end
end

--- The cosines between the tasks' gradients in the last step, {names =, rows =}; nil if the
-- weighting does not compute gradients of tasks.
function M:cosine()
  if not self.weighing then return nil end
  local rows <const>, names <const> = self.weighing:cosine()
  return rows and {names = names, rows = rows}
end

--- Writes a step to the logs and the screen.
function M:after_step(total, losses, lr, count)
  local at <const>, o <const> = self.at, self.o
  at.stage_steps = at.stage_steps + 1
  local first <const> = next(losses)
  self.weighed = self.weighed or first ~= nil and next(losses, first) ~= nil
  if o.log > 0 and at.step % o.log == 0 then
    losses.total = total
    self:note{event = "step", step = at.step, epoch = at.epoch + 1, loss = losses, lr = lr,
      weights = stages.weights(self), cosine = self:cosine()}
  end
  if o.progress then self.bar:advance(self.label, count) end
  if o.on.step then
    self:call("step", {step = at.step, epoch = at.epoch + 1, loss = total, losses = losses})
  end
end

local function means_of(at)
  local means <const> = {total = at.sums.n and at.sums.total / at.sums.n}
  for name, own in pairs(at.losses) do means[name] = own[1] / own[2] end
  return means
end

-- Compares a report with the best one, for patience and early stopping -> whether it is better.
function M:judge(report, means)
  local at <const>, value <const>, why <const> = self.at, validation.value(self, report)
  if why then
    notice.say(("train.fit: %s is undefined after epoch %d: %s"):format(self.metric.path,
      at.epoch + 1, why))
  end
  local better <const> = self.best:note(value)
  if better then
    self:note{event = "best", epoch = at.epoch + 1, step = at.step, metric = self.metric.path,
      value = value}
  end
  if self.patience and self.patience:step(value) then self.at.reason = "patience" end
  if self.stopping then
    for name, criterion in pairs(self.stopping:step(means, report.loss)) do
      self:note{event = "stopping", epoch = at.epoch + 1, task = name, criterion = criterion}
    end
  end
  return better, value
end

-- Ends an epoch: validates, logs, decides whether to continue -> true if a signal ends the run.
function M:end_epoch()
  local at <const>, means <const> = self.at, means_of(self.at)
  self:average("epoch")
  local report = validation.report(self)
  while signals.caught() do
    if not signals.goes_on(self) then return true end
    report = validation.report(self)
  end
  local seconds <const> = core.clock() - self.epoch_begun
  local event <const> = self:note{event = "epoch", epoch = at.epoch + 1, step = at.step,
    train = {loss = means}, val = report, lr = at.lr, seconds = seconds,
    stage = #self.o.stages > 1 and at.stage or nil}
  local better, value = false, nil
  if report then better, value = self:judge(report, means) end
  if self.by == "epoch" then self.schedule:step(value or means.total) end
  at.epoch, at.of_stage, at.taken, at.sums, at.losses = at.epoch + 1, at.of_stage + 1, 0, {}, {}
  self:show(means, report, better, seconds)
  if self:lr() == 0 and not self.said_still and not self:stage_is_over() then
    self.said_still = true
    notice.say(("train.fit: the learning rate is 0 after step %d, so the weights no longer change; "
      .. "the schedule counts steps ({f, by = \"epoch\"} counts epochs)"):format(at.step))
  end
  if self.weighing and not self.weighed and not self.said_alone and #self.tasks.names > 1 then
    self.said_alone = true
    notice.say("train.fit: every step so far had the labels of one task alone, so the weighting "
      .. "had nothing to weigh it against; data.mix{..., by = \"sample\"} mixes tasks in a batch")
  end
  self:call("epoch", event)
  Source.close(self.loader)
  self.loader = nil
  self:save()
  if better then self:write_best() end
end

function M:show(means, report, better, seconds)
  self:say(format("%s  %.1f s  loss %s%s%s", self.label, seconds, validation.shown_losses(means),
    report and "  val: " .. tostring(report) or "", better and "  best" or ""))
end

return M
