--- Pictures in a terminal. A character shows two pixels, one in its upper half and one in its lower
-- half, in two colours. Without colours, letters show the brightness.

local colours <const> = require "braid.repl.colours"
local core <const> = require "braid.core"
local graphics <const> = require "braid.repl.graphics"

local M <const> = {}

local SHADES <const> = " .:-=+*#%@"
local PLAIN <const> = "\27[0m"
local MARK <const> = {0, 255, 0} -- the colour of landmarks
local PIXELS <const> = 256       -- the width and height of pictures in terminals that show pictures
local EMPTY <const> = {0, 0, 0}
local GAP <const> = 1            -- columns between pictures

-- Makes a picture (c,h,w) of numbers from 0 to 255 smaller, if needed, by taking means.
local function scaled(t, width, height)
  if #t.shape == 2 then t = t:reshape(1, t.shape[1], t.shape[2]) end
  local h <const>, w <const> = t.shape[2], t.shape[3]
  local is_bytes <const> = t.dtype == "uint8"
  t = t:detach():to("float32")
  if not is_bytes then
    local low <const>, high <const> = t:min():item(), t:max():item()
    if low >= 0 and high <= 1 then t = t * 255
    elseif high > low then t = (t - low) * (255 / (high - low)) end
  end
  local share <const> = math.min(1, width / w, height / h)
  local to_h <const> = math.max(1, h * share // 1 | 0)
  local to_w <const> = math.max(1, w * share // 1 | 0)
  if share < 1 then
    t = t:reshape(1, t.shape[1], h, w):adaptive_avg_pool2d({to_h, to_w})
  end
  return t:reshape(t.shape[#t.shape - 2], to_h, to_w), share
end

-- Rows of pixels {r, g, b}.
local function pixels_of(t)
  local channels <const>, h <const>, w <const> = table.unpack(t.shape)
  local values <const> = t:contiguous():reshape(-1)
  local bytes <const>, rows = core.bytes(values), {}
  local function at(c, y, x)
    local v <const> = string.unpack("<f", bytes, 4 * ((c * h + y) * w + x) + 1)
    return v == v and math.max(0, math.min(255, v + 0.5)) // 1 | 0 or 0
  end
  for y = 0, h - 1 do
    local row <const> = {}
    for x = 0, w - 1 do
      local r <const> = at(0, y, x)
      row[x + 1] = channels == 1 and {r, r, r} or {r, at(1, y, x), at(2, y, x)}
    end
    rows[y + 1] = row
  end
  return rows
end

-- Marks points (n,2), which are in pixels of the picture, in the rows of the smaller picture.
local function mark(rows, points, share)
  for i = 1, points.shape[1] do
    local x <const>, y <const> = points[i][1]:item(), points[i][2]:item()
    if x == x and y == y then
      local row <const> = rows[(y * share) // 1 + 1 | 0]
      local column <const> = (x * share) // 1 + 1 | 0
      if row and row[column] then row[column] = MARK end
    end
  end
end

-- The number of the nearest among a terminal's 256 colours.
local function of_256(p)
  if p[1] == p[2] and p[2] == p[3] then return 232 + math.min(23, p[1] * 24 // 256) end
  return 16 + 36 * (p[1] * 6 // 256) + 6 * (p[2] * 6 // 256) + p[3] * 6 // 256
end

local function code(p, layer, is_full)
  if is_full then return ("%d;2;%d;%d;%d"):format(layer, p[1], p[2], p[3]) end
  return ("%d;5;%d"):format(layer, of_256(p))
end

local function shade(p)
  local light <const> = 0.299 * p[1] + 0.587 * p[2] + 0.114 * p[3]
  local i <const> = 1 + math.min(#SHADES - 1, light * #SHADES // 256 | 0)
  return SHADES:sub(i, i)
end

-- The lines of a picture.
local function lines_of(rows, style)
  local lines <const> = {}
  for y = 1, #rows, 2 do
    local words <const>, below = {}, rows[y + 1]
    for x, p in ipairs(rows[y]) do
      local q <const> = below and below[x]
      if style == "letters" then
        words[x] = shade(p)
      else
        words[x] = ("\27[%s%sm▀"):format(code(p, 38, style == "full"),
          q and ";" .. code(q, 48, style == "full") or ";49")
      end
    end
    lines[#lines + 1] = table.concat(words) .. (style == "letters" and "" or PLAIN)
  end
  return lines
end

local function style_of()
  if not colours.wanted() then return "letters" end
  local term <const> = os.getenv("COLORTERM")
  return (term == "truecolor" or term == "24bit") and "full" or "256"
end

-- Rows of pixels of all pictures, each magnified so that the whole is some hundred pixels wide.
local function joined(list, each, landmarks)
  local side <const> = math.max(8, PIXELS // each)
  local all <const> = {}
  for first = 1, #list, each do
    local top = #all
    for i = first, math.min(first + each - 1, #list) do
      local small <const>, share <const> = scaled(list[i], side, side)
      local rows <const> = pixels_of(small)
      if landmarks then mark(rows, landmarks, share) end
      local times <const> = math.max(1, side // math.max(#rows, #rows[1]))
      for y = 1, side do
        local row <const> = all[top + y] or {}
        local from <const> = rows[(y - 1) // times + 1]
        for x = 1, side do row[#row + 1] = from and from[(x - 1) // times + 1] or EMPTY end
        all[top + y] = row
      end
    end
    for y = top + 1, top + side do
      for x = #all[y] + 1, side * math.min(each, #list) do all[y][x] = EMPTY end
    end
  end
  return all
end

--- The bytes that show a list of pictures in a terminal of this kind (graphics.lua). Options as for
-- M.grid.
function M.picture(kind, list, o)
  local each <const> = #list == 1 and 1 or math.min(#list, 4)
  local columns <const> = math.min(o.columns, 2 * o.rows, 60)
  return graphics.text(kind, joined(list, each, o.landmarks), columns)
end

--- The text of a list of pictures, side by side and in several rows if needed. Options: columns and
-- rows of the terminal; landmarks (n,2), if there is one picture; style "full", "256" or "letters".
function M.grid(list, o)
  local style <const> = o.style or style_of()
  local each <const> = #list == 1 and 1 or math.min(#list, 4)
  local width <const> = math.max(1, (o.columns - GAP * (each - 1) - 1) // each)
  local height <const> = #list == 1 and 2 * math.max(1, o.rows) or width
  local out <const> = {}
  for first = 1, #list, each do
    local band <const>, count = {}, 0
    for i = first, math.min(first + each - 1, #list) do
      local small <const>, share <const> = scaled(list[i], width, height)
      local rows <const> = pixels_of(small)
      if o.landmarks then mark(rows, o.landmarks, share) end
      band[#band + 1] = lines_of(rows, style)
      count = #band[#band]
    end
    for y = 1, count do
      local words <const> = {}
      for i, lines in ipairs(band) do words[i] = lines[y] end
      out[#out + 1] = table.concat(words, (" "):rep(GAP)) .. "\n"
    end
  end
  return table.concat(out)
end

return M
