--- pixel_shuffle (Shi et al. 2016): x (n, c r r, h, w) -> (n, c, h r, w r); every r * r
-- channels become the pixels of a square.
-- @usage F.pixel_shuffle(x, 2)

local check <const> = require "braid.check"

return function(x, r)
  check.size("pixel_shuffle", "r", r)
  local shape <const> = x.shape
  if #shape ~= 4 or shape[2] % (r * r) ~= 0 then
    error(("pixel_shuffle: x must have shape (n, c * %d, h, w), not (%s)"):format(r * r,
      table.concat(shape, ", ")), 2)
  end
  local n <const>, c <const> = shape[1], shape[2] // (r * r)
  local h <const>, w <const> = shape[3], shape[4]
  return x:reshape(n, c, r, r, h, w):permute(1, 2, 5, 3, 6, 4):reshape(n, c, h * r, w * r)
end
