--- conv1d: x (n,c,l), weight (o,c/groups,k), bias (o) -> (n,o,ol).
-- @usage F.conv1d(braid.rand(2, 3, 10), braid.randn(4, 3, 5), {stride = 2, padding = 1}).shape

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local argument <const>, tensor <const>, whole <const> = check.argument, check.tensor, check.whole

local OPTIONS <const> = check.declare("conv1d", {
  x = argument(tensor()), weight = argument(tensor()), bias = argument(check.optional(tensor())),
  stride = whole{1, from = 1}, padding = check.either(whole{0, from = 0}, check.choice{"same"}),
  dilation = whole{1, from = 1}, groups = whole{1, from = 1},
})

--- Runs as conv2d on images of one row. padding may be "same".
return check.public("conv1d", function(x, weight, bias, given)
  if type(bias) == "table" then bias, given = nil, bias end
  local o <const> = check.options(OPTIONS, given, {x = x, weight = weight, bias = bias})
  if x:dim() ~= 3 or weight:dim() ~= 3 then
    check.fail("conv1d: x must have shape (n, c, l) and weight (o, c, k), not (%s) and (%s)",
      table.concat(x.shape, ", "), table.concat(weight.shape, ", "))
  end
  if x:size(2) ~= weight:size(2) * o.groups then
    check.fail("conv1d: weight expects %d channels, input (%s) has %d", weight:size(2) * o.groups,
      table.concat(x.shape, ", "), x:size(2))
  end
  local y <const> = core.ops.conv2d(x:unsqueeze(3), weight:unsqueeze(3), bias, {
    stride = {1, o.stride}, dilation = {1, o.dilation}, groups = o.groups,
    padding = type(o.padding) == "number" and {0, o.padding} or o.padding,
  })
  return (y:squeeze(3))
end)
