--- plot.detections: writes a PNG of a picture with boxes and points drawn on it.
-- @usage
-- local boxes <const> = braid.tensor{{5, 5, 30, 35}}
-- plot.detections("out.png", faces.val[1].image, boxes, nil, {thickness = 1})
--
-- image is uint8 (c,h,w). boxes (n,4) are x1, y1, x2, y2, in pixels counted from 1. points are
-- (n,k,2) or nil; for points, the left or upper edge of pixel i is at i - 1. A file that cannot be
-- written is an error.
-- @treturn true

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local picture <const> = require "braid.io.picture"
local ops <const> = core.ops

local BOX <const>, POINT <const> = {40, 220, 90}, {255, 60, 60}

-- Draws a box. The first pixel of the canvas has its centre at 0.
local function draw_box(canvas, box, thickness)
  local x1 <const>, y1 <const>, x2 <const>, y2 <const> = box[1] - 1, box[2] - 1, box[3] - 1,
    box[4] - 1
  core.draw_line(canvas, x1, y1, x2, y1, thickness, BOX)
  core.draw_line(canvas, x2, y1, x2, y2, thickness, BOX)
  core.draw_line(canvas, x2, y2, x1, y2, thickness, BOX)
  core.draw_line(canvas, x1, y2, x1, y1, thickness, BOX)
end

local WHAT <const> = "plot.detections"

local function check_arguments(image, boxes, points)
  picture.tensor(WHAT, "the picture", image, "(c,h,w)")
  if image.dtype ~= "uint8" or image:size(1) ~= 1 and image:size(1) ~= 3 then
    check.fail("%s: the picture must be uint8, of 1 or 3 channels, not %s (%s)", WHAT, image.dtype,
      table.concat(image.shape, ", "))
  end
  picture.tensor(WHAT, "boxes", boxes, "(n,4)")
  if boxes:size(2) ~= 4 then
    check.fail("%s: boxes must be (n,4), not (%s)", WHAT, table.concat(boxes.shape, ", "))
  end
  if points ~= nil and picture.tensor(WHAT, "points", points, "(n,k,2)"):size(3) ~= 2 then
    check.fail("%s: points must be (n,k,2), not (%s)", WHAT, table.concat(points.shape, ", "))
  end
end

local OPTIONS <const> = check.declare(WHAT, {
  thickness = check.number{2, above = 0, to = 1000},
})

return function(path, image, boxes, points, given)
  local o <const> = check.options(OPTIONS, given)
  picture.path(WHAT, path)
  check_arguments(image, boxes, points)
  local rgb <const> = image:size(1) == 3 and image or ops.expand(image, 3, image:size(2),
    image:size(3))
  local canvas <const> = ops.contiguous_copy(ops.permute(rgb, 2, 3, 1))
  for _, box in ipairs(boxes:totable()) do draw_box(canvas, box, o.thickness) end
  for _, face in ipairs(points and points:totable() or {}) do
    for _, p in ipairs(face) do
      core.draw_disk(canvas, p[1] - 0.5, p[2] - 0.5, 1.25 * o.thickness, POINT)
    end
  end
  return picture.write(WHAT, path, canvas)
end
