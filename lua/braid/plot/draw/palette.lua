--- Colours by their use, for light pages, dark pages and terminals.

local M <const> = {}

M.COUNT = 8 -- colours of series; further series have dashes

M.light = {
  paper = {255, 255, 255}, ink = {27, 31, 36}, muted = {92, 99, 108}, grid = {228, 231, 235},
  frame = {160, 167, 176}, box = {242, 245, 249}, hot = {178, 34, 44}, cold = {49, 87, 164},
  gap = {200, 200, 200}, bright = {255, 255, 255},
  {31, 111, 180}, {212, 85, 43}, {43, 138, 78}, {142, 85, 181}, {176, 126, 8}, {15, 143, 158},
  {194, 56, 127}, {107, 111, 118},
}
M.dark = {
  paper = {22, 25, 30}, ink = {230, 233, 237}, muted = {154, 161, 171}, grid = {45, 50, 58},
  frame = {96, 104, 115}, box = {33, 38, 46}, hot = {214, 69, 75}, cold = {78, 122, 208},
  gap = {70, 74, 80}, bright = {255, 255, 255},
  {106, 174, 240}, {242, 135, 95}, {95, 201, 138}, {193, 149, 232}, {224, 182, 74},
  {79, 201, 216}, {240, 125, 181}, {167, 173, 181},
}

-- Colours among a terminal's 256 that can be seen on black and on white.
M.terminal = {muted = 245, grid = 240, frame = 245, box = 245, hot = 167, cold = 68, gap = 245,
  33, 209, 35, 134, 172, 37, 169, 245}

M.DASHES = {{}, {7, 4}, {2, 3}, {9, 3, 2, 3}, {14, 3}}

--- The colour (a number from 1 to COUNT) and the dash of the i-th series.
function M.series(i)
  return (i - 1) % M.COUNT + 1, M.DASHES[(i - 1) // M.COUNT % #M.DASHES + 1]
end

--- The colour at `share` of the way from a to b.
function M.blend(a, b, share)
  local c <const> = {}
  for k = 1, 3 do c[k] = math.floor(a[k] + (b[k] - a[k]) * share + 0.5) end
  return c
end

return M
