--- The network that a definition's text makes; its error is raised as it is.

local braid <const> = require "braid"
local shell <const> = require "spec.support.shell"

return function(text, options)
  local path <const> = os.tmpname()
  shell.write(path, text)
  local ok <const>, net <const> = pcall(braid.model, path, options or {})
  os.remove(path)
  if not ok then error(net, 0) end
  return net
end
