--- vision.measure(detect, set, {overlap =, most =}): how well a detector finds the faces of a data
-- set and their points, as in Trottier, Giguere and Chaib-draa 2018, section 4.5.
--
-- A face is found if the middle of its points is inside a detection. If the face's box is known,
-- the detection must also overlap it by `overlap` (0.3, IoU) or more. Among several such detections
-- the one with the highest score counts. The error is the mean distance of the points divided by
-- the distance of the eyes; a failure is an error above 0.1. At most `most` pictures are used.
-- @return {faces =, found =, missed =, error = the mean error, failure = the share of failures
--   (both over the found faces), false_alarms = the number of detections without a face, pictures
--   =, errors = {the error of each face; NaN for a missed face}}
-- @usage
-- local function stage(name) return braid.model("models/mtcnn.lua", {stage = name}) end
-- local nets <const> = {P = stage "P", R = stage "R", O = stage "O"}
-- local scenes <const> = data.scenes{n = 2, size = 64, seed = 1}
-- print(braid.vision.measure(braid.vision.detector(nets, {min_face = 40}), scenes.test).missed)

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local overlap <const> = require("braid.vision.samples").overlap
local truth_of <const> = require "braid.vision.parts.truth"

local LIMIT <const> = 0.1
local OPTIONS <const> = check.declare("vision.measure", {
  detect = check.argument(check.call()),
  set = check.argument(check.kind("a data set of faces", function(v)
    return type(v) == "table" and v.labels ~= nil
  end)),
  overlap = check.number{0.3, from = 0, to = 1}, most = check.whole{from = 1},
})

local function middle(points)
  local x, y = 0.0, 0.0
  for _, p in ipairs(points) do x, y = x + p[1] / #points, y + p[2] / #points end
  return x, y
end

local function finds(box, face, least)
  if face.points then
    local x <const>, y <const> = middle(face.points)
    if x < box[1] - 1 or x > box[3] or y < box[2] - 1 or y > box[4] then return false end
  end
  return not face.box or overlap(box, face.box) >= least
end

-- The mean distance of found points from the true points, divided by the distance of the eyes.
local function error_of(found, points, eyes)
  local a <const>, b <const> = points[eyes[1]], points[eyes[2]]
  local unit <const>, sum = math.sqrt((a[1] - b[1]) ^ 2 + (a[2] - b[2]) ^ 2), 0.0
  for k, p in ipairs(points) do
    sum = sum + math.sqrt((found[k][1] - p[1]) ^ 2 + (found[k][2] - p[2]) ^ 2)
  end
  return sum / #points / unit
end

return function(detect, set, given)
  local o <const> = check.options(OPTIONS, given, {detect = detect, set = set})
  local facts <const> = set.points and set.points.landmarks
  local eyes <const> = facts and facts.eyes or {1, 2}
  local r <const> = {faces = 0, found = 0, false_alarms = 0, pictures = 0, errors = {}}
  local sum, failures, measured = 0.0, 0, 0
  for picture in truth_of.pictures(set) do
    if o.most and r.pictures == o.most then break end
    r.pictures = r.pictures + 1
    local _ <close> = core.scope()
    local found <const> = detect(picture.image)
    local boxes <const>, points <const> = found.boxes:totable(), found.points:totable()
    local used <const> = {}
    for _, face in ipairs(picture.faces) do
      r.faces = r.faces + 1
      local error_here = 0 / 0
      for i, box in ipairs(boxes) do -- best first
        if not used[i] and finds(box, face, o.overlap) then
          used[i], r.found = true, r.found + 1
          if face.points then error_here = error_of(points[i], face.points, eyes) end
          break
        end
      end
      r.errors[#r.errors + 1] = error_here
      if error_here - error_here == 0 then
        sum, measured = sum + error_here, measured + 1
        if error_here > LIMIT then failures = failures + 1 end
      end
    end
    for i in ipairs(boxes) do
      if not used[i] then r.false_alarms = r.false_alarms + 1 end
    end
  end
  r.missed = r.faces - r.found
  r.error, r.failure = sum / measured, failures / measured -- NaN if none was found
  return r
end
