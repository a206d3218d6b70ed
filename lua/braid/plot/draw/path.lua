--- Reduces the points of long lines: cuts them at the plot's area and drops points that no pixel
-- shows.

local M <const> = {}

-- Whether x never decreases.
local function ascending(xs)
  for i = 3, #xs, 2 do
    if xs[i] < xs[i - 2] then return false end
  end
  return true
end

-- Keeps the first, lowest, highest and last point of each column of pixels, in their order. The
-- reduced line touches the same pixels as the whole line.
local function by_column(p)
  local out <const>, i, n = {}, 1, #p
  while i <= n do
    local column <const> = p[i] // 1
    local first <const>, low, high, last = i, i, i, i
    while last + 2 <= n and p[last + 2] // 1 == column do
      last = last + 2
      if p[last + 1] < p[low + 1] then low = last end
      if p[last + 1] > p[high + 1] then high = last end
    end
    local before = nil
    for _, k in ipairs{first, math.min(low, high), math.max(low, high), last} do
      if k ~= before then out[#out + 1], out[#out + 2] = p[k], p[k + 1] end
      before = k
    end
    i = last + 2
  end
  return out
end

-- Drops each point that is in the same pixel as the last point that was kept.
local function by_pixel(p)
  local out <const> = {p[1], p[2]}
  for i = 3, #p, 2 do
    if p[i] // 1 ~= out[#out - 1] // 1 or p[i + 1] // 1 ~= out[#out] // 1 or i == #p - 1 then
      out[#out + 1], out[#out + 2] = p[i], p[i + 1]
    end
  end
  return out
end

--- Reduces {x, y, x, y ...} to a few points for each column of pixels.
function M.thin(p, width)
  if #p <= 8 * width then return p end
  return ascending(p) and by_column(p) or by_pixel(p)
end

-- The part of a segment that is within [low, high] in one direction.
local function within(from, to, low, high, t0, t1)
  local d <const> = to - from
  if d == 0 then
    if from < low or from > high then return 1, 0 end
    return t0, t1
  end
  local a, b = (low - from) / d, (high - from) / d
  if a > b then a, b = b, a end
  return math.max(t0, a), math.min(t1, b)
end

--- The parts of a line inside a box {x0, y0, x1, y1}, as a list of lines.
function M.clip(p, box)
  local lines <const>, line = {}, nil
  if #p == 2 and p[1] >= box[1] and p[1] <= box[3] and p[2] >= box[2] and p[2] <= box[4] then
    return {p}
  end
  for i = 1, #p - 3, 2 do
    local x0 <const>, y0 <const>, x1 <const>, y1 <const> = p[i], p[i + 1], p[i + 2], p[i + 3]
    local t0, t1 = within(x0, x1, box[1], box[3], 0, 1)
    t0, t1 = within(y0, y1, box[2], box[4], t0, t1)
    if t0 <= t1 then
      if not line or t0 > 0 then
        line = {x0 + t0 * (x1 - x0), y0 + t0 * (y1 - y0)}
        lines[#lines + 1] = line
      end
      line[#line + 1], line[#line + 2] = x0 + t1 * (x1 - x0), y0 + t1 * (y1 - y0)
    end
    if t0 > t1 or t1 < 1 then line = nil end
  end
  return lines
end

local CROWD <const> = 20000 -- points

--- Keeps one point for each half pixel. If more than CROWD stay, one for each 2x2 pixels.
function M.distinct(p, fineness)
  local seen <const>, out <const> = {}, {}
  fineness = fineness or 2
  for i = 1, #p, 2 do
    local key <const> = (p[i] * fineness) // 1 * 1e6 + (p[i + 1] * fineness) // 1
    if not seen[key] then
      seen[key] = true
      out[#out + 1], out[#out + 2] = p[i], p[i + 1]
      if #out > 2 * CROWD and fineness > 0.5 then return M.distinct(p, 0.5) end
    end
  end
  return out
end

return M
