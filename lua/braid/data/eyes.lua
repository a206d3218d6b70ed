--- Eyes: which points of a face are its two eyes, and where the eyes are.
--
-- An eye is given as the number of a point, or as a list of points; the eye is then their mean. The
-- eyes are {8, 11} for AFLW's 21 points, and {{37, 38, 39, 40, 41, 42}, {43, 44, 45, 46, 47, 48}}
-- for the 68 points of 300-W.

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local M <const> = {}

local NUMBER <const> = check.whole{from = 1}

--- The kind of an option that names two eyes.
M.KIND = check.list{n = 2, of = check.either(NUMBER, check.list{of = NUMBER, least = 1})}

local function listed(eye) return type(eye) == "table" and eye or {eye} end

--- Says what is wrong with the eyes of a label that has `points` points; nil if nothing is.
function M.wrong(eyes, points)
  local seen <const> = {}
  for side, eye in ipairs(eyes) do
    for _, p in ipairs(listed(eye)) do
      if p > points then
        return ("eyes must be numbers from 1 to %d, the points, not %s"):format(points,
          check.shown(eyes))
      end
      if seen[p] then
        return ("eyes must be of different points, and %d is in %s"):format(p,
          seen[p] == side and "one twice" or "both")
      end
      seen[p] = side
    end
  end
end

--- The eyes of a label of points, {points =, eyes =}, or nil if they are not known. Without `eyes`,
-- the first two of five points are the eyes.
function M.known(facts)
  return facts.eyes or facts.points == 5 and {1, 2} or nil
end

--- The place of an eye (n,2) from points (n,points,2). It is missing (NaN) if one of its points is.
function M.middle(points, eye)
  if type(eye) == "number" then return points[{ {}, eye }] end
  return points:index_select(2, core.from_table(eye, "int64")):mean(2)
end

--- The places of both eyes, points (n,points,2) -> (n,4): x, y of one eye, then of the other.
function M.places(points, eyes)
  return core.ops.cat({M.middle(points, eyes[1]), M.middle(points, eyes[2])}, 2)
end

--- Joins a list of k tensors of places (n,4) into one tensor (n,4k).
function M.joined(list) return #list == 1 and list[1] or core.ops.cat(list, 2) end

return M
