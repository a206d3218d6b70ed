--- global_avg_pool: x (n,c,h,w) -> (n,c), the mean of each channel.
-- @usage images:global_avg_pool()

local check <const> = require "braid.check"

return check.public("global_avg_pool", function(x)
  if not check.tensor().accepts(x) or x:dim() ~= 4 then
    check.fail("global_avg_pool: x must have shape (n, c, h, w), not %s", check.shown(x))
  end
  return (x:mean({3, 4}))
end)
