--- glu (Dauphin et al. 2017): the first half of a dimension times the sigmoid of the second.
-- @usage F.glu(x)   F.glu(x, 2)

return function(x, dim)
  dim = dim or -1
  local size <const> = x:size(dim)
  if size % 2 ~= 0 then
    error(("glu: dimension %d of (%s) cannot be halved"):format(dim,
      table.concat(x.shape, ", ")), 2)
  end
  local half <const> = size // 2
  return x:narrow(dim, 1, half) * x:narrow(dim, half + 1, half):sigmoid()
end
