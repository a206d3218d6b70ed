--- Data sets of pictures whose points are dots of known colours.

local braid <const> = require "braid"
local Dataset <const> = require "braid.data.dataset"

local M <const> = {}

--- x, y of each point, from 0, in pictures of W x H, and its colour.
M.W, M.H = 72, 64
M.POINTS = { {24, 22}, {46, 24}, {36, 33}, {27, 43}, {45, 42} }
M.COLOURS = { {255, 0, 0}, {0, 255, 0}, {0, 0, 255}, {255, 255, 0}, {0, 255, 255} }
M.FLIP = {2, 1, 3, 5, 4}

--- A uint8 (3,h,w) picture: dots of 7 x 7 pixels on dark ground.
function M.picture(dx)
  local t <const> = braid.zeros({3, M.H, M.W}, {dtype = "uint8"})
  for i, p in ipairs(M.POINTS) do
    local x <const>, y <const> = p[1] + (dx or 0), p[2]
    for c = 1, 3 do t[{c, {y - 2, y + 4}, {x - 2, x + 4}}] = M.COLOURS[i][c] end
  end
  return t
end

-- How far picture i is shifted to the right.
local function moved(i) return (i - 1) % 12 end

-- The labels of n pictures.
local function labels_of(n)
  local points <const>, pose <const>, yaw <const>, angles <const> = {}, {}, {}, {}
  for i = 1, n do
    points[i] = {}
    for k, p in ipairs(M.POINTS) do points[i][k] = {p[1] + moved(i), p[2]} end
    pose[i], yaw[i], angles[i] = (i - 1) % 5 + 1, 10.0 * i - 35, {1.0 * i, 2.0 * i, 3.0 * i}
  end
  return {landmarks = braid.tensor(points), pose = braid.tensor(pose, {dtype = "int64"}),
    yaw = braid.tensor(yaw), angles = braid.tensor(angles)}
end

--- n pictures in memory.
function M.memory(n)
  local images <const> = {}
  for i = 1, n do images[i] = M.picture(moved(i)) end
  return Dataset{images = braid.stack(images), labels = labels_of(n)}
end

--- Writes these pictures as PNG files in a directory, with boxes around the points.
function M.files(directory, n)
  local files <const>, boxes <const> = {}, {}
  for i = 1, n do
    files[i] = ("p%03d.png"):format(i)
    assert(braid.save(directory .. "/" .. files[i], M.picture(moved(i))))
    boxes[i] = {16.0 + moved(i), 14.0, 54.0 + moved(i), 50.0}
  end
  return Dataset{files = files, root = directory, labels = labels_of(n),
    boxes = braid.tensor(boxes)}
end

--- How far the middle of the pixels with the colour of point k in image (3,h,w), values 0 to 255,
-- is from (x, y). (Edges of other dots may have similar colours up to a quarter.)
function M.miss(image, k, x, y)
  local likeness = braid.ones(image:size(2), image:size(3))
  for c = 1, 3 do
    local share <const> = image[c] / 255
    likeness = likeness * (M.COLOURS[k][c] == 255 and share or 1 - share)
  end
  local rows <const>, sx, sy, s = likeness:totable(), 0, 0, 0
  for v, row in ipairs(rows) do
    for u, value in ipairs(row) do
      if value > 0.3 then sx, sy, s = sx + value * (u - 1), sy + value * (v - 1), s + value end
    end
  end
  if s == 0 then return math.huge end
  return math.sqrt((sx / s - x) ^ 2 + (sy / s - y) ^ 2)
end

return M
