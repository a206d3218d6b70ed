--- The state of a run of train.fit, and its methods from beginning to end. The functions in the
-- option `on` receive it.

local best_of <const> = require "braid.train.best"
local carded <const> = require "braid.train.fitting.carded"
local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local epoch <const> = require "braid.train.fitting.epoch"
local grad <const> = require "braid.grad"
local Log <const> = require "braid.train.log"
local parts <const> = require "braid.train.fitting.parts"
local Patience <const> = require "braid.train.patience"
local progress <const> = require "braid.train.progress"
local Run <const> = require "braid.train.fitting.run"
local shown <const> = require "braid.train.fitting.shown"
local signals <const> = require "braid.train.fitting.signals"
local Source <const> = require "braid.train.fitting.source"
local stages <const> = require "braid.train.fitting.stages"
local validation <const> = require "braid.train.fitting.validation"

local Fit <const> = class("fit")

function Fit:init(o)
  self.o, self.net, self.tasks, self.weights = o, o.net, o.tasks, {}
  for name, task in o.tasks:each() do self.weights[name] = task.weight end
  self.epoch_before = o.tasks:get_epoch()
  self.train = Source("train", o.train, o)
  self.val = o.val and Source("val", o.val, o, self.train:rows())
  -- How far the run is: the stage, the epochs and steps done in this stage and in all, the batches
  -- taken and the sums of losses in this epoch. After the end, at.reason says why it ended.
  self.at = {stage = 1, of_stage = 0, stage_steps = 0, epoch = 0, step = 0, taken = 0, sums = {},
    losses = {}}
  self.earlier = {} -- the network before each stage's prepare, for the report
  if o.seed then core.manual_seed(o.seed) end
end

-- ---- beginning ----------------------------------------------------------------------------

-- The parts that the checkpoint holds.
function Fit:parts()
  return {at = self.at, net = self.net, opt = self.opt, schedule = self.schedule, ema = self.ema,
    weighting = self.weighing,
    stopping = self.stopping, patience = self.patience, best = self.best, log = self.log}
end

-- Makes the parts that last for the whole run, not just for a stage.
function Fit:make_lasting()
  local o <const> = self.o
  self.metric = self.val and validation.metric(self)
  carded.begin(self)
  self.tasks:set_epoch(1) -- the option weights may have functions of the epoch
  validation.look(self)
  if o.stopping then self.stopping = stages.stopping(self) end
  if o.patience then self.patience = Patience(o.patience, {direction = self.metric.direction}) end
  self.penalty = self.net.penalty ~= nil
  stages.begin(self, 1)
  if o.dir then self.run = Run(self) end
  self.log = self.run and self.run.log or Log.in_memory()
  self.history = self.log.history
  if self.metric then -- without a directory this only notes the best value and writes no file
    self.best = best_of(self.run and self.run.best or "best.safetensors", self.net,
      {direction = self.metric.direction})
  end
end

-- Continues from the checkpoint of the directory.
function Fit:go_on()
  local stage <const> = self.run:stage()
  for i = 2, stage do stages.begin(self, i) end
  local mine <const> = self.run:changes_optimizer() and parts.settings(self.opt)
  local rest <const> = self.run:go_on(self:parts())
  if mine then parts.set(self.opt, mine) end
  self.loader_state, self.at.loader = rest.at.loader, nil
  self.history = self.log.history
  local best <const> = self.best
  if best and best.steps > 0 and best.at == best.steps and self.at.taken == 0 then
    self:write_best() -- the best epoch is the checkpoint's, and its file may not be written yet
  end
  if #self.run.changed > 0 then self.at.reason = nil end
  if self.patience and self.patience:is_over() then self.at.reason = "patience" end
  local over <const> = self:is_over() and ("has ended (%s)"):format(self.at.reason)
  self:say(("%s %s after epoch %d, step %d%s"):format(self.run.dir, over or "continues",
    self.at.epoch, self.at.step, self.at.reason == "patience"
      and "; with a longer patience, or without it, it goes on" or ""))
  self.log:clock{event = "resume", epoch = self.at.epoch, step = self.at.step}
end

function Fit:begin()
  self.begun = core.clock()
  self:make_lasting()
  self.bar = progress(math.max(1, stages.steps(self)))
  self.bar.done = 0
  if self.run and self.run.goes_on then
    self:go_on()
  elseif self.run then
    self.run:begin(self)
    self:note{event = "start", epoch = 0, step = 0}
    self.log:clock{event = "start", epoch = 0, step = 0}
    if not self:save() then
      check.fail("train.fit: dir: nothing can be written to %s", self.run.dir)
    end
  end
  self:begin_events()
  self:call("start", {epoch = self.at.epoch, step = self.at.step})
end

function Fit:begin_stage(i)
  self.at.stage, self.at.of_stage, self.at.stage_steps = i, 0, 0
  stages.begin(self, i)
end

for _, methods in ipairs{epoch, shown} do
  for name, f in pairs(methods) do Fit[name] = f end
end

-- ---- questions ----------------------------------------------------------------------------

--- How many batches a step takes: `accumulate` for each sample that the weighting wants.
function Fit:batches_of_step()
  return self.o.accumulate * (self.weighing and self.weighing:samples() or 1)
end

function Fit:stage_is_over()
  local stage <const>, at <const> = self.o.stages[self.at.stage], self.at
  if stage.steps then return at.stage_steps >= stage.steps end
  return at.of_stage >= stage.epochs and at.taken == 0
