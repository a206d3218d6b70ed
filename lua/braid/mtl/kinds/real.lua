--- mtl.real: a regression task for numbers such as yaw, pitch and roll. NaN is a missing number.
--
-- The loss is the mean squared difference over the numbers that are not missing. The metric is mae,
-- the mean absolute difference. Options: weight; metrics, other metrics such as {"rmse", "r2",
-- "pearson"} (mtl.metric); metric, the metric that is shown first; flip, how mirroring an image
-- changes the numbers: "negate", or a factor for each number.
-- @usage mtl.real{3, flip = {-1, 1, -1}, weight = 0.1}

local core <const> = require "braid.core"
local class <const> = require "braid.class"
local check <const> = require "braid.check"
local format <const> = require "braid.format"
local judged <const> = require "braid.mtl.measure.parts.judged"
local weight <const> = require "braid.mtl.tasks.weight"
local ops <const> = core.ops

local Real <const> = class.guarded(class "Real")
Real.unnamed = {"size"} -- the field of the unnamed argument, for files

local OPTIONS <const> = check.declare("mtl.real", {
  [1] = check.named("how many numbers", check.whole{1, from = 1}),
  flip = check.optional(check.either(check.choice{"negate"}, check.list{of = check.number()})),
  weight = weight.OPTION,
  metric = judged.OPTIONS.metric, metrics = judged.OPTIONS.metrics,
}, function(o)
  if type(o.flip) == "table" and #o.flip ~= o[1] then
    return ("flip must be \"negate\" or %d factors, not %s"):format(o[1], check.shown(o.flip))
  end
end)

function Real:init(given)
  local o <const> = check.options(OPTIONS, given)
  self.size, self.flip, self.weight = o[1], o.flip, o.weight
  judged.take(self, o)
end

-- The target as (n,size), with 0 for missing numbers, and a mask of the numbers that are known.
local function known_of(output, target)
  target = target:reshape(output.shape)
  local known <const> = target:eq(target)
  return ops.masked_fill(target, known:logical_not(), 0), known
end

--- The loss, a tensor without dimensions, of output (n,size) and target (n) or (n,size).
function Real.loss(_, output, target)
  local filled <const>, known <const> = known_of(output, target)
  return ops.mse(output, filled, {mask = known})
end

--- Turns the output for a mirror image into the output for the image. Without the option flip, the
-- output stays the same.
function Real:mirrored(output)
  if self.flip == "negate" then return -output end
  return self.flip and output * core.from_table(self.flip, output.dtype) or output
end

--- The number of samples with a label.
function Real.labelled(_, target)
  return target:eq(target):reshape(target:size(1), -1):any(2):sum():item()
end

--- The number of values over which the loss is a mean.
function Real.divisor(_, target) return target:eq(target):sum():item() end

judged.kind(Real, {what = "mtl.real", metrics = function() return {"mae"} end,
  show = function(task, m)
    if task.metric ~= "mae" then return nil end
    return m.mae and format("%.3f off", m.mae) or "no label"
  end,
  known = function(_, target)
    return target:eq(target):reshape(target:size(1), -1):any(2)
  end,
  forms = {numbers = {
    told = function(self)
      return {problems = self.size, weigh = true}
    end,
    shown = function(_, output, target) return output, target end,
  }}})

return Real
