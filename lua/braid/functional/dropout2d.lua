--- dropout2d (Tompson et al. 2015): whole channels of x (n,c,h,w) dropped with probability
-- p, the others scaled by 1 / (1 - p).
-- @usage F.dropout2d(x, 0.2, {training = true})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

return function(x, p, given)
  if type(p) == "table" then p, given = nil, p end
  local o <const> = check.options("dropout2d", given, {p = p or 0.5, training = true})
  if type(o.p) ~= "number" or not (o.p >= 0 and o.p <= 1) then
    error(("dropout2d: p must be between 0 and 1, not %s"):format(tostring(o.p)), 2)
  end
  local shape <const> = x.shape
  if #shape < 3 then
    error(("dropout2d: x must have shape (n, c, ...), not (%s)"):format(
      table.concat(shape, ", ")), 2)
  end
  if not o.training or o.p == 0 then return x end
  for d = 3, #shape do shape[d] = 1 end
  return x * core.ops.dropout(core.new(shape, x.dtype, 1), o.p)
end
