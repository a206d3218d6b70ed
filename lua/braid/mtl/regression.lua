--- A task of n numbers, such as the four sides of a box.
--
-- Labels (m,n); a row with a NaN in it is a missing label. Loss: half the squared error,
-- summed over the numbers, over the labelled rows. Metric: the mean absolute error.
-- @usage mtl.regression{4, weight = 0.5}

local class <const> = require "braid.class"
local check <const> = require "braid.check"
local labelled <const> = require "braid.mtl.labelled"

local Regression <const> = class("Regression")

function Regression:init(given)
  local o <const> = check.options("mtl.regression", given,
    {[1] = check.none, flip = check.none, weight = 1})
  self.size = check.size("mtl.regression", "how many numbers", o[1])
  self.flip, self.weight = o.flip, o.weight
end

--- output (m,n), target (m,n) -> a tensor without dimensions
function Regression.loss(_, output, target) return labelled.squared(output, target) end

function Regression:observe(sums, output, target)
  local known <const>, count <const> = labelled.rows(target)
  sums.count = (sums.count or 0) + count
  local off <const> = (output - target):abs():masked_fill(known:logical_not(), 0)
  sums.off = (sums.off or 0) + off:sum():item() / self.size
end

function Regression.metrics(_, sums) return {error = sums.off / sums.count} end

function Regression.show(_, m) return ("%.4f"):format(m.error) end

return Regression