end

--- Whether the run has ended, after its full length or earlier.
function Fit:is_over()
  if self.at.reason then return true end
  if not self:stage_is_over() or self.at.stage < #self.o.stages then return false end
  self.at.reason = self.o.stages[self.at.stage].steps and "steps" or "epochs"
  return true
end

--- Whether the run or the stage ends here, before all batches of the epoch are taken.
function Fit:epoch_is_cut()
  local stage <const> = self.o.stages[self.at.stage]
  return self.at.reason ~= nil or stage.steps ~= nil and self.at.stage_steps >= stage.steps
end

--- Ends the run after this step or epoch. It is for functions in the option `on`.
function Fit:stop(reason)
  self.at.reason = check.value("train.fit: stop", "the reason", reason or "stop", check.text())
end

--- Whether a checkpoint within the epoch is due.
function Fit:is_due()
  return self.run ~= nil and self.o.every ~= nil and self.at.step % self.o.every == 0
end

function Fit:lr()
  -- mtl.ttc_update holds another optimizer
  local opt <const> = self.opt.groups and self.opt or self.opt.optimizer
  return opt.groups[1].lr * (self.opt.factor or opt.factor)
end

--- A scope in which the network has the averaged weights, if there are any.
function Fit:averaged()
  if not self.ema or self.ema.updates == 0 then return nil end
  return self.ema:using{recompute = self.averages.recompute and self:recomputing() or nil}
end

--- Adds the present weights to the averages. `by` is "step" or "epoch", whichever has just ended.
function Fit:average(by)
  local use <const>, at <const> = self.averages, self.at
  if not self.ema or use.by ~= by or at.epoch + 1 < use.from then return end
  if by == "epoch" then
    -- already added, before a signal interrupted the validation
    if at.averaged == at.epoch + 1 then return end
    at.averaged = at.epoch + 1
  end
  self.ema:update()
end

-- Batches of training, to compute the statistics of batch norm for the averaged weights.
function Fit:recomputing()
  local loader <const>, left = self.train:batches(self.at.epoch + 1), self.averages.recompute
  return function()
    left = left - 1
    if left >= 0 then return loader() end
    Source.close(loader)
  end
end

-- ---- saving -------------------------------------------------------------------------------

-- Raises an error instead of saving a network that has NaN or Inf, because the network saved last
-- is better.
local function check_finite(self)
  local _ <close> = grad.scope()
  for name, t in pairs(self.net:state_dict()) do
    local float <const> = t.dtype == "float32" or t.dtype == "float64"
    if float and not core.ops.all(core.ops.isfinite(t)):item() then
      check.fail("train.fit: %s holds NaN or infinity after step %d of epoch %d: the gradient of "
        .. "an earlier step was not finite. %s is unchanged. Train with a smaller lr or with clip; "
        .. "braid.detect_anomaly() names the operator", name, self.at.step, self.at.epoch + 1,
        self.run.last)
    end
  end
end

--- Writes the checkpoint, if the run has a directory. -> false if it was not written
function Fit:save()
  if not self.run then return true end
  check_finite(self)
  local at <const>, loader <const> = self.at, self.loader
  if at.taken > 0 and type(loader) == "table" and loader.state_dict then
    at.loader = loader:state_dict()
  end
  local done <const> = self.run:save(self:parts())
  at.loader = nil
  return done
end

-- Writes the present network as the best one, with the averaged weights if there are any.
function Fit:write_best()
  if not self.run then return end
  local _ <close> = self:averaged()
  local _ <close> = carded.validated(self)
  self.best:write()
end

-- ---- printing -----------------------------------------------------------------------------

function Fit:say(text)
  if self.o.progress then self.bar:print(text) end
end

function Fit:call(name, event)
  if self.o.on[name] then self.o.on[name](self, event) end
end

-- ---- ending -------------------------------------------------------------------------------

--- Ends a run after a signal: saves it, and returns to a prompt or ends the process.
function Fit:leave()
  local signal <const>, number <const> = signals.caught()
  local kept <const> = self.run and self:save()
  self.log:clock{event = "stop", reason = signal, epoch = self.at.epoch, step = self.at.step}
  local words <const> = kept and "the same call continues from there (" .. self.run.last .. ")"
    or self.run and "this state could not be saved; the same call continues from the state in "
    .. self.run.last or "nothing was saved; with dir = \"...\" the same call would continue here"
  self.bar:print(("%s after step %d, in epoch %d: %s"):format(signal, self.at.step,
    self.at.epoch + 1, words))
  self.history.interrupted = signal
  local history <const>, prompt <const> = self.history, signals.at_prompt()
  self:close()
  if not prompt then os.exit(128 + number, true) end
  return history
end

--- Ends a run whose work is done. -> the history
function Fit:finish()
  local at <const> = self.at
  local event <const> = {event = "stop", reason = at.reason, epoch = at.epoch, step = at.step}
  self:note(event)
  self:call("stop", {reason = at.reason, epoch = at.epoch, step = at.step})
  event.seconds = core.clock() - self.begun
  self.log:clock(event)
  if self.trained then self:report() end
  return self.history
end

--- Releases the directory and the tasks' weights.
function Fit:close()
  Source.close(self.loader)
  if self.events then self.events:close() end
  if self.run then self.run:close() end
  for name, weight in pairs(self.weights) do class.set(self.tasks[name], "weight", weight) end
  self.tasks:set_epoch(self.epoch_before)
end

Fit.__close = Fit.close

return Fit
