--- bilinear: y[o] = a weight[o] b + bias[o], for a (..., p), b (..., q), weight (o, p, q)
-- and bias (o) -> (..., o).
-- @usage F.bilinear(a, b, weight, bias)

return function(a, b, weight, bias)
  local shape <const>, w <const> = a.shape, weight.shape
  local p <const>, q <const> = shape[#shape], b.shape[b:dim()]
  if #w ~= 3 or w[2] ~= p or w[3] ~= q then
    error(("bilinear: weight must have shape (o, %s, %s), not (%s)"):format(tostring(p),
      tostring(q), table.concat(w, ", ")), 2)
  end
  local left <const> = a:reshape(-1, p):matmul(weight:permute(2, 1, 3):reshape(p, w[1] * q))
  local y <const> = left:reshape(-1, w[1], q):matmul(b:reshape(-1, q, 1))
  shape[#shape] = w[1]
  local z <const> = y:reshape(shape)
  return bias and z + bias or z
end
