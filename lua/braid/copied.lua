--- copied(value, f): a deep copy of a value; tensors are replaced by f(tensor).

local core <const> = require "braid.core"

local function copied(value, f)
  if core.is_tensor(value) then return f(value) end
  if type(value) ~= "table" then return value end
  local copy <const> = {}
  for key, v in pairs(value) do copy[key] = copied(v, f) end
  return copy
end

return copied
