--- Patience: ends training when a metric has not become better for a number of epochs.
--
-- train.patience(epochs, {direction = "min" | "max", margin = 0}): step(value) returns whether it
-- is time to stop. A value is better only if it is better by more than the margin; NaN never is.
-- The fields are best (the best value), at (its step) and bad (the steps since).
-- @usage
-- local patience <const> = train.patience(5)
-- for _, err in ipairs{0.3, 0.2, 0.25, 0.21} do
--   if patience:step(err) then break end
-- end

local check <const> = require "braid.check"
local class <const> = require "braid.class"

local Patience <const> = class("patience")

local OPTIONS <const> = check.declare("train.patience", {
  epochs = check.argument(check.whole{from = 1}), direction = check.choice{"min", "max"},
  margin = check.number{0, from = 0},
})
local VALUE <const> = check.number{infinite = true, nan = true}
local STATE <const> = check.declare("train.patience: load_state_dict", {
  best = check.number{infinite = true}, steps = check.needed(check.whole{from = 0}),
  bad = check.needed(check.whole{from = 0}), at = check.whole{from = 0},
})

function Patience:init(epochs, given)
  local o <const> = check.options(OPTIONS, given, {epochs = epochs})
  self.epochs, self.direction, self.margin = o.epochs, o.direction, o.margin
  self.steps, self.bad, self.at = 0, 0, 0
end

--- Counts a step, and returns whether it is time to stop.
function Patience:step(value)
  check.value("train.patience: step", "the value", value, VALUE)
  self.steps = self.steps + 1
  local sign <const> = self.direction == "min" and 1 or -1
  if value == value and (not self.best or sign * value < sign * self.best - self.margin) then
    self.best, self.at, self.bad = value, self.steps, 0
  else
    self.bad = self.bad + 1
  end
  return self:is_over()
end

--- Whether it is time to stop.
function Patience:is_over() return self.bad >= self.epochs end

function Patience:state_dict()
  return {best = self.best, steps = self.steps, bad = self.bad, at = self.at}
end

function Patience:load_state_dict(state)
  local o <const> = check.options(STATE, state)
  self.best, self.steps, self.bad, self.at = o.best, o.steps, o.bad, o.at
end

return Patience
