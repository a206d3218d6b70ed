--- The eyes of a landmark task: which points they are, and the distance between them.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local two <const> = require "braid.data.eyes"

local M <const> = {}

local LEAST <const> = 1e-6 -- in half widths of the picture; a shorter distance may be rounding
local FACTS <const> = {"points", "flip", "eyes"}

--- The kind of the option eyes: two eyes, or false for none.
M.KIND = check.either(two.KIND, check.choice{false})

--- A message about eyes that are not among `points` points, or nil.
function M.wrong(eyes, points)
  if eyes then return two.wrong(eyes, points) end
  if eyes == false or two.known{points = points} then return nil end
  return ("errors are divided by the eyes' distance, but no eyes are known for %d point%s: give "
    .. "eyes = {i, j}, or {{...}, {...}} for the means of several, or pass the data set as the "
    .. "option `of` if its reader knows them; eyes = false says that there are none"):format(points,
    points == 1 and "" or "s")
end

--- The task's own copy of its eyes. If no eyes are given, it takes the eyes that are known for this
-- number of points.
function M.own(eyes, points)
  if eyes == false then return false end
  local copy <const> = {}
  for side, eye in ipairs(eyes or two.known{points = points}) do
    copy[side] = type(eye) == "table" and table.move(eye, 1, #eye, 1, {}) or eye
  end
  return copy
end

local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for i = 1, math.max(#a, #b) do
    if not same(a[i], b[i]) then return false end
  end
  return true
end

-- The facts {points =, flip =, eyes =} about the only label of points in a data set or a mix.
local function facts_of(what, ds)
  local found, whose
  for _, set in ipairs(ds.parts or {ds}) do
    for _, name in ipairs(check.sorted_keys(set.points)) do
      local own <const> = set.points[name]
      if found and whose ~= name then
        check.fail("%s: the data set `of` has points called %s and %s: give the points, flip and "
          .. "eyes of one, such as points.%s of the data set", what, whose, name, name)
      end
      for _, key in ipairs(found and FACTS or {}) do
        if not same(found[key], own[key]) then
          check.fail("%s: the parts of the mix `of` differ in the %s of their %s", what, key, name)
        end
      end
      found, whose = own, name
    end
  end
  return found or check.fail("%s: the data set `of` has no label of points", what)
end

--- The kind of the option `of`.
M.OF = check.kind("a data set, such as a reader's train", function(v)
  return type(v) == "table" and (type(v.points) == "table" or type(v.parts) == "table")
end)

--- The options. Missing options are taken from the data set in the option `of`.
function M.told(what, given)
  if type(given) ~= "table" or given.of == nil or not M.OF.accepts(given.of) then return given end
  local o <const>, facts <const> = check.copy(what, given), facts_of(what, given.of)
  if o.points ~= nil and o.points ~= facts.points then
    check.fail("%s: points is %s, but the data set has %d", what, check.shown(o.points),
      facts.points)
  end
  for _, key in ipairs(FACTS) do
    if o[key] == nil then o[key] = facts[key] end
  end
  return o
end

--- The lengths of differences (...,2) between points, in half widths of an image whose height is
-- `aspect` times its width.
function M.lengths(difference, aspect)
  if aspect ~= 1 then
    difference = difference * core.from_table({1, aspect}, difference.dtype)
  end
  return difference:square():sum(-1):sqrt()
end

--- The distance between the eyes (n) from target (n,points,2); NaN if an eye is missing or both are
-- at the same place.
function M.distance(target, eyes, aspect)
  local apart <const> = M.lengths(two.middle(target, eyes[1]) - two.middle(target, eyes[2]),
    aspect)
  return apart:masked_fill(apart:le(LEAST), 0 / 0)
end

return M
