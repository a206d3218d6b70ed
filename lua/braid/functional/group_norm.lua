--- group_norm (Wu and He 2018): normalises groups of channels of x (n,c,...) by their own
-- statistics in each image; then multiplies by weight (c) and adds bias (c).
-- @usage F.group_norm(images, 3, nil, nil, {eps = 1e-5})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("group_norm", {
  x = check.argument(check.tensor()), groups = check.argument(check.whole{from = 1}),
  eps = check.number{1e-5, above = 0},
})

return check.public("group_norm", function(x, groups, weight, bias, given)
  weight, bias, given = check.affine(weight, bias, given)
  local o <const> = check.options(OPTIONS, given, {x = x, groups = groups})
  local shape <const> = x.shape
  local channels <const> = shape[2]
  if not channels then
    check.fail("group_norm: x must have shape (n, c, ...), not (%s)", table.concat(shape, ", "))
  end
  if channels % groups ~= 0 then
    check.fail("group_norm: groups = %d must divide the %d channels", groups, channels)
  end
  local each <const> = {1, channels}
  for d = 3, #shape do each[d] = 1 end
  for name, t in pairs {weight = weight, bias = bias} do
    if not core.is_tensor(t) or t:dim() ~= 1 or t:numel() ~= channels then
      check.fail("group_norm: %s must be a tensor of shape (%d), not %s", name, channels,
        check.shown(t))
    end
  end
  local area = channels // groups
  for d = 3, #shape do area = area * shape[d] end
  local y = core.ops.standardize(x:reshape(shape[1], groups, area), o.eps):reshape(shape)
  if weight then y = y * weight:reshape(each) end
  return bias and y + bias:reshape(each) or y
end)
