--- pixel_shuffle (Shi et al. 2016): x (n, c r r, h, w) -> (n, c, h r, w r). Each group of r * r
-- channels becomes squares of r x r pixels.
-- @usage F.pixel_shuffle(braid.rand(2, 12, 4, 4), 2).shape

local check <const> = require "braid.check"

-- r * r cannot overflow up to this limit, and no tensor has more channels.
local ARGUMENTS <const> = check.declare("pixel_shuffle", {
  x = check.argument(check.tensor()), r = check.argument(check.whole{from = 1, to = 1 << 31}),
})

return check.public("pixel_shuffle", function(x, r)
  check.options(ARGUMENTS, nil, {x = x, r = r})
  local shape <const> = x.shape
  if #shape ~= 4 or shape[2] % (r * r) ~= 0 then
    check.fail("pixel_shuffle: x must have shape (n, c * %d, h, w), not (%s)", r * r,
      table.concat(shape, ", "))
  end
  local n <const>, c <const> = shape[1], shape[2] // (r * r)
  local h <const>, w <const> = shape[3], shape[4]
  return (x:reshape(n, c, r, r, h, w):permute(1, 2, 5, 3, 6, 4):reshape(n, c, h * r, w * r))
end)
