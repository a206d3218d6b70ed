--- ONNX's operators that sample images at computed places.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local F <const> = require "braid.functional"
local values <const> = require "braid.onnx.import.values"

local M <const> = {}

M.GridSample = {2, function(a, x, grid)
  if x:dim() ~= 4 then values.lacks("samples of volumes") end
  local mode <const> = a.mode or "bilinear"
  if mode == "cubic" or mode == "bicubic" or a.padding_mode == "reflection" then
    values.lacks("GridSample with the mode %s and %s", mode, a.padding_mode or "zeros")
  end
  return core.ops.grid_sample(x, grid, mode == "nearest" and "nearest" or "bilinear",
    a.padding_mode or "zeros", a.align_corners == 1)
end}

M.AffineGrid = {2, function(a, theta, size)
  local list <const> = values.sized(values.ints(size))
  if #list ~= 4 then values.lacks("affine grids of volumes") end
  return F.affine_grid(theta, list, {align_corners = a.align_corners == 1})
end}

-- The weights (count, size) with which the values along an axis make the means of `count` bins
-- between two places, each of `samples` values that are interpolated linearly.
local function bins(first, last, count, samples, size, dtype)
  local function steps(n) return core.ops.cumsum(core.new({n}, "float64", 1), 1) - 1 end
  local n <const> = count * samples
  local place <const> = (steps(n) + 0.5) * ((last - first) / n) + first
  local known <const> = place:ge(-1):logical_and(place:le(size)):to("float64")
  local apart <const> = place:clamp(0, size - 1):unsqueeze(2) - steps(size)
  local weights <const> = (-apart:abs() + 1):clamp(0, nil) * known:unsqueeze(2)
  return weights:reshape({count, samples, size}):mean(2):to(dtype)
end

M.RoiAlign = {3, function(a, x, boxes, images)
  if (a.mode or "avg") ~= "avg" then values.lacks("RoiAlign with the mode %s", a.mode) end
  local whole <const> = (a.coordinate_transformation_mode or a.opset < 16 and "output_half_pixel"
    or "half_pixel") ~= "half_pixel" -- then a box has at least one pixel
  local of <const>, scale <const> = values.index(images, x:size(1)):totable(), a.spatial_scale or 1
  local h <const>, w <const> = a.output_height or 1, a.output_width or 1
  values.sized{#of, x:size(2), h, w}
  local function weights(first, last, count, size)
    first, last = first * scale - (whole and 0 or 0.5), last * scale - (whole and 0 or 0.5)
    if whole then last = math.max(last, first + 1) end
    local samples = a.sampling_ratio or 0
    if samples < 1 then samples = math.max(1, math.ceil((last - first) / count)) end
    values.sized{count, samples, size}
    return bins(first, last, count, math.tointeger(samples), size, x.dtype)
  end
  local parts <const> = {}
  for i, box in ipairs(boxes:totable()) do
    local rows <const>, columns <const> = weights(box[2], box[4], h, x:size(3)),
      weights(box[1], box[3], w, x:size(4))
    parts[i] = rows:matmul(x:select(1, of[i])):matmul(columns:t())
  end
  if #parts == 0 then return core.new({0, x:size(2), h, w}, x.dtype, 0) end
  return core.ops.stack(parts, 1)
end}

M.NonMaxSuppression = {2, function(a, boxes, scores, most, overlap, least)
  local limit <const> = values.int(most, 0)
  local iou <const>, low <const> = values.scalar(overlap, 0), values.scalar(least)
  local rows <const> = {}
  if a.center_point_box == 1 then
    local c <const>, half <const> = boxes:narrow(3, 1, 2), boxes:narrow(3, 3, 2) / 2
    boxes = core.ops.cat({c - half, c + half}, 3)
  else -- a box is given by any two opposite corners
    local p <const>, q <const> = boxes:narrow(3, 1, 2), boxes:narrow(3, 3, 2)
    boxes = core.ops.cat({core.ops.minimum(p, q), core.ops.maximum(p, q)}, 3)
  end
  if iou < 0 or iou > 1 then check.fail("iou_threshold = %g", iou) end
  for n = 1, scores:size(1) do
    for c = 1, scores:size(2) do
      local list <const> = scores:select(1, n):select(1, c)
      local kept <const> = core.ops.nms(boxes:select(1, n), list, iou, false):totable()
      local count = 0
      for _, i in ipairs(kept) do
        if count < limit and (not low or list[i]:item() > low) then
          count = count + 1
          rows[#rows + 1] = {n - 1, c - 1, i - 1}
        end
      end
    end
  end
  if #rows == 0 then return core.new({0, 3}, "int64", 0) end
  return core.from_table(rows, "int64")
end}

return M
