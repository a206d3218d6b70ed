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
