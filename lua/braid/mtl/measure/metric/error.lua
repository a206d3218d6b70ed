--- The landmark error: the mean distance of a face's points from their true places, divided by a
-- length of the face, then the mean over faces (Trottier et al. 2018, section 4.1, by the eyes).
--
-- `by` names the length: "eyes", the distance of the eyes' centres; "corners", the distance of
-- their outer corners (corners = {i, j}; of 68 points 37, 46); "box", the box's width, box_width of
-- the batch; "diagonal", the diagonal of the upright box around the true points, where all are
-- there; "none", half widths of the image. Faces without that length are left out and counted. An
-- output of NaN is infinitely far.

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"
local relative <const> = require "braid.mtl.measure.parts.relative"

return metric.kind{name = "error", form = "points", gathers = "errors", direction = "min",
  unit = function(o) return relative[o.by].unit end, counts = "faces", words = {"by"}, by = {"by"},
  options = {by = check.choice(relative.NAMES)},
  value = function(part, o)
    local total, notes <const> = 0.0, {["without_" .. o.by] = part:without()}
    for _, e in ipairs(part.errors) do total = total + e end
    local why <const> = part:reason()
    if why then return nil, why, notes end
    return total / #part.errors, nil, notes
  end}
