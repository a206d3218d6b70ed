--- The plateau schedule, like PyTorch's ReduceLROnPlateau: lowers the rate when a metric stops
-- improving.
--
-- If the metric has not improved for more than `patience` steps, the rate is multiplied by
-- `factor`, down to `lowest` times the first rate. Then the schedule waits for `cooldown` steps.
-- Options: mode ("min", or "max" if more is better), factor (0.1), patience (10), threshold (1e-4;
-- a smaller improvement does not count), threshold_mode ("rel": a share of the best value; or
-- "abs"), cooldown (0), lowest (0), metric (the field to use if step() gets a table of metrics).
-- @usage
-- local schedule = optim.schedule(opt, optim.plateau{patience = 3})
-- schedule:step(0.31)      -- the measured value

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Plateau <const> = class("plateau")

local number <const>, whole <const>, choice <const> = check.number, check.whole, check.choice

local OPTIONS <const> = check.declare("optim.plateau", {
  mode = choice{"min", "max"}, factor = number{0.1, from = 0, below = 1},
  patience = whole{10, from = 0}, threshold = number{1e-4, from = 0},
  threshold_mode = choice{"rel", "abs"}, cooldown = whole{0, from = 0},
  lowest = number{0, from = 0}, metric = check.text(),
})

function Plateau:init(given)
  self.options = check.options(OPTIONS, given)
  self.current, self.bad, self.wait = 1, 0, 0
end

local function better(o, value, best)
  if not best then return value == value end
  local sign <const> = o.mode == "min" and -1 or 1
  local margin <const> = o.threshold_mode == "rel" and o.threshold * best or o.threshold
  local limit <const> = best + sign * margin
  if sign < 0 then return value < limit end
  return value > limit
end

local function metric_of(o, metrics)
  local value = metrics
  if type(metrics) == "table" then value = metrics[o.metric or "loss"] end
  if type(value) ~= "number" then
    check.fail("optim.plateau: step wants a number%s, not %s",
      o.metric and " or a table with '" .. o.metric .. "'" or "", check.shown(value))
  end
  return value
end

Plateau.__call = function(self, step, _, metrics)
  if step == 0 then return self.current end
  local o <const> = self.options
  local value <const> = metric_of(o, metrics)
  if better(o, value, self.best) then
    self.best, self.bad = value, 0
  else
    self.bad = self.bad + 1
  end
  if self.wait > 0 then self.wait, self.bad = self.wait - 1, 0 end
  if self.bad > o.patience then
    self.current = math.max(self.current * o.factor, o.lowest)
    self.wait, self.bad = o.cooldown, 0
  end
  return self.current
end

function Plateau:state_dict()
  return {current = self.current, best = self.best, bad = self.bad, wait = self.wait}
end

local STATE <const> = check.declare("optim.plateau: load_state_dict", {
  current = check.needed(number{from = 0}), best = number{infinite = true},
  bad = check.needed(whole{from = 0}), wait = check.needed(whole{from = 0}),
})

function Plateau:load_state_dict(dict)
  check.options(STATE, dict)
  self.current, self.best, self.bad, self.wait = dict.current, dict.best, dict.bad, dict.wait
end

return Plateau
