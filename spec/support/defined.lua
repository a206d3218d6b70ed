--- Builds the network of a definition that is given as text. Its error is raised unchanged.

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
