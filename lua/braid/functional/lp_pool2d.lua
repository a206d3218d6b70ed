--- lp_pool2d: (sum of x^p)^(1/p) over each window of x (n,c,h,w). As in PyTorch no absolute
-- value is taken: an odd p wants x that is not negative.
-- @usage F.lp_pool2d(x, 2, 3, {stride = 2, ceil_mode = true})

local check <const> = require "braid.check"

return function(x, p, kernel, given)
  local o <const> = check.options("lp_pool2d", given, {stride = kernel, ceil_mode = false})
  if type(p) ~= "number" or p <= 0 then
    error(("lp_pool2d: p must be a number above 0, not %s"):format(tostring(p)), 2)
  end
  local sizes <const> = type(kernel) == "table" and kernel or {kernel, kernel}
  local area <const> = check.size("lp_pool2d", "kernel", sizes[1])
    * check.size("lp_pool2d", "kernel", sizes[2])
  local mean <const> = (x ^ p):avg_pool2d(kernel, {stride = o.stride, ceil_mode = o.ceil_mode})
  return (mean * area) ^ (1 / p)
end
