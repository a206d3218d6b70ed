--- Makes the heads of networks, by kind: "linear", "deep" or a function.

local check <const> = require "braid.check"
local guard <const> = require "braid.guard"
local nn <const> = require "braid.nn"
local Module <const> = require "braid.nn.module"
local readout <const> = require "braid.mtl.readout"

local M <const> = {}

--- The kind of an option for heads.
M.KIND = check.either(check.choice{"linear", "deep"}, check.kind(
  "a function(task, channels, name) that returns a module",
  function(v) return type(v) == "function" end))
M.OPTION = check.optional(M.KIND)

local MADE <const> = {}

--- mtl.readout, a linear layer on the mean of each channel. With `maps` it is a 1x1 convolution,
-- which applies the linear layer at each place.
function MADE.linear(task, channels, maps)
  return maps and nn.Conv2d(channels, task.size, {kernel = 1}) or readout(task, channels)
end

--- The head of Trottier et al. 2018, figure 2. With `maps` it has 1x1 convolutions.
function MADE.deep(task, channels, maps)
  local middle <const> = (channels + task.size) // 2
  if maps then
    return nn.Sequential{nn.Conv2d(channels, middle, {kernel = 1}), nn.BatchNorm2d(middle),
      nn.ReLU(), nn.Conv2d(middle, task.size, {kernel = 1})}
  end
  return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(channels, middle), nn.BatchNorm1d(middle),
    nn.ReLU(), nn.Linear(middle, task.size)}
end

-- Calls the user's function for a head. Raises an error unless it returns a module.
local function made_by(f, task, channels, name)
  local head <const> = guard.call("heads", f, task, channels, name)
  if not Module.is(head) then
    check.fail("heads: task '%s' has no head: the function returned a %s, not a module such as "
      .. "nn.Linear(channels, task.size)", name, type(head))
  end
  return head
end

--- Returns a function(task, channels, name) that makes a head. If `maps` is true, the heads are
-- convolutions, whose outputs are maps.
function M.maker(kind, maps)
  check.value("heads", "head", kind, M.KIND)
  if type(kind) == "function" then
    return function(task, channels, name) return made_by(kind, task, channels, name) end
  end
  return function(task, channels) return MADE[kind](task, channels, maps) end
end

return M
