--- The exact area under the curve of errors (mtl.ced) up to `limit`, divided by the limit. Options:
-- by, as in mtl.metric.error; limit (default: 0.10, or 0.05 with by = "box" or "diagonal"). A
-- landmark task calls this metric "auc".
-- @usage mtl.landmarks{points = 5, metrics = {mtl.metric.ced_area{limit = 0.08}}}

local check <const> = require "braid.check"
local metric <const> = require "braid.mtl.measure.parts.metric"
local relative <const> = require "braid.mtl.measure.parts.relative"

return metric.kind{name = "ced_area", form = "points", gathers = "errors", direction = "max",
  counts = "faces", words = {"by", "limit"}, by = {"by"},
  options = {by = check.choice(relative.NAMES), limit = check.number{above = 0}},
  value = function(part, o)
    local limit <const>, why <const> = o.limit or relative[o.by].limit, part:reason()
    local area = 0.0
    for _, e in ipairs(part.errors) do
      if e <= limit then area = area + 1 - e / limit end
    end
    if why then return nil, why end
    return area / #part.errors
  end}
