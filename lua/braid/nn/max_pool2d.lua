--- MaxPool2d: the largest value in each window of x (n,c,h,w) -> (n,c,oh,ow).
-- @usage nn.MaxPool2d(2)   nn.MaxPool2d(3, {stride = 2, padding = 1, ceil_mode = true})

local check <const> = require "braid.check"

return require "braid.nn.pool2d"("MaxPool2d", "max_pool2d", "dilation", check.pair{1, from = 1})
