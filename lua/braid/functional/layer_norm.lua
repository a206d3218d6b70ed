--- layer_norm (Ba, Kiros and Hinton 2016): normalises x (..., shape) over its last dimensions; then
-- multiplies by weight (shape) and adds bias (shape).
-- @usage F.layer_norm(images, {8, 8}, nil, nil, {eps = 1e-5})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

-- Whether the last sizes of x are `shape`.
local function ends_in(x, shape)
  local sizes <const> = x.shape
  for i = 1, #shape do
    if sizes[#sizes - #shape + i] ~= shape[i] then return false end
  end
  return #shape > 0
end

local SIZE <const> = check.whole{from = 1}
local OPTIONS <const> = check.declare("layer_norm", {
  x = check.argument(check.tensor()),
  shape = check.argument(check.either(SIZE, check.list{of = SIZE, least = 1})),
  eps = check.number{1e-5, above = 0},
})

return check.public("layer_norm", function(x, shape, weight, bias, given)
  weight, bias, given = check.affine(weight, bias, given)
  local o <const> = check.options(OPTIONS, given, {x = x, shape = shape})
  if type(shape) ~= "table" then shape = {shape} end
  for name, t in pairs {weight = weight, bias = bias} do
    if not core.is_tensor(t) or table.concat(t.shape, ", ") ~= table.concat(shape, ", ") then
      check.fail("layer_norm: %s must be a tensor of shape (%s), not %s", name,
        table.concat(shape, ", "), check.shown(t))
    end
  end
  if not ends_in(x, shape) then
    check.fail("layer_norm: x of shape (%s) does not end in (%s)", table.concat(x.shape, ", "),
      table.concat(shape, ", "))
  end
  local rows <const> = #shape > 1 and x:flatten(-#shape, -1) or x
  local y = core.ops.standardize(rows, o.eps)
  if #shape > 1 then y = y:reshape(x.shape) end
  if weight then y = y * weight end
  return bias and y + bias or y
end)
