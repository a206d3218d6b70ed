--- Data sets: readers, transforms, and loaders.

local record <const> = require "braid.record"

-- Makes a reader's result {train =, val =, test =} an object that prints its sets.
local function sets(t, ...)
  local plain <const> = type(t) == "table" and getmetatable(t) == nil
  if plain and type(t.train) == "table" then record(t, "data") end
  return t, ...
end

return require "braid.folder"("braid.data", {
  internal = {"asked", "blending", "chosen", "cifar", "closes", "colours", "columns", "copies",
    "damage", "eyes", "fit", "follow", "functions", "getter", "inputs", "known", "labels",
    "lines", "listing", "made", "manifest", "marks", "mixed_rows", "mtfl_rows", "named", "paths",
    "pictures", "places", "plan", "recipe", "rows", "samples", "sampling", "schemes", "split",
    "sqlite", "stats", "step", "transforms", "usual_steps"},
  others = function() return require "braid.data.transforms" end,
  made = function(value)
    if type(value) ~= "function" then return value end
    return function(...) return sets(value(...)) end
  end,
})
