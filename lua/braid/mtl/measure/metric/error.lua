--- The landmark error: the mean distance of a face's points from their true places, divided by a
-- length of the face; then the mean over faces (Trottier et al. 2018, section 4.1).
--
-- The option `by` names the length:
--   "eyes"       the distance of the eyes' centres (default)
--   "corners"    the distance of the eyes' outer corners (corners = {i, j}; 37, 46 of 68 points)
--   "box"        the width of the face's box, box_width in the batch
--   "diagonal"   the diagonal of the upright box around the true points, if none is missing
--   "none"       half the width of the image
-- Faces without this length are left out and counted. An output of NaN is infinitely far away.
-- @usage mtl.landmarks{points = 5, metrics = {"error"}}

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
