--- The losses of points: output (n, 2 points) against target (n,points,2), both in [-1, 1] across
-- the image; NaN is a missing coordinate. Each loss is {of = f(task, output, target, known),
-- divisor = f(task, target)}. `of` returns the loss, a tensor without dimensions. `divisor` returns
-- the number of values over which the loss is a mean. known (n,points,2) is a mask, or nil if no
-- coordinate is missing.

local eyes <const> = require "braid.mtl.tasks.eyes"
local core <const> = require "braid.core"
local losses <const> = require "braid.loss.regression"
local ops <const> = core.ops

local M <const> = {}

-- Wing's constants are 10 and 2 pixels of a picture of 64 (Feng et al. 2018, section 4).
local WING <const> = {w = 10 / 32, eps = 2 / 32}
-- These lengths are in half widths of the image.
local SMOOTH <const> = 0.05 -- below this difference smooth_l1 is quadratic
local ROUND <const> = 0.01 -- below this length a distance is nearly quadratic
local LEAST <const> = 0.15 -- nearer eyes, as of faces in profile, count as this far apart

-- A loss of each coordinate. With reduction "sum", a face's coordinates are summed, and the faces
-- averaged.
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

-- A mask (n,points) of the points that are known on faces whose eyes are known; and the distance of
-- each face's eyes (n,1).
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
