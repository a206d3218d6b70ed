--- affine_grid: the grid (n,h,w,2) for grid_sample that theta (n,2,3) maps an image of `size`
-- {n, c, h, w} to (Jaderberg et al. 2015).
-- @usage F.grid_sample(x, F.affine_grid(theta, x.shape, {align_corners = false}))

local core <const> = require "braid.core"
local check <const> = require "braid.check"

-- Pixel i of n, from -1 to 1 between the centres or the edges of the outer ones.
local function coordinate(i, n, align_corners)
  if align_corners then return n > 1 and 2 * (i - 1) / (n - 1) - 1 or 0 end
  return (2 * i - 1) / n - 1
end

local OPTIONS <const> = check.declare("affine_grid", {
  theta = check.argument(check.tensor()),
  size = check.argument(check.list{n = 4, of = check.whole{from = 0}}),
  align_corners = check.flag(false),
})

return check.public("affine_grid", function(theta, size, given)
  local o <const> = check.options(OPTIONS, given, {theta = theta, size = size})
  local shape <const> = theta.shape
  if #shape ~= 3 or shape[2] ~= 2 or shape[3] ~= 3 then
    check.fail("affine_grid: theta must have shape (n, 2, 3), not (%s)",
      table.concat(shape, ", "))
  end
  if size[1] ~= shape[1] then
    check.fail("affine_grid: size must be {%d, c, h, w}, not %s", shape[1], check.shown(size))
  end
  local h <const>, w <const>, points <const> = size[3], size[4], {}
  for y = 1, h do
    for x = 1, w do
      points[#points + 1] = {coordinate(x, w, o.align_corners),
        coordinate(y, h, o.align_corners), 1}
    end
  end
  local base <const> = core.from_table(points, theta.dtype)
  return (base:matmul(theta:transpose(2, 3)):reshape(shape[1], h, w, 2))
end)
