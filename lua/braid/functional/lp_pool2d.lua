--- lp_pool2d: (sum of x^p)^(1/p) over each window of x (n,c,h,w). As in PyTorch, it does not take
-- absolute values, so with an odd p, x must not be negative.
-- @usage F.lp_pool2d(images, 2, 3, {stride = 2, ceil_mode = true})

local check <const> = require "braid.check"

local OPTIONS <const> = check.declare("lp_pool2d", {
  x = check.argument(check.tensor()), p = check.argument(check.number{above = 0}),
  kernel = check.argument(check.pair{from = 1}), stride = check.pair{from = 1},
  ceil_mode = check.flag(false),
})

return check.public("lp_pool2d", function(x, p, kernel, given)
  local o <const> = check.options(OPTIONS, given, {x = x, p = p, kernel = kernel})
  local sizes <const> = type(kernel) == "table" and kernel or {kernel, kernel}
  local area <const> = 1.0 * sizes[1] * sizes[2]
  local mean <const> = (x ^ p):avg_pool2d(kernel,
    {stride = o.stride or kernel, ceil_mode = o.ceil_mode})
  return (mean * area) ^ (1 / p)
end)
