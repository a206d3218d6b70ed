--- Canonical shapes of the published schemes: an upright, symmetric face or person seen from the
-- front, with x from -1 to 1 and y downwards. The points are in the publications' order. Nothing
-- here depends on how Braid renumbers them.

local M <const> = {}

-- The points of an arc around (cx, cy) with radii rx and ry, by the angles in degrees; 180 is on
-- the left, 270 above, 0 on the right.
local function arc(into, cx, cy, rx, ry, ...)
  for _, angle in ipairs{...} do
    local a <const> = math.rad(angle)
    into[#into + 1] = {cx + rx * math.cos(a), cy + ry * math.sin(a)}
  end
end

-- n points of a half ellipse from the left to the right, below its middle line.
local function jaw(into, n)
  for i = 0, n - 1 do arc(into, 0, -0.2, 1, 1.2, 180 - 180 * i / (n - 1)) end
end

-- Points of a line from (x0, y) to (x1, y), bent upwards in its middle.
local function line(into, n, x0, x1, y, bend)
  for i = 0, n - 1 do
    local t <const> = i / (n - 1)
    into[#into + 1] = {x0 + t * (x1 - x0), y - 4 * t * (1 - t) * bend}
  end
end

--- 68 points: Multi-PIE, 300-W.
function M.multi_pie()
  local p <const> = {}
  jaw(p, 17)
  line(p, 5, -0.75, -0.2, -0.5, 0.1)
  line(p, 5, 0.2, 0.75, -0.5, 0.1)
  for i = 0, 3 do p[#p + 1] = {0, -0.35 + 0.12 * i} end
  line(p, 5, -0.2, 0.2, 0.15, -0.05)
  for _, side in ipairs{-1, 1} do
    arc(p, 0.45 * side, -0.3, 0.15, 0.07, 180, 240, 300, 0, 60, 120)
  end
  arc(p, 0, 0.5, 0.35, 0.15, 180, 210, 240, 270, 300, 330, 0, 30, 60, 90, 120, 150)
  arc(p, 0, 0.5, 0.25, 0.05, 180, 225, 270, 315, 0, 45, 90, 135)
  return p
end

--- 98 points: WFLW.
function M.wflw()
  local p <const> = {}
  jaw(p, 33)
  line(p, 5, -0.75, -0.2, -0.55, 0.1) -- above the left brow, to the right
  line(p, 4, -0.22, -0.7, -0.48, 0.1) -- below the left brow, to the left
  line(p, 5, 0.2, 0.75, -0.55, 0.1)
  line(p, 4, 0.7, 0.22, -0.48, 0.1)
  for i = 0, 3 do p[#p + 1] = {0, -0.35 + 0.12 * i} end
  line(p, 5, -0.2, 0.2, 0.15, -0.05)
  for _, side in ipairs{-1, 1} do
    arc(p, 0.45 * side, -0.3, 0.15, 0.07, 180, 225, 270, 315, 0, 45, 90, 135)
  end
  arc(p, 0, 0.5, 0.35, 0.15, 180, 210, 240, 270, 300, 330, 0, 30, 60, 90, 120, 150)
  arc(p, 0, 0.5, 0.25, 0.05, 180, 225, 270, 315, 0, 45, 90, 135)
  p[#p + 1], p[#p + 2] = {-0.45, -0.3}, {0.45, -0.3}
  return p
end

--- 29 points: COFW.
function M.cofw()
  return {
    {-0.75, -0.5}, {0.75, -0.5}, {-0.2, -0.5}, {0.2, -0.5}, -- outer, then inner ends of the brows
    {-0.45, -0.6}, {-0.45, -0.5}, {0.45, -0.6}, {0.45, -0.5}, -- edges of the brows
    {-0.6, -0.3}, {0.6, -0.3}, {-0.3, -0.3}, {0.3, -0.3}, -- outer, then inner corners of the eyes
    {-0.45, -0.37}, {-0.45, -0.23}, {0.45, -0.37}, {0.45, -0.23}, -- lids
    {-0.44, -0.3}, {0.44, -0.3}, -- pupils
    {-0.2, 0.1}, {0.2, 0.1}, {0, 0.05}, {0, 0.15}, -- nose
    {-0.35, 0.5}, {0.35, 0.5}, {0, 0.4}, {0, 0.47}, {0, 0.53}, {0, 0.6}, {0, 1}, -- mouth, chin
  }
end

--- 17 points: COCO. The person's left is on the right.
function M.coco()
  local p <const> = { {0, -0.85} }
  for _, at in ipairs{ {0.05, -0.9}, {0.1, -0.87}, {0.25, -0.6}, {0.4, -0.3}, {0.45, 0}, {0.2, 0},
    {0.2, 0.5}, {0.2, 1} } do
    p[#p + 1], p[#p + 2] = {at[1], at[2]}, {-at[1], at[2]}
  end
  return p
end

return M
