--- `braid faces PICTURE ... --weights DIR`: finds faces in pictures, by MTCNN.
--
-- The directory has the published weights, det1, det2 and det3.caffemodel, or networks that
-- braid.save wrote, P, R and O.safetensors. Boxes and points are those of braid.vision.detector,
-- but in pixels from 0.

local answers_of <const> = require "braid.model.answers"
local cells <const> = require "braid.cli.given.cells"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local drawn <const> = require "braid.cli.given.drawn"
local format <const> = require "braid.format"
local machine <const> = require "braid.cli.given.machine"
local numbers <const> = require "braid.cli.given.numbers"
local open <const> = require "braid.model.open"
local plot <const> = require "braid.plot"
local vision <const> = require "braid.vision"

-- The networks. Lines are one pixel thicker for every THICK pixels of a picture's longer side.
local STAGES <const>, THICK <const> = {"P", "R", "O"}, 150

local function network(dir, stage)
  local own <const> = ("%s/%s.safetensors"):format(dir, stage)
  if core.path_kind(own) then return (open(own)) end
  local net <const>, why <const> = vision.mtcnn.network(dir, stage)
  return net or check.fail("--weights: %s", why)
end

local function detector(o)
  if core.path_kind(o.weights) ~= "directory" then
    check.fail("--weights: there is no directory %s", o.weights)
  end
  local nets <const> = {}
  for _, stage in ipairs(STAGES) do nets[stage] = network(o.weights, stage) end
  return vision.detector(nets, {min_face = o.min_face, factor = o.factor,
    thresholds = numbers.reals(o.thresholds)})
end

-- The faces that were found, as {box = {x1, y1, x2, y2}, score, points = {{x, y}, ...}}. In the
-- detector's boxes the first pixel is 1, and in its points the edge of the first pixel is 0; here
-- the centre of the first pixel is 0.
local function faces_of(found)
  local list <const> = {}
  local boxes <const>, points <const> = (found.boxes - 1):totable(), (found.points - 0.5):totable()
  for i, score in ipairs(found.scores:totable()) do
    list[i] = {box = boxes[i], score = score, points = points[i]}
  end
  return list
end

local function words_of(row)
  local n <const> = #row.faces
  local lines <const> = {("%s: %d face%s"):format(row.picture, n, n == 1 and "" or "s")}
  for i, face in ipairs(row.faces) do
    local b <const> = face.box
    lines[i + 1] = format("  %.1f%%  from (%.1f, %.1f) to (%.1f, %.1f)  points %s",
      100 * face.score, b[1], b[2], b[3], b[4], answers_of.words(face))
  end
  return table.concat(lines, "\n")
end

local HEADER <const> = {"picture", "x1", "y1", "x2", "y2", "score"}
for k = 1, 5 do
  HEADER[#HEADER + 1] = "px" .. k
  HEADER[#HEADER + 1] = "py" .. k
end

local function print_csv(row)
  for _, face in ipairs(row.faces) do
    local list <const> = {row.picture, table.unpack(face.box)}
    list[#list + 1] = face.score
    for _, p in ipairs(face.points) do table.move(p, 1, 2, #list + 1, list) end
    print(cells(list))
  end
end

local function draw(place, image, found)
  local thickness <const> = math.max(1, math.max(image:size(2), image:size(3)) / THICK)
  plot.detections(place, image, found.boxes, found.points, {thickness = thickness})
end

local function run(o, ...)
  local paths <const>, rows <const> = {...}, {}
  local places <const> = o.out and drawn.places(o.out, paths, o.overwrite)
  local detect <const> = detector(o)
  for _, path in ipairs(paths) do
    local h <const>, why <const> = core.image_probe(path)
    if not h then check.fail("%s", why) end
  end
  if o.out then drawn.make(o.out) end
  if o.csv then print(cells(HEADER)) end
  for i, path in ipairs(paths) do
    local image <const>, why <const> = core.image_read(path, 3)
    if not image then check.fail("%s", why) end
    local found <const> = detect(image)
    rows[i] = {picture = path, height = image:size(2), width = image:size(3),
      faces = faces_of(found)}
    if o.csv then
      print_csv(rows[i])
    elseif not o.json then
      print(words_of(rows[i]))
    end
    if o.out then draw(places[i], image, found) end
  end
  if o.json then print(machine.text(rows)) end
end

return {usage = "faces PICTURE ...          find faces in pictures, by MTCNN", least = 1,
  most = math.huge, words = {"file"}, paths = {weights = "directory"},
  options = {weights = check.text(), out = check.text(), json = false, csv = false,
    overwrite = false, min_face = {20, from = 1}, factor = {0.709, from = 0.1, to = 0.99},
    thresholds = "0.6,0.7,0.7"},
  said = {weights = "a directory with det1, det2 and det3.caffemodel, or with P, R and O"
      .. ".safetensors",
    out = "a directory for the pictures with boxes and points drawn on them",
    json = "print JSON; boxes and points are in pixels from 0", csv = "print a table as CSV, also "
      .. "in pixels from 0",
    overwrite = "replace pictures that are in --out",
    min_face = "the side in pixels of the smallest faces to find",
    factor = "each picture is searched at sizes that shrink by this factor",
    thresholds = "of the three stages, from 0 to 1"},
  wrong = function(o)
    if not o.weights then return "--weights is missing: a directory of MTCNN's networks" end
    local list <const> = numbers.reals(o.thresholds)
    if not list or #list ~= 3 or math.min(table.unpack(list)) < 0
      or math.max(table.unpack(list)) >= 1 then
      return ("--thresholds must be three numbers from 0, below 1, not '%s'"):format(o.thresholds)
    end
    return o.json and o.csv and "wants only one of --json and --csv" or nil
  end,
  run = run}
