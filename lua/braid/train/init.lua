--- What goes on around training. train.progress is what train/progress.lua returns.

return setmetatable({}, {__index = function(t, name)
  local path <const> = "braid.train." .. name
  if not package.searchpath(path, package.path) then return nil end
  local value <const> = require(path)
  rawset(t, name, value)
  return value
end})
