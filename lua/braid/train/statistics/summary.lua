--- The count, mean and deviation of measured values.
--
-- train.statistics.summary(values) -> {n =, mean =, deviation =, least =, most =}. The deviation is
-- that of a sample (n - 1 in the denominator); for a single value it is nil.
-- @usage print(train.statistics.summary({1, 2, 4}).deviation) -- 1.52752523165

local check <const> = require "braid.check"

local ARGUMENTS <const> = check.declare("train.statistics.summary", {
  values = check.argument(check.list{of = check.number(), least = 1}),
})

return function(values)
  check.options(ARGUMENTS, nil, {values = values})
  local n <const>, sum, least, most = #values, 0.0, math.huge, -math.huge
  for _, v in ipairs(values) do
    sum, least, most = sum + v, math.min(least, v), math.max(most, v)
  end
  local mean, squares, rest = sum / n, 0.0, 0.0
  for _, v in ipairs(values) do
    squares, rest = squares + (v - mean) ^ 2, rest + (v - mean)
  end
  if least == most then mean, squares, rest = least + 0.0, 0.0, 0.0 end
  return {n = n, mean = mean, least = least, most = most,
    deviation = n > 1 and math.sqrt((squares - rest * rest / n) / (n - 1)) or nil}
end
