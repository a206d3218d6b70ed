--- normalize: x divided by its p-norm along a dimension (2, unless given), or by eps where
-- the norm is smaller.
-- @usage F.normalize(x)   F.normalize(x, {p = 1, dim = -1, eps = 1e-12})

local check <const> = require "braid.check"

local TINY <const> = 1e-36 -- what eps^p must not fall below: float32 has nothing below 1e-38

return function(x, given)
  local o <const> = check.options("normalize", given, {p = 2, dim = 2, eps = 1e-12})
  if type(o.p) ~= "number" or o.p <= 0 then
    error(("normalize: p must be a number above 0, not %s"):format(tostring(o.p)), 2)
  end
  if o.p == math.huge then
    return x / (x:abs():max(o.dim, true)):clamp {min = o.eps}
  end
  local powers <const> = o.p == 2 and x:square() or o.p == 1 and x:abs() or x:abs() ^ o.p
  -- The limit lies below the root, whose gradient at 0 is infinite.
  local total <const> = powers:sum(o.dim, true):clamp {min = math.max(o.eps ^ o.p, TINY)}
  return x / (o.p == 2 and total:sqrt() or o.p == 1 and total or total ^ (1 / o.p))
end
