--- The plateau schedule, as ReduceLROnPlateau of PyTorch: when the metric has not become
-- better for more than `patience` steps the factor is multiplied by `factor`, down to
-- `lowest`; then it waits for `cooldown` steps.
--
-- {mode = "min" | "max", factor = 0.1, patience = 10, threshold = 1e-4, threshold_mode =
-- "rel" | "abs", cooldown = 0, lowest = 0, metric = the name of the field of metrics that
-- counts, where they are a table}
-- @usage
-- local schedule = optim.schedule(opt, optim.plateau{patience = 3})
-- schedule:step(validation_loss)

local class <const> = require "braid.class"
local check <const> = require "braid.check"

local Plateau <const> = class("plateau")

local DEFAULTS <const> = {
  mode = "min", factor = 0.1, patience = 10, threshold = 1e-4, threshold_mode = "rel",
  cooldown = 0, lowest = 0, metric = check.none,
}

function Plateau:init(given)
  local o <const> = check.options("plateau", given, DEFAULTS)
  if o.mode ~= "min" and o.mode ~= "max" then
    error(("plateau: mode must be \"min\" or \"max\", not \"%s\""):format(tostring(o.mode)), 3)
  end
  if o.threshold_mode ~= "rel" and o.threshold_mode ~= "abs" then
    error(("plateau: threshold_mode must be \"rel\" or \"abs\", not \"%s\""):format(
      tostring(o.threshold_mode)), 3)
  end
  if not (o.factor < 1) then error("plateau: factor must be below 1", 3) end
  self.options, self.current, self.bad, self.wait = o, 1, 0, 0
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
    error(("plateau: step wants a number%s, not %s"):format(
      o.metric and " or a table with '" .. o.metric .. "'" or "", type(value)), 4)
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

function Plateau:load_state_dict(dict)
  self.current, self.best, self.bad, self.wait = dict.current, dict.best, dict.bad, dict.wait
end

return Plateau
