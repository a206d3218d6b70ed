--- dropout2d (Tompson et al. 2015): sets whole channels of x (n,c,h,w) to 0 with probability p, and
-- multiplies the other channels by 1 / (1 - p).
-- @usage F.dropout2d(images, 0.2, {training = true})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("dropout2d", {
  x = check.argument(check.tensor()), p = check.number{0.5, from = 0, to = 1},
  training = check.flag(true),
})

return check.public("dropout2d", function(x, p, given)
  if given == nil and type(p) == "table" then p, given = nil, p end
  local o <const> = check.options(OPTIONS, given, {x = x, p = p})
  local shape <const> = x.shape
  if #shape < 3 then
    check.fail("dropout2d: x must have shape (n, c, ...), not (%s)", table.concat(shape, ", "))
  end
  if not o.training or o.p == 0 then return x end
  for d = 3, #shape do shape[d] = 1 end
  return x * core.ops.dropout(core.new(shape, x.dtype, 1), o.p)
end)
