--- One step of training: forward, losses, backward, and the optimizer's step.

local asked <const> = require "braid.data.asked"
local core <const> = require "braid.core"
local check <const> = require "braid.check"
local grad <const> = require "braid.grad"
local optim <const> = require "braid.optim"
local parts <const> = require "braid.train.fitting.parts"
local signals <const> = require "braid.train.fitting.signals"

local M <const> = {}

-- ---- a loss that is not finite ------------------------------------------------------------

local function is_finite(v) return v - v == 0 end

local function number(v) return core.is_tensor(v) and v:item() or v end

-- The numbers of the batch's samples as text, if the loader knows them.
local function samples_of(loader)
  if type(loader) ~= "table" or not loader.indices then return "" end
  local list <const> = loader:indices()
  local shown <const> = table.concat(list, ", ", 1, math.min(#list, 64))
  return ("; its samples: %s%s"):format(shown, #list > 64 and ", ..." or "")
end

local function forward(fit, batch)
  local x <const> = asked(batch)
  if fit.o.turns then return fit.net(x, {tasks = fit.tasks:present(batch)}) end
  return fit.net(x)
end

-- Runs the batch again under detect_anomaly, to find the operator that makes the first NaN or Inf.
local function operator_of(fit, batch)
  local _ <close> = core.set_anomaly(true)
  local ok <const>, why <const> = check.caught(function()
    local _ <close> = grad.no_grad()
    return fit.tasks:loss(forward(fit, batch), batch)
  end)
  return not ok and "; " .. why or ""
end

-- Raises an error that names the step, the tasks, the samples and the operator.
local function stop_for(fit, what, losses, operator)
  local words <const>, names <const> = {}, {}
  for _, name in ipairs(check.sorted_keys(losses)) do
    local v <const> = number(losses[name])
    words[#words + 1] = ("%s %s"):format(name, check.shown(v))
    if not is_finite(v) then names[#names + 1] = name end
  end
  check.fail("train.fit: %s at step %d of epoch %d%s%s%s%s. No step was taken%s. Train with a "
    .. "smaller lr or with clip", what, fit.at.step + 1, fit.at.epoch + 1,
    #names > 0 and ", of task " .. table.concat(names, ", ") or "",
    #words > 0 and " (" .. table.concat(words, ", ") .. ")" or "", samples_of(fit.loader), operator,
    fit.run and (", and %s is unchanged: a run with other options continues from it"):format(
    fit.run.last) or "")
end

local function check_total(fit, total, losses, batch)
  if is_finite(total) then return end
  stop_for(fit, "the loss is " .. check.shown(total), losses, operator_of(fit, batch))
end

-- Returns the result of f(). If f fails under detect_anomaly, the error also names the step.
local function watched(fit, f)
  if not core.is_anomaly() then return f() end
  local ok <const>, result <const> = check.caught(f)
  if ok then return result end
  if result:find("holds NaN or Inf") then
    stop_for(fit, "a value is not finite", {}, "; " .. result)
  end
  check.fail("%s", result)
end

-- ---- the gradient -----------------------------------------------------------------------

-- Adds the losses of a batch to the sums of the epoch.
local function note(fit, total, losses)
  local sums <const> = fit.at.sums
  sums.total, sums.n = (sums.total or 0.0) + total, (sums.n or 0) + 1
  for name, loss in next, losses do
    local own <const> = fit.at.losses[name] or {0.0, 0}
    own[1], own[2] = own[1] + loss, own[2] + 1
    fit.at.losses[name] = own
  end
end

local function numbers(losses)
  local list <const> = {}
  for name, loss in next, losses do list[name] = number(loss) end
  return list
end

-- Runs one batch forward and backward -> the loss and each task's loss, as numbers.
local function gradient_of(fit, batch)
  local _ <close> = grad.scope()
  local loss, losses = fit.tasks:loss(forward(fit, batch), batch)
  local penalty <const> = fit.penalty and fit.net:penalty()
  if penalty then loss = loss + penalty end
  local total <const> = loss:item()
  check_total(fit, total, losses, batch)
  fit.opt:zero_grad()
  if fit.weighing then
    fit.weighing:backward(losses)
    if penalty then penalty:backward() end
  elseif loss.requires_grad then
    loss:backward()
  end
  return total, numbers(losses)
end

-- The number of values over which a batch's loss of a task is a mean.
local function divisor(task, name, batch)
  local target <const> = task.target and task:target(batch, name) or batch[name]
  if task.divisor then return task:divisor(target) end
  return task.labelled and task:labelled(target) or batch.count
end

-- A list with {task = share} for each batch: the batch's labels of the task as a share of the
-- labels in all batches. Losses are multiplied by these shares before they are added.
local function shares_of(fit, batches)
  local shares <const>, all <const> = {}, {}
  for i, batch in ipairs(batches) do
    shares[i] = {}
    for name, task in fit.tasks:each() do
      local n <const> = fit.tasks:weight_of(name) > 0 and divisor(task, name, batch) or 0
      shares[i][name], all[name] = n, (all[name] or 0) + n
    end
  end
  for _, own in ipairs(shares) do
    for name, n in pairs(own) do own[name] = n / math.max(all[name], 1) end
  end
  return shares
end

-- The sum of a batch's losses, each times its weight and share, or nil.
local function shared_sum(fit, losses, shares)
  local sum
  for name in fit.tasks:each() do -- a fixed order, because rounding depends on it
    local loss <const> = losses[name]
    local part <const> = loss and loss * (fit.tasks:weight_of(name) * shares[name])
    sum = part and (sum and sum + part or part) or sum
  end
  return sum
end

-- Adds up the gradients of one sample's batches, so that they count as one batch. Adds each task's
-- loss to `sums`. Returns the loss as a number.
local function add_gradients(fit, batches, sums, sample)
  local total, shares <const> = 0.0, shares_of(fit, batches)
  for i, batch in ipairs(batches) do
    local _ <close> = grad.scope()
    local _, losses <const> = fit.tasks:loss(forward(fit, batch), batch)
    for name, loss in next, losses do
      sums[name] = (sums[name] or 0.0) + loss:item() * shares[i][name]
    end
    local sum = shared_sum(fit, losses, shares[i])
    local penalty <const> = fit.penalty and fit.net:penalty()
    if penalty then
      local part <const> = penalty * (1 / #batches)
      sum = sum and sum + part or part
    end
    if sum then
      total = total + sum:item()
      check_total(fit, total, losses, batch)
    end
    if fit.weighing then
      fit.weighing:gather(losses, nil, {share = shares[i], sample = sample})
    elseif sum then
      sum:backward()
    end
  end
  return total
end

-- Adds up the gradients of all batches of a step. A sample is `accumulate` batches. If a weighting
-- wants several samples, the loss of the step is the mean over them.
local function gradient_of_all(fit, batches)
  local k <const>, total, sums <const> = fit.o.accumulate, 0.0, {}
  local samples <const> = (#batches + k - 1) // k
  fit.opt:zero_grad()
  for i = 1, samples do
    local own <const> = table.move(batches, (i - 1) * k + 1, math.min(i * k, #batches), 1, {})
    total = total + add_gradients(fit, own, sums, i)
  end
  if fit.weighing then
    local _ <close> = grad.scope()
    fit.weighing:backward()
    local penalty <const> = fit.penalty and fit.net:penalty()
    if penalty then penalty:backward() end
  end
  for name, loss in next, sums do sums[name] = loss / samples end
  return total / samples, sums
end

-- ---- the step -----------------------------------------------------------------------------

--- Takes a step on the batches (one, or as many as accumulate says) -> whether a signal came.
function M.take(fit, batches)
  local at <const>, total, losses = fit.at, nil, nil
  local function gradient()
    watched(fit, function()
      if #batches == 1 and fit:batches_of_step() == 1 then
        total, losses = gradient_of(fit, batches[1])
      else
        total, losses = gradient_of_all(fit, batches)
      end
    end)
    if fit.clip then optim.clip_grad_norm(fit.parameters, fit.clip) end
    return total
  end
  local lr <const> = fit:lr()
  if parts.wants_closure(fit.opt) then
    fit.opt:step(gradient)
  else
    gradient()
    fit.opt:step()
  end
  if fit.by == "step" then fit.schedule:step() end
  fit:average("step")
  at.step, at.taken, at.lr = at.step + 1, at.taken + #batches, lr
  note(fit, total, losses)
  local count = 0
  for _, batch in ipairs(batches) do count = count + batch.count end
  fit:after_step(total, losses, lr, count)
  return signals.caught() ~= nil
end

return M
