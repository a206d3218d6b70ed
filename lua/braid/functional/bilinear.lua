--- bilinear: y[o] = a weight[o] b + bias[o], for a (..., p), b (..., q), weight (o, p, q)
-- and bias (o) -> (..., o).
-- @usage F.bilinear(x, y, braid.randn(4, 3, 3)).shape

local check <const> = require "braid.check"

local ARGUMENTS <const> = check.declare("bilinear", {
  a = check.argument(check.tensor()), b = check.argument(check.tensor()),
  weight = check.argument(check.tensor()), bias = check.argument(check.optional(check.tensor())),
})

return check.public("bilinear", function(a, b, weight, bias)
  check.options(ARGUMENTS, nil, {a = a, b = b, weight = weight, bias = bias})
  local shape <const>, w <const> = a.shape, weight.shape
  local p <const>, q <const> = shape[#shape], b.shape[b:dim()]
  if #w ~= 3 or w[2] ~= p or w[3] ~= q then
    check.fail("bilinear: weight must have shape (o, %s, %s), not (%s)", p, q,
      table.concat(w, ", "))
  end
  if #shape ~= b:dim() or table.concat(shape, ", ", 1, #shape - 1)
    ~= table.concat(b.shape, ", ", 1, b:dim() - 1) then
    check.fail("bilinear: a (%s) and b (%s) must have the same shape but for the last dimension",
      table.concat(shape, ", "), table.concat(b.shape, ", "))
  end
  local left <const> = a:reshape(-1, p):matmul(weight:permute(2, 1, 3):reshape(p, w[1] * q))
  local y <const> = left:reshape(-1, w[1], q):matmul(b:reshape(-1, q, 1))
  shape[#shape] = w[1]
  local z <const> = y:reshape(shape)
  return bias and z + bias or z
end)
