--- Functions made of operators, one file each: functional/glu.lua returns glu. They are fields of
-- braid.F, like the operators, and methods of tensors.

local core <const> = require "braid.core"
local folder <const> = require "braid.folder"

local M <const> = folder "braid.functional"

-- The file of a method is loaded at its first call.
local methods <const> = core.tensor_metatable.methods
for _, name in ipairs(folder.names(M)) do
  methods[name] = rawget(methods, name) or function(...) return M[name](...) end
end

return M
