--- The picture of the kernel: three strands, plaited.

local core <const> = require "braid.core"
local palette <const> = require "braid.plot.draw.palette"

local FINE <const> = 4                   -- points of a pixel in each direction
local REACH <const>, RADIUS <const>, GAP <const> = 0.27, 0.105, 0.035 -- in sides of the picture
local TURNS <const> = 1.15

-- The colour at a point (x, y) in [0, 1], or nil if no strand is there.
local function colour_at(x, y)
  local best, depth <const> = nil, {}
  for k = 1, 3 do
    local t <const> = 2 * math.pi * (TURNS * y + k / 3)
    local slope <const> = 2 * math.pi * TURNS * REACH * math.cos(t)
    local far <const> = math.abs(x - 0.5 - REACH * math.sin(t)) / math.sqrt(1 + slope * slope)
    depth[k] = math.sin(2 * t)
    if far < RADIUS + GAP and (not best or depth[k] > depth[best.k]) then
      best = {k = k, inside = far < RADIUS}
    end
  end
  return best and best.inside and palette.light[best.k]
end

--- The bytes of a PNG, `side` pixels wide and high, with a transparent background.
return function(side)
  local rows <const> = {}
  for y = 1, side do
    rows[y] = {}
    for x = 1, side do
      local sum <const>, count = {0, 0, 0}, 0
      for i = 0, FINE * FINE - 1 do
        local colour <const> = colour_at((x - 1 + (i % FINE + 0.5) / FINE) / side,
          (y - 1 + (i // FINE + 0.5) / FINE) / side)
        for c = 1, colour and 3 or 0 do sum[c] = sum[c] + colour[c] end
        count = count + (colour and 1 or 0)
      end
      local pixel <const> = {0, 0, 0, 255 * count // (FINE * FINE)}
      for c = 1, count > 0 and 3 or 0 do pixel[c] = sum[c] // count end
      rows[y][x] = pixel
    end
  end
  return core.image_encode(core.from_table(rows, "uint8"))
end
