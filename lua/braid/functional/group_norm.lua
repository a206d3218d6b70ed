--- group_norm (Wu and He 2018): the channels of x (n,c,...) in groups, each normalised by
-- its own statistics in every image; then times weight (c) plus bias (c).
-- @usage F.group_norm(x, 4, weight, bias, {eps = 1e-5})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

return function(x, groups, weight, bias, given)
  weight, bias, given = check.affine(weight, bias, given)
  local o <const> = check.options("group_norm", given, {eps = 1e-5})
  local shape <const> = x.shape
  local channels <const> = shape[2]
  if not channels then
    error(("group_norm: x must have shape (n, c, ...), not (%s)"):format(
      table.concat(shape, ", ")), 2)
  end
  if math.type(groups) ~= "integer" or groups < 1 or channels % groups ~= 0 then
    error(("group_norm: groups = %s must divide the %d channels"):format(tostring(groups),
      channels), 2)
  end
  local each <const> = {1, channels}
  for d = 3, #shape do each[d] = 1 end
  for name, t in pairs {weight = weight, bias = bias} do
    if not core.is_tensor(t) or t:dim() ~= 1 or t:numel() ~= channels then
      error(("group_norm: %s must be a tensor of shape (%d)"):format(name, channels), 2)
    end
  end
  local area = channels // groups
  for d = 3, #shape do area = area * shape[d] end
  local y = core.ops.standardize(x:reshape(shape[1], groups, area), o.eps):reshape(shape)
  if weight then y = y * weight:reshape(each) end
  return bias and y + bias:reshape(each) or y
end
