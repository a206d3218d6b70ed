--- AvgPool2d: the mean of each window of x (n,c,h,w) -> (n,c,oh,ow).
-- @usage nn.AvgPool2d(2)   nn.AvgPool2d(3, {stride = 2, padding = 1, count_include_pad = false})

local check <const> = require "braid.check"

return require "braid.nn.pool2d"("AvgPool2d", "avg_pool2d", "count_include_pad",
  check.flag(true))
