--- Shapes in files: the number of values that they have.

local limits <const> = require "braid.limits"

local M <const> = {}

local MAX_BYTES <const> = 1 << 50

--- The number of values of a shape, each of `size` bytes. It is nil if no memory could hold so many
-- values; a size of 0 then counts as 1, since the other sizes must be possible, too. It is nil
-- with a message if there are more values than braid.limits.elements allows.
function M.count(shape, size)
  local product, count = 1, 1
  for _, n in ipairs(shape) do
    if n > 0 and product > MAX_BYTES // size // n then return nil end
    product, count = product * math.max(n, 1), count * n
  end
  local wrong <const> = limits.over("elements", count, "values")
  if wrong then return nil, wrong end
  return count
end

return M
