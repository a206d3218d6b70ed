--- prelu (He, Zhang, Ren and Sun 2015): x where positive, else x times weight, which has one
-- value or one for each channel of x (n,c,...).

return function(x, weight)
  local n <const>, shape <const> = weight:numel(), x.shape
  local slope = weight
  if n ~= 1 then
    if n ~= shape[2] then
      error(("prelu: weight must have 1 value or %s, one for each channel of (%s), not %d"):format(
        tostring(shape[2]), table.concat(shape, ", "), n), 2)
    end
    local each <const> = {1, n}
    for d = 3, #shape do each[d] = 1 end
    slope = weight:reshape(each)
  end
  return x:relu() - slope * (-x):relu()
end
