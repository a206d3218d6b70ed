--- crelu (Shang et al. 2016): relu(x) and relu(-x) joined along a dimension (the channels,
-- unless given), which doubles it.

local core <const> = require "braid.core"

return function(x, dim) return core.ops.cat({x:relu(), (-x):relu()}, dim or 2) end
