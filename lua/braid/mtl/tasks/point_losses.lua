--- The losses of points: output (n, 2 points) against target (n,points,2), NaN missing, in [-1, 1]
-- across the image. Each is {of = f(task, output, target, known), divisor = f(task, target)}: `of`
-- gives the loss, a tensor without dimensions, and `divisor` counts what it is the mean over. known
-- is nil where every number is there.

local eyes <const> = require "braid.mtl.tasks.eyes"
local core <const> = require "braid.core"
local losses <const> = require "braid.loss.regression"
local ops <const> = core.ops

local M <const> = {}

-- Wing's constants are 10 and 2 pixels of a picture of 64 (Feng et al. 2018, section 4).
local WING <const> = {w = 10 / 32, eps = 2 / 32}
local SMOOTH <const> = 0.05 -- half widths; nearer than that smooth_l1 is quadratic
local ROUND <const> = 0.01 -- half widths; nearer than that a distance is nearly quadratic
local LEAST <const> = 0.15 -- half widths; nearer eyes, of faces in profile, count as this far apart

-- A loss of each coordinate. A sum is over the coordinates, and over the faces a mean.
local function coordinates(f, options, factor)
  return {
    of = function(task, output, target, known)
      local n <const> = target:size(1)
      local filled <const> = known and ops.masked_fill(target, known:logical_not(), 0) or target
      local given <const> = {reduction = task.reduction, mask = known and known:reshape(n, -1)}
      for key, value in pairs(options) do given[key] = value end
      local loss <const> = f(output, filled:reshape(n, -1), given)
      if task.reduction == "mean" then return loss end
      return loss * (factor / (known and math.max(task:labelled(target), 1) or n))
    end,
    divisor = function(task, target)
      if task.reduction == "mean" then return target:eq(target):sum():item() end
      return task:labelled(target)
    end,
  }
end

M.l2 = coordinates(ops.mse, {}, 0.5)
M.l1 = coordinates(losses.l1, {}, 1)
M.smooth_l1 = coordinates(losses.smooth_l1, {beta = SMOOTH}, 1)
M.wing = coordinates(losses.wing, WING, 1)

-- Which points (n,points) are there, of faces whose eyes are; and how far these are apart (n,1).
local function measurable(task, target)
  local apart <const> = eyes.distance(target, task.eyes, 1):unsqueeze(2)
  return target:eq(target):all(3):logical_and(apart:eq(apart)), apart
end

M.relative = {
  of = function(task, output, target)
    local there <const>, apart <const> = measurable(task, target)
    local missing <const> = there:logical_not()
    local off <const> = ops.masked_fill(task:places(output) - target, missing:unsqueeze(3), 0)
    local distance <const> = (off:square():sum(3) + ROUND * ROUND):sqrt() - ROUND
    local scale <const> = ops.masked_fill(apart:clamp{min = LEAST}:reciprocal(),
      apart:ne(apart), 0)
    local sum <const> = (distance * scale):sum()
    local count <const> = task.reduction == "mean" and there:sum():item()
      or there:any(2):sum():item()
    return sum / math.max(count, 1)
  end,
  divisor = function(task, target)
    local there <const> = measurable(task, target)
    return (task.reduction == "mean" and there or there:any(2)):sum():item()
  end,
}

return M
