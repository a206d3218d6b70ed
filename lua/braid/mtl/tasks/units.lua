--- Turns outputs and labels that a data set has standardised back to the units of their column.

local core <const> = require "braid.core"

local M <const> = {}

-- x (n) or (n,k) times deviation plus mean, in doubles.
local function restored(x, unit)
  local rows <const> = x:to("float64"):reshape(x:size(1), -1)
  return rows * core.from_table(unit.deviation, "float64") + core.from_table(unit.mean, "float64")
end

--- Output, target and batch of a task, in the units of the label. The values of a task that has a
-- method `target` stay as they are.
function M.apart(name, task, output, target, batch)
  local all <const> = type(batch) == "table" and rawget(batch, "units")
  local unit <const> = type(all) == "table" and not task.target and all[name]
  local k <const> = unit and #unit.mean
  if not unit or output:numel() ~= output:size(1) * k then return output, target, batch end
  return restored(output, unit), restored(target, unit), batch
end

return M
