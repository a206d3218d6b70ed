--- affine_grid: the grid (n,h,w,2) with which grid_sample maps images by theta (n,2,3) to the size
-- {n, c, h, w} (Jaderberg et al. 2015).
-- @usage
-- local turn <const> = braid.tensor{{{0, -1, 0}, {1, 0, 0}}, {{0, 1, 0}, {-1, 0, 0}}}
-- F.grid_sample(images, F.affine_grid(turn, images.shape))

local core <const> = require "braid.core"
local check <const> = require "braid.check"

-- The places of a line's n pixels. With align_corners, -1 and 1 are the centres of the outer
-- pixels, otherwise their outer edges.
local function line(n, align_corners, dtype)
  if n < 2 then return core.new({n}, dtype, 0) end
  local last <const> = align_corners and 1 or 1 - 1 / n
  return core.linspace(-last, last, n, dtype)
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
  if size[3] == 0 or size[4] == 0 then
    return core.new({shape[1], size[3], size[4], 2}, theta.dtype)
  end
  local x <const> = line(size[4], o.align_corners, theta.dtype):reshape(1, 1, size[4], 1)
  local y <const> = line(size[3], o.align_corners, theta.dtype):reshape(1, size[3], 1, 1)
  local function column(i) return theta:select(3, i):reshape(shape[1], 1, 1, 2) end
  return column(1) * x + column(3) + column(2) * y
end)
