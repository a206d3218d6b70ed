--- plot.maps: writes feature maps to a PNG as a grid of gray pictures. Each map has its own scale:
-- its lowest value is black, its highest white (Matsui et al. 2019, figure 6).
-- @usage
-- local maps <const> = net:features(batch.image, {"conv1"}).conv1
-- plot.maps("maps.png", {maps.smile[1], maps.landmarks[1]}, {columns = 8})
--
-- maps is a float32 tensor (c,h,w) or a list of tensors; each tensor begins a new row, after a
-- wider gap. Options: columns (maps in a row, 8), side (pixels of a map's side, 48), most (the most
-- maps of a tensor, 64). A file that cannot be written is an error.
-- @treturn true

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local picture <const> = require "braid.io.picture"
local ops <const> = core.ops

local GAP <const>, WIDER <const> = 2, 8

local function checked(maps)
  local list <const> = core.is_tensor(maps) and {maps} or maps
  if type(list) ~= "table" or #list == 0 then
    check.fail("plot.maps: wants maps (c,h,w), or a list of them, not %s", type(maps))
  end
  for i, m in ipairs(list) do
    if not core.is_tensor(m) or m:dim() ~= 3 then
      check.fail("plot.maps: entry %d must have three dimensions (c,h,w), not %s", i,
        core.is_tensor(m) and "(" .. table.concat(m.shape, ", ") .. ")" or type(m))
    end
    if m:numel() == 0 then
      check.fail("plot.maps: entry %d is empty: (%s)", i, table.concat(m.shape, ", "))
    end
  end
  return list
end

-- One map (h,w) as pixels (side,side,3).
local function pixels_of(map, side)
  local low <const>, high <const> = map:min():item(), map:max():item()
  local gray = map:detach() - low
  if high > low then gray = gray * (255 / (high - low)) end
  local pixels <const> = ops.expand(ops.unsqueeze(gray:round():to("uint8"), 3), map:size(1),
    map:size(2), 3)
  return core.image_resize(ops.contiguous_copy(pixels), side, side)
end

local OPTIONS <const> = check.declare("plot.maps", {
  columns = check.whole{8, from = 1}, side = check.whole{48, from = 1, to = 4096},
  most = check.whole{64, from = 1},
})

return function(path, maps, given)
  local o <const> = check.options(OPTIONS, given)
  picture.path("plot.maps", path)
  local list <const>, rows <const> = checked(maps), {}
  local height, width = WIDER, 0
  for i, m in ipairs(list) do
    local count <const> = math.min(m:size(1), o.most)
    rows[i] = {count = count, top = height}
    height = height + (count + o.columns - 1) // o.columns * (o.side + GAP) - GAP + WIDER
    width = math.max(width, math.min(count, o.columns))
  end
  local canvas <const> = core.new({height, 2 * WIDER + width * (o.side + GAP) - GAP, 3}, "uint8",
    255)
  for i, m in ipairs(list) do
    for k = 1, rows[i].count do
      core.draw_image(canvas, pixels_of(m[k], o.side),
        WIDER + (k - 1) % o.columns * (o.side + GAP),
        rows[i].top + (k - 1) // o.columns * (o.side + GAP))
    end
  end
  return picture.write("plot.maps", path, canvas)
end
