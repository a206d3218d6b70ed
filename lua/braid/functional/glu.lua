--- glu (Dauphin et al. 2017): multiplies the first half of a dimension by the sigmoid of the second
-- half.
-- @usage F.glu(images)   F.glu(x, 1)

local check <const> = require "braid.check"

local ARGUMENTS <const> = check.declare("glu", {
  x = check.argument(check.tensor()), dim = check.argument(check.dimension(-1)),
})

return check.public("glu", function(x, dim)
  dim = check.options(ARGUMENTS, nil, {x = x, dim = dim}).dim
  if dim > x:dim() or dim < -x:dim() then
    check.fail("glu: there is no dimension dim = %d in a tensor of %d", dim, x:dim())
  end
  local size <const> = x:size(dim)
  if size % 2 ~= 0 then
    check.fail("glu: dimension %d of (%s) cannot be halved", dim, table.concat(x.shape, ", "))
  end
  local half <const> = size // 2
  return x:narrow(dim, 1, half) * x:narrow(dim, half + 1, half):sigmoid()
end)
