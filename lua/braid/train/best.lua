--- The best network of a run, kept as a file.
--
-- train.best(path, net, {direction = "min" or "max", ema = optim.EMA(...)}): step(value) returns
-- whether the value is better than all earlier ones. If so, it writes the network to the path. With
-- an EMA it writes the averaged weights. braid.open can read the file; of a network without a
-- definition only the values are written (net:state_dict). The field `value` is the best value, and
-- `at` is its step. If the file cannot be written, a line on standard error says so.
-- @usage
-- local best <const> = train.best("best.safetensors", net)
-- if best:step(0.07) then print("better") end

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local notice <const> = require "braid.notice"
local origin <const> = require "braid.origin"
local save <const> = require "braid.model.save"
local walk <const> = require "braid.nn.walk"

local Best <const> = class("best")

local OPTIONS <const> = check.declare("train.best", {
  path = check.argument(check.text()),
  net = check.argument(check.kind("a network", walk.is_module)),
  direction = check.choice{"min", "max"},
  ema = check.kind("an optim.EMA", function(v) return type(v) == "table" and v.using ~= nil end),
})
local VALUE <const> = check.number{infinite = true, nan = true}
local STATE <const> = check.declare("train.best: load_state_dict", {
  value = check.number{infinite = true}, steps = check.needed(check.whole{from = 0}),
  at = check.whole{from = 0},
})

function Best:init(path, net, given)
  local o <const> = check.options(OPTIONS, given, {path = path, net = net})
  self.path, self.net, self.direction, self.ema = path, net, o.direction, o.ema
  self.steps, self.at = 0, 0
end

--- Whether a value is better than all earlier ones. NaN never is.
function Best:is_better(value)
  if value ~= value then return false end
  return not self.value or self.direction == "min" and value < self.value
    or self.direction == "max" and value > self.value
end

--- Writes the network as it is now.
function Best:write()
  local _ <close> = self.ema and self.ema:using() or nil
  local whole <const> = origin.of(self.net) ~= nil
  local ok <const>, why <const> = check.caught(save, self.path,
    whole and self.net or self.net:state_dict())
  if not ok then notice.say(("%s; training continues without this file"):format(why)) end
  return ok
end

--- Counts a step and returns whether its value is the best. It writes nothing.
function Best:note(value)
  check.value("train.best: step", "the value", value, VALUE)
  self.steps = self.steps + 1
  if not self:is_better(value) then return false end
  self.value, self.at = value, self.steps
  return true
end

function Best:step(value)
  local better <const> = self:note(value)
  if better then self:write() end
  return better
end

function Best:state_dict() return {value = self.value, steps = self.steps, at = self.at} end

function Best:load_state_dict(state)
  local o <const> = check.options(STATE, state)
  self.value, self.steps, self.at = o.value, o.steps, o.at
end

return Best
