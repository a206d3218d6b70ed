--- normalize: x divided by its p-norm along a dimension (2, unless given), or by eps where
-- the norm is smaller.
-- @usage F.normalize(x)   F.normalize(x, {p = 1, dim = -1, eps = 1e-12})

local check <const> = require "braid.check"

local TINY <const> = 1e-36 -- what eps^p must not fall below: float32 has nothing below 1e-38

local OPTIONS <const> = check.declare("normalize", {
  x = check.argument(check.tensor()), p = check.number{2, above = 0, infinite = true},
  dim = check.dimension(2), eps = check.number{1e-12, from = 0},
})

return check.public("normalize", function(x, given)
  local o <const> = check.options(OPTIONS, given, {x = x})
  if o.dim > x:dim() or o.dim < -x:dim() then
    check.fail("normalize: there is no dimension dim = %d in a tensor of %d", o.dim, x:dim())
  end
  if o.p == math.huge then
    return x / (x:abs():max(o.dim, true)):clamp {min = o.eps}
  end
  local powers <const> = o.p == 2 and x:square() or o.p == 1 and x:abs() or x:abs() ^ o.p
  -- The limit lies below the root, whose gradient at 0 is infinite.
  local total <const> = powers:sum(o.dim, true):clamp {min = math.max(o.eps ^ o.p, TINY)}
  return x / (o.p == 2 and total:sqrt() or o.p == 1 and total or total ^ (1 / o.p))
end)
