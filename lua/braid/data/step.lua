--- One transform of a loader: its name and its numbers for csrc/load/recipe.c, or the name and the
-- alpha of a blend.

local format <const> = require "braid.format"

local STEP <const> = {__name = "transform", __tostring = function(t)
  local words <const> = {}
  for i, value in ipairs(t.step or {t.blend, t.alpha}) do
    words[i] = math.type(value) == "float" and format("%.4g", value) or tostring(value)
  end
  return ("data.%s (%s)"):format(words[1], table.concat(words, ", ", 2))
end}

return setmetatable({
  --- A step that mixes the samples of a batch (blending.lua).
  blend = function(name, alpha) return setmetatable({blend = name, alpha = alpha}, STEP) end,
}, {__call = function(_, ...) return setmetatable({step = {...}}, STEP) end})
