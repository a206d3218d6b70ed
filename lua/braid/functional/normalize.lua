--- normalize: divides x by its p-norm along a dimension (default: 2), or by eps if the norm is
-- smaller.
-- @usage F.normalize(x)   F.normalize(x, {p = 1, dim = -1, eps = 1e-12})

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("normalize", {
  x = check.argument(check.tensor()), p = check.number{2, above = 0, infinite = true},
  dim = check.dimension(2), eps = check.number{1e-12, from = 0},
})

return check.public("normalize", function(x, given)
  local o <const> = check.options(OPTIONS, given, {x = x})
  if o.dim > x:dim() or o.dim < -x:dim() then
    check.fail("normalize: there is no dimension dim = %d in a tensor of %d", o.dim, x:dim())
  end
  return x / x:norm(o.p, o.dim, true):clamp {min = o.eps}
end)
