--- Functions for networks that are composed of operators: functional/glu.lua returns glu.
-- They are in braid.F beside the operators, and methods of tensors.

local core <const> = require "braid.core"

local M <const> = require "braid.folder" "braid.functional"

-- Methods read their file at the first call.
local METHODS <const> = {"affine_grid", "bilinear", "conv1d", "crelu", "dropout2d", "embedding",
  "global_avg_pool", "glu", "group_norm", "instance_norm", "interpolate", "layer_norm",
  "local_response_norm", "lp_pool2d", "normalize", "pixel_shuffle"}

local methods <const> = core.tensor_metatable.methods
for _, name in ipairs(METHODS) do
  methods[name] = methods[name] or function(...) return M[name](...) end
end

return M
