--- instance_norm (Ulyanov, Vedaldi and Lempitsky 2016): normalises every channel of every image of
-- x (n,c,...) by its own statistics; then multiplies by weight (c) and adds bias (c). A channel
-- with one value has no deviation and raises an error.
-- @usage F.instance_norm(images, nil, nil, {eps = 1e-5})

local check <const> = require "braid.check"
local group_norm <const> = require "braid.functional.group_norm"

local OPTIONS <const> = check.declare("instance_norm", {
  x = check.argument(check.tensor()), eps = check.number{1e-5, above = 0},
})

return check.public("instance_norm", function(x, weight, bias, given)
  weight, bias, given = check.affine(weight, bias, given)
  local o <const> = check.options(OPTIONS, given, {x = x})
  if x:dim() < 3 then
    check.fail("instance_norm: x must have shape (n, c, ...), not (%s)",
      table.concat(x.shape, ", "))
  end
  local area = 1
  for d = 3, x:dim() do area = area * x.shape[d] end
  if area == 1 then
    check.fail("instance_norm: a channel must have more than one value, x has shape (%s)",
      table.concat(x.shape, ", "))
  end
  return (group_norm(x, x.shape[2], weight, bias, {eps = o.eps}))
end)
