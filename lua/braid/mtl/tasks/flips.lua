--- Checks and applies the option flip, which lists the labels or points that replace 1 .. n in a
-- mirror image.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

--- A message about a list that does not name each of 1 .. n once, or nil.
function M.wrong(flip, n, what)
  local seen <const> = {}
  for _, to in ipairs(flip) do seen[to] = true end
  if #flip == n then
    local all = true
    for i = 1, n do all = all and seen[i] end
    if all then return nil end
  end
  return ("flip must name each of the %d %s once, not %s"):format(n, what, check.shown(flip))
end

--- Puts the outputs (n,k,...) for a mirror image in the order of the outputs for the image itself.
function M.back(outputs, flip)
  local from <const> = {}
  for i, to in ipairs(flip) do from[to] = i end
  return outputs:index_select(2, core.from_table(from, "int64"))
end

--- Raises an error for a task that cannot turn the output for a mirror image back.
function M.unknown(what, name, option)
  check.fail("%s: task '%s' does not tell how a mirror image changes its labels: give it %s",
    what, name, option or "flip")
end

return M
