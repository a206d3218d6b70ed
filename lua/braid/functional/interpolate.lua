--- interpolate: resizes x (n,c,h,w) to `size` or by `scale_factor`, with the nearest pixel or
-- bilinearly. As in PyTorch, the given factor sets the places of pixels, not the ratio of the
-- sizes. If the size stays the same (or doubles, with "nearest"), each pixel is copied exactly.
-- @usage F.interpolate(images, {size = {48, 64}, mode = "bilinear", align_corners = true})
-- @usage F.interpolate(images, {scale_factor = 2})

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local MAX_SIDE <const> = 2147483647 -- pixels

local FACTOR <const> = check.number{above = 0}
local OPTIONS <const> = check.declare("interpolate", {
  size = check.pair{from = 1},
  scale_factor = check.either(FACTOR, check.list{of = FACTOR, n = 2}),
  mode = check.choice{"nearest", "bilinear"}, align_corners = check.flag(false),
}, function(o)
  if (o.size == nil) == (o.scale_factor == nil) then return "give either size or scale_factor" end
  if o.mode == "nearest" and o.align_corners then
    return "align_corners goes with mode = \"bilinear\" only"
  end
end)

local function pair(v)
  if type(v) == "table" then return v end
  return {v, v}
end

-- The output sizes, and the distance in input pixels between two output pixels.
local function geometry(x, o)
  local size <const>, scale <const> = {}, {}
  for i = 1, 2 do
    local from <const> = x:size(2 + i)
    local factor = o.scale_factor and pair(o.scale_factor)[i]
    size[i] = factor and math.floor(from * factor) or pair(o.size)[i]
    if size[i] == from or o.mode == "nearest" and size[i] == 2 * from then factor = nil end
    if factor and (size[i] < 1 or size[i] > MAX_SIDE) then
      check.fail("interpolate: scale_factor %s makes %g of %d pixels; that must be from 1 to %d",
        check.shown(o.scale_factor), size[i], from, MAX_SIDE)
    end
    if o.align_corners then
      scale[i] = size[i] > 1 and (from - 1) / (size[i] - 1) or 0
    else
      scale[i] = factor and 1 / factor or from / size[i]
    end
  end
  return size, scale
end

return check.public("interpolate", function(x, given)
  local o <const> = check.options(OPTIONS, given)
  if not core.is_tensor(x) or x:dim() ~= 4 then
    check.fail("interpolate: x must have shape (n, c, h, w), not %s", check.shown(x))
  end
  local size <const>, scale <const> = geometry(x, o)
  if o.mode == "nearest" then
    return (core.ops.resize_nearest(x, size, scale[1], scale[2]))
  end
  return (core.ops.resize_bilinear(x, size, scale[1], scale[2], o.align_corners))
end)
