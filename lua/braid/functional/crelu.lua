--- crelu (Shang et al. 2016): joins relu(x) and relu(-x) along a dimension (default: the channels),
-- whose size doubles.
-- @usage F.crelu(images).shape

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local ARGUMENTS <const> = check.declare("crelu", {
  x = check.argument(check.tensor()), dim = check.argument(check.dimension(2)),
})

return check.public("crelu", function(x, dim)
  local o <const> = check.options(ARGUMENTS, nil, {x = x, dim = dim})
  -- The second half is a clamp: at NaN the gradients of two relus would cancel.
  return (core.ops.cat({x:relu(), (-x):clamp {min = 0}}, o.dim))
end)
