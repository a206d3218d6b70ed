--- Asynchronous successive halving (Li, Jamieson, Rostamizadeh et al. 2020, algorithm 2): trials
-- train for a few epochs, the best 1/eta of them for eta times as many, and so on.
--
-- Decisions are made in the order in which trials entered a rung. Each decision compares only the
-- trials that had entered by then. So the speed of processes does not matter, and a resumed search
-- makes the same decisions.

local M <const> = {}
M.__index = M

--- rungs: the epochs of each rung. trials: the number of trials. better(a, b) compares two values.
function M.new(rungs, trials, eta, better)
  local self <const> = setmetatable({rungs = {}, trials = trials, eta = eta, better = better,
    started = 0}, M)
  for i, epochs in ipairs(rungs) do
    self.rungs[i] = {epochs = epochs, entered = {}, values = {}, decided = 0, promoted = {},
      waiting = 1}
  end
  return self
end

-- The best n // eta of the first n trials of a rung.
local function best_of(self, rung, n)
  local list <const> = {}
  for i = 1, n do
    local trial <const> = rung.entered[i]
    if rung.values[trial] then list[#list + 1] = {trial = trial, at = i} end
  end
  table.sort(list, function(a, b)
    local x <const>, y <const> = rung.values[a.trial], rung.values[b.trial]
    if self.better(x, y) then return true end
    if self.better(y, x) then return false end
    return a.at < b.at
  end)
  return table.move(list, 1, math.min(#list, n // self.eta), 1, {})
end

-- Promotes trials of a rung, in the order of entry, up to the first one that still trains.
local function decide(self, k)
  local rung <const>, above <const> = self.rungs[k], self.rungs[k + 1]
  while above and rung.decided < #rung.entered do
    local trial <const> = rung.entered[rung.decided + 1]
    if rung.values[trial] == nil then return end
    rung.decided = rung.decided + 1
    for _, b in ipairs(best_of(self, rung, rung.decided)) do
      if not rung.promoted[b.trial] then
        rung.promoted[b.trial] = true
        above.entered[#above.entered + 1] = b.trial
      end
    end
  end
end

--- The next trial to train and its rung, or nil if other trials must end first.
function M:next()
  for k = #self.rungs, 2, -1 do
    local rung <const> = self.rungs[k]
    local trial <const> = rung.entered[rung.waiting]
    if trial then
      rung.waiting = rung.waiting + 1
      return trial, k
    end
  end
  if self.started == self.trials then return nil end
  self.started = self.started + 1
  local first <const> = self.rungs[1]
  first.entered[self.started] = self.started
  return self.started, 1
end

--- Records the value that a trial reached on a rung; false if the trial failed.
function M:done(trial, k, value)
  self.rungs[k].values[trial] = value
  decide(self, k)
end

return M
