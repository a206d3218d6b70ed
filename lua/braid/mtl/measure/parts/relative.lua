--- The lengths by which errors of points are divided, by name. length(context, target, batch,
-- aspect) returns (n), with NaN for unknown lengths, or nil if the batch does not have them.
-- `without` names what a face of unknown length lacks.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local eyes <const> = require "braid.mtl.tasks.eyes"

local M <const> = {}

local LEAST <const> = 1e-6 -- in half widths of the picture; a shorter length is 0, up to rounding

local function positive(lengths) return lengths:masked_fill(lengths:le(LEAST), 0 / 0) end

-- The distance between the true centres of the eyes (Trottier et al. 2018, section 4.1).
M.eyes = {without = "eyes", unit = "of the eyes' distance", limit = 0.10}

function M.eyes.length(context, target, _, aspect)
  if not context.eyes then
    check.fail("%s: errors are divided by the eyes' distance, but no points are known as the eyes: "
      .. "give eyes = {i, j}, or {{...}, {...}} for the means of several; or choose another "
      .. "length, by = \"box\", \"diagonal\" or \"none\"", context.what)
  end
  return eyes.distance(target, context.eyes, aspect)
end

-- The distance between the outer corners of the eyes, 37 and 46 of 68 points (300-W).
M.corners = {without = "corners", unit = "of the eyes' outer corners' distance", limit = 0.10}

function M.corners.length(context, target, _, aspect)
  local corners <const> = context.corners or context.points == 68 and {37, 46}
  if not corners then
    check.fail("%s: the outer corners of the eyes are known for 68 points, not for %d: give "
      .. "corners = {i, j}", context.what, context.points)
  end
  return eyes.distance(target, corners, aspect)
end

-- The width of the face's box, box_width (n) in the batch, in half widths of the image.
M.box = {without = "a box", unit = "of the box's width", limit = 0.05}

function M.box.length(context, target, batch)
  local widths <const> = batch and batch.box_width
  if not widths then return nil end
  if not core.is_tensor(widths) or widths:dim() ~= 1 or widths:size(1) ~= target:size(1) then
    check.fail("%s: box_width of the batch must be a tensor (%d), the width of each face's box, "
      .. "not %s", context.what, target:size(1), check.shown(widths))
  end
  return widths:masked_fill(widths:le(0), 0 / 0)
end

-- The diagonal of the upright box around a face's true points, if none is missing.
M.diagonal = {without = "all points", unit = "of the points' diagonal", limit = 0.05}

function M.diagonal.length(_, target, _, aspect)
  local gone <const> = target:ne(target)
  local from <const> = (target:masked_fill(gone, math.huge):min(2))
  local to <const> = (target:masked_fill(gone, -math.huge):max(2))
  local lengths <const> = eyes.lengths(to - from, aspect)
  return positive(lengths:masked_fill(gone:reshape(target:size(1), -1):any(2), 0 / 0))
end

-- No division: distances stay in half widths of the image.
M.none = {without = "points", unit = "half widths of the image", limit = 0.10}

function M.none.length(_, target) return core.new({target:size(1)}, target.dtype, 1) end

M.NAMES = {"eyes", "corners", "box", "diagonal", "none"}

return M
