--- Checks flips, which list the label or point that replaces each of n in a mirror image.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

--- What is wrong with a list that should name each of 1 .. n once, as text, or nil.
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

--- Columns of outputs (n,k,...) of a mirror image -> in the order of the image's own.
function M.back(outputs, flip)
  local from <const> = {}
  for i, to in ipairs(flip) do from[to] = i end
  return outputs:index_select(2, core.from_table(from, "int64"))
end

--- Fails for a task that does not know what a mirror image does to its labels.
function M.unknown(what, name, option)
  check.fail("%s: what a mirror image does to the labels of %s is not known: give the task %s",
    what, name, option or "flip")
end

return M
