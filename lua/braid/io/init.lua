--- Files. io.safetensors is what io/safetensors.lua returns: found by its name.

return setmetatable({}, {__index = function(t, name)
  local path <const> = "braid.io." .. name
  if not package.searchpath(path, package.path) then return nil end
  local value <const> = require(path)
  rawset(t, name, value)
  return value
end})
