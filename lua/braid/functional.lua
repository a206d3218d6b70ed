--- Functions for networks that are composed of operators: functional/glu.lua returns glu.
-- They are in braid.F beside the operators, and methods of tensors.

local core <const> = require "braid.core"
local folder <const> = require "braid.folder"

local M <const> = folder "braid.functional"

-- Methods read their file at the first call.
local methods <const> = core.tensor_metatable.methods
for _, name in ipairs(folder.names(M)) do
  methods[name] = rawget(methods, name) or function(...) return M[name](...) end
end

return M
