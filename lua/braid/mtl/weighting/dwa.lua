--- Dynamic weight average (Liu, Johns and Davison 2019, "End-to-end multi-task learning with
-- attention", equation 7): tasks whose loss falls slowly count more.
--
--   w_t(e-1) = L_t(e-1) / L_t(e-2),  lambda_t(e) = K exp(w_t(e-1) / T) / sum_i exp(w_i(e-1) / T)
-- L_t(e) is the mean of a task's loss over epoch e, K the number of tasks, and T the option
-- temperature (2). In the first two epochs w = 1. An epoch begins with tasks:set_epoch, or after
-- `every` steps.
-- @usage tasks:weigh(net, mtl.weighting.dwa())

local base <const> = require "braid.mtl.weigh.base"
local check <const> = require "braid.check"
local matrix <const> = require "braid.mtl.weigh.matrix"

local Dwa <const> = base.by_losses("dwa", {temperature = check.number{2, above = 0},
  every = check.whole{from = 1}})

-- Turns the sums of an epoch into means. They become the means of the last epoch.
local function close_epoch(state)
  for name, sum in pairs(state.sum) do
    state.older[name] = state.newer[name]
    state.newer[name] = sum / state.steps[name]
  end
  state.sum, state.steps = {}, {}
end

function Dwa:scale(s)
  local state <const>, every <const> = s.state, self.options.every
  state.sum, state.steps = state.sum or {}, state.steps or {}
  state.older, state.newer = state.older or {}, state.newer or {}
  local epoch <const> = every and (s.number - 1) // every + 1 or s.epoch
  if not epoch then
    check.fail("mtl.weighting.dwa: it weighs by epochs, but no epoch is set: call "
      .. "tasks:set_epoch(epoch), or give every, the number of steps in an epoch")
  end
  if state.epoch and state.epoch ~= epoch then close_epoch(state) end
  state.epoch = epoch
  local rates <const> = {}
  for i, name in ipairs(s.names) do
    state.sum[name] = (state.sum[name] or 0.0) + s.losses[i]
    state.steps[name] = (state.steps[name] or 0) + 1
    local older <const> = state.older[name]
    rates[i] = older and older > 0 and state.newer[name] / older or 1
  end
  return matrix.scaled(matrix.softmax(matrix.scaled(rates, 1 / self.options.temperature)), s.count)
end

return Dwa
