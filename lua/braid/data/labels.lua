--- Finds the kinds of a data set's labels, and other facts that Dataset needs about them.

local check <const> = require "braid.check"

local M <const> = {}

local POINTS <const>, CLASS <const>, WIDTH <const> = "points", "class", "width"
local BOX_WIDTH <const> = "box_width"
local ANGLES <const> = {yaw = true, pitch = true, roll = true}

local function fail(what, ...) check.fail("Dataset: " .. what, ...) end

--- A label's kind, from its tensor.
function M.kind_of(name, t)
  local float <const> = t.dtype == "float32" or t.dtype == "float64"
  if name == BOX_WIDTH then
    if float and t:dim() == 1 then return WIDTH end
    fail("labels.box_width, the widths of boxes, must be float32 (n); not %s (%s)", t.dtype,
      table.concat(t.shape, ", "))
  end
  if float and ANGLES[name] and t:numel() == t:size(1) then return name end
  if float then return t:dim() == 3 and t:size(3) == 2 and POINTS or "real" end
  if t:dim() ~= 1 or t.dtype == "bool" then
    fail("labels.%s must be whole numbers (n), or float32; not %s (%s)", name, t.dtype,
      table.concat(t.shape, ", "))
  end
  return CLASS
end

--- Class labels as a data set stores them: from 1, and 0 for a missing one. If the user's mark for
-- a missing label is not 0, a 0 is an error, because the labels then probably count from 0.
function M.kept_classes(name, t, missing)
  if missing ~= 0 then
    if t:eq(0):any():item() then
      fail("labels.%s holds 0; labels count from 1 (counted from 0? add 1; if 0 marks a "
        .. "missing label, say missing = 0)", name)
    end
    local marked <const> = t:eq(missing)
    if marked:any():item() then t = t:masked_fill(marked, 0) end
  end
  if #t > 0 and t:min():item() < 0 then
    fail("labels.%s holds %d; labels count from 1, and a missing one is %d", name, t:min():item(),
      missing)
  end
  return t
end

--- The given labels, and the widths of boxes as one more label.
function M.with_widths(labels, boxes)
  local all <const> = {}
  for name, t in pairs(labels or {}) do all[name] = t end
  if boxes and not all[BOX_WIDTH] then
    all[BOX_WIDTH] = boxes[{ {}, 3 }]:to("float32") - boxes[{ {}, 1 }]:to("float32")
  end
  return all
end

--- The facts about a label of points: the number of points, and the facts in `known`.
function M.facts_of(t, known)
  local facts <const> = {points = t:size(2)}
  for key, value in pairs(known or {}) do facts[key] = value end
  return facts
end

return M
