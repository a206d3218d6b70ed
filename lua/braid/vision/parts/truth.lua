--- The pictures of a data set whose samples are faces, each with all of its faces.

local check <const> = require "braid.check"
local tensor <const> = require "braid.tensor"

local M <const> = {}

-- Converts a data set's box, in which the centres of pixels are at whole numbers from 0, to a
-- detector's box, which counts pixels from 1 and contains the pixels at its edges.
local function pixels(b) return {b[1] + 1.5, b[2] + 1.5, b[3] + 0.5, b[4] + 0.5} end

local function is_known(list)
  for _, v in ipairs(list) do
    if v ~= v then return false end
  end
  return true
end

-- The faces of a set by the number of their picture, and these numbers in order.
local function by_picture(set)
  local boxes <const> = set.boxes and set.boxes:totable()
  local points <const> = set.labels.landmarks and set.labels.landmarks:totable()
  local rows <const> = set:rows(tensor.arange(1, #set)):totable()
  local of <const>, order <const> = {}, {}
  for i, row in ipairs(rows) do
    if not of[row] then of[row], order[#order + 1] = {}, row end
    local face <const> = {number = i}
    if boxes and is_known(boxes[i]) then face.box = pixels(boxes[i]) end
    if points then
      local moved <const>, known = {}, true
      for k, p in ipairs(points[i]) do
        moved[k] = {p[1] + 0.5, p[2] + 0.5} -- as a detector's: pixel 1 reaches from 0 to 1
        known = known and is_known(p)
      end
      face.points = known and moved or nil
    end
    table.insert(of[row], face)
  end
  return of, order
end

--- Iterates over the pictures of a set, {image = uint8 (c,h,w), faces = {{box =, points =, number =
-- of the sample}, ...}}. A set in memory may have pictures without faces.
function M.pictures(set)
  local of <const>, order <const> = by_picture(set)
  local all <const> = set.images ~= nil and set.index ~= nil -- pictures without faces, too
  local total <const> = all and set.images:size(1) or #order
  local i = 0
  return function()
    i = i + 1
    if i > total then return nil end
    local faces <const> = of[all and i or order[i]] or {}
    if all then return {image = set.images[i], faces = faces} end
    local image <const>, message <const> = set:image(faces[1].number)
    if not image then check.fail("vision: %s", message) end
    return {image = image, faces = faces}
  end
end

return M
