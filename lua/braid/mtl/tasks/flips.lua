--- Flips: which of n labels or points each becomes where an image is mirrored.

local check <const> = require "braid.check"

local M <const> = {}

--- The fault of a list that should name each of 1 .. n once, in words; nil if there is none.
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

return M
