--- Data sets and the iteration over them. data.mtfl is what data/mtfl.lua returns: found
-- by name.

return setmetatable({}, {__index = function(t, name)
  local path <const> = "braid.data." .. name
  if not package.searchpath(path, package.path) then return nil end
  local value <const> = require(path)
  rawset(t, name, value)
  return value
end})
