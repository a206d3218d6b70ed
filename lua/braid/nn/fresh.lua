--- Makes a new tensor for a layer: core.new, with an error that names the layer.

local core <const> = require "braid.core"
local check <const> = require "braid.check"
local class <const> = require "braid.class"

return function(layer, shape, dtype, value)
  local ok <const>, t <const> = check.caught(core.new, shape, dtype, value)
  if not ok then check.fail("%s: %s", class.of(layer).__name, t) end
  return t
end
