--- Chooses the size and the colours of a loader's pictures if the caller does not. Asking for more
-- pixels or colours than the data have is an error.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

local MAX_PROBED <const> = 16

local function fail(format, ...) check.fail("data.loader: " .. format, ...) end

--- Whether a loader shows only the boxes of a set's pictures.
function M.boxed(ds) return ds.boxes ~= nil and ds.crop == "box" end

local probed <const> = setmetatable({}, {__mode = "k"}) -- the results of seen_of, by data set

-- The height and width of the visible part of some samples, which are spread evenly over the set.
-- They are sorted by their longer sides.
local function seen_of(ds)
  if probed[ds] then return probed[ds] end
  local seen <const>, n <const> = {}, math.min(#ds, MAX_PROBED)
  for k = 1, n do
    local i <const> = 1 + (k - 1) * #ds // n
    local box <const> = M.boxed(ds) and ds:box(i)
    local h, w
    if box then
      w, h = (box[3] - box[1]):item(), (box[4] - box[2]):item()
    elseif ds.images then
      h, w = ds.images:size(3), ds.images:size(4)
    else
      h, w = core.image_probe(ds:path(i))
    end
    if h then seen[#seen + 1] = {h = h, w = w, side = math.max(h, w), number = i} end
  end
  table.sort(seen, function(a, b) return a.side < b.side end)
  probed[ds] = seen
  return seen
end

-- The side of a set's pictures: the size given to its reader, or the size of pictures in memory.
-- It is 0 if the pictures are not square, and nil if their sizes differ.
local function side_of(ds)
  if ds.size then return ds.size end
  if ds.images and not M.boxed(ds) then
    return ds.images:size(3) == ds.images:size(4) and math.floor(ds.inner) or 0
  end
  local seen <const> = seen_of(ds)
  local least <const>, most <const> = seen[1], seen[#seen]
  return least and least.side == most.side and math.max(1, math.floor(least.side)) or nil
end

-- Raises an error if most pictures of a set are smaller than the size.
local function check_size(ds, size)
  local own <const> = side_of(ds) or 0
  if own > 0 and size > own then
    fail("size %d is more than the %d pixels that the pictures have: read them with size = %d if "
      .. "their reader takes it; enlarge = true enlarges them", size, own, size)
  end
  local seen <const> = own == 0 and seen_of(ds) or {}
  local middle <const> = seen[(#seen + 1) // 2]
  if middle and middle.side < size then
    fail("size %d is more than most pictures have: sample %d has %.0f x %.0f visible pixels; "
      .. "enlarge = true enlarges them", size, middle.number, middle.w, middle.h)
  end
end

--- The side of a loader's pictures in pixels: the size that the caller chose, or else the size that
-- all sets have. 0 leaves pictures as they are.
function M.size(sets, o)
  for _, ds in ipairs(o.size and not o.enlarge and sets or {}) do check_size(ds, o.size) end
  local side = o.size
  for _, ds in ipairs(o.size and {} or sets) do
    local own <const> = side_of(ds)
    if not own then
      fail("size is missing, and the visible parts of the pictures differ in size: give size = 64, "
        .. "here or to the reader, or transforms")
    end
    if side and side ~= own then
      fail("size is missing: it is %d in one data set, %d in another", side, own)
    end
    side = own
  end
  return side
end

-- These transforms choose the visible part themselves.
local CUTS <const> = {crop = true, align = true}

--- Raises an error if transforms make h x w pixels from smaller pictures in memory.
function M.check_transforms(sets, steps, h, w)
  for _, s in ipairs(steps) do
    if s.step and CUTS[s.step[1]] then return end
  end
  for _, ds in ipairs(sets) do
    local high <const> = ds.images and ds.images:size(3) or math.huge
    local wide <const> = ds.images and ds.images:size(4) or math.huge
    if h > high or w > wide then
      fail("transforms make %d x %d pixels of pictures that have %d x %d; enlarge = true allows it",
        w, h, wide, high)
    end
  end
end

-- The channels of a set's pictures: 1 or 3, or nil if each file has its own.
local function colours_of(ds)
  local own <const> = ds.images and ds.images:size(2) or ds.channels
  return own and (own > 1 and 3 or 1)
end

--- The channels of a loader's pictures, 1 or 3: the number that the caller chose, or else the most
-- that a set has. A set of files that may be gray or in colour counts as colour.
function M.channels(sets, o)
  local gray, most = false, 1
  for _, ds in ipairs(sets) do
    local own <const> = colours_of(ds) or 3
    gray, most = gray or own == 1, math.max(most, own)
  end
  local channels <const> = o.channels or most
  if channels == 3 and gray and not o.enlarge then
    fail(o.channels and "channels = 3, but the pictures are gray: read them with channels = 3 if "
      .. "their reader takes it; enlarge = true repeats the gray in all three"
      or "one data set is gray and another in colour: give channels = 1, or enlarge = true to "
      .. "repeat the gray in all three")
  end
  return channels
end

return M
