--- Labels that are numbers, where NaN is the mark of a missing one.

local core <const> = require "braid.core"

local M <const> = {}
local ops <const> = core.ops

--- Which rows of target (n,...) have all their numbers, (n,1), and how many do.
function M.rows(target)
  local n <const> = target:size(1)
  local known <const> = ops.logical_not(ops.any(ops.isnan(ops.reshape(target, n, -1)), 2, true))
  return known, ops.count_nonzero(known):item()
end

--- Half the squared error, summed over the numbers of a row, over the rows that have them
-- all; exactly 0, and no gradient, where none has. output (n,k), target (n,...) of as many.
function M.squared(output, target)
  local n <const> = target:size(1)
  local known <const>, count <const> = M.rows(target)
  local sum <const> = ops.mse(output, ops.reshape(target, n, -1), known, "sum")
  return sum * (0.5 / math.max(count, 1))
end

return M
