--- plot.landmarks: writes a PNG with a grid of faces, their true points (green rings) and predicted
-- points (red dots).
-- @usage
-- local found <const> = net(batch.image).landmarks:view(-1, 5, 2)
-- plot.landmarks("out.png", batch.image, batch.landmarks, found)
--
-- images are float32 or uint8 (n,c,h,w) from 0 to 255; points (n,points,2) in [-1, 1]; predicted
-- may be nil. A wrong argument, or a file that cannot be written, is an error.
-- @treturn true

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local picture <const> = require "braid.io.picture"
local ops <const> = core.ops

local TRUE <const>, PREDICTED <const> = {40, 220, 90}, {255, 60, 60}
local GAP <const>, WHAT <const> = 3, "plot.landmarks"

-- Image i as a canvas (side,side,channels).
local function face_canvas(images, i, side)
  local pixels <const> = images[i]:clamp(0, 255):round():to("uint8"):permute(2, 3, 1)
  return core.image_resize(ops.contiguous_copy(pixels), side, side)
end

local function each_point(points, i, side, draw)
  for _, p in ipairs(points[i]:reshape(-1, 2):totable()) do
    draw((p[1] + 1) / 2 * side - 0.5, (p[2] + 1) / 2 * side - 0.5)
  end
end

local function check_points(name, points, n)
  if core.is_tensor(points) and points:dim() == 2 and points:size(2) % 2 == 0 then
    points = points:reshape(points:size(1), -1, 2)
  end
  picture.tensor(WHAT, name, points, "(n,points,2)")
  if points:size(1) < n or points:size(3) ~= 2 then
    check.fail("%s: %s of %d pictures must be (n,points,2), not (%s)", WHAT, name, n,
      table.concat(points.shape, ", "))
  end
end

local function check_images(images)
  picture.tensor(WHAT, "images", images, "(n,c,h,w)")
  if images:size(2) ~= 1 and images:size(2) ~= 3 or images:numel() == 0 then
    check.fail("%s: images must be one or more pictures of 1 or 3 channels, not (%s)", WHAT,
      table.concat(images.shape, ", "))
  end
end

local OPTIONS <const> = check.declare(WHAT, {
  columns = check.whole{8, from = 1}, side = check.whole{120, from = 1, to = 4096},
})

return function(path, images, truth, predicted, given)
  local o <const> = check.options(OPTIONS, given)
  picture.path(WHAT, path)
  check_images(images)
  check_points("points", truth, images:size(1))
  if predicted ~= nil then check_points("predicted points", predicted, images:size(1)) end
  local n <const> = images:size(1)
  local columns <const> = math.min(o.columns, n)
  local rows <const> = (n + columns - 1) // columns
  local canvas <const> = core.new({rows * (o.side + GAP) + GAP, columns * (o.side + GAP) + GAP, 3},
    "uint8", 255)
  for i = 1, n do
    local x <const> = GAP + (i - 1) % columns * (o.side + GAP)
    local y <const> = GAP + (i - 1) // columns * (o.side + GAP)
    core.draw_image(canvas, face_canvas(images, i, o.side), x, y)
    each_point(truth, i, o.side, function(px, py)
      core.draw_circle(canvas, x + px, y + py, o.side / 30, o.side / 60, TRUE)
    end)
    if predicted then
      each_point(predicted, i, o.side, function(px, py)
        core.draw_disk(canvas, x + px, y + py, o.side / 45, PREDICTED)
      end)
    end
  end
  return picture.write(WHAT, path, canvas)
end
