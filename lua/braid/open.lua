--- Networks from directories that net:save wrote.

local definition <const> = require "braid.definition"
local saved <const> = require "braid.saved"

--- The network that net:save(directory) wrote, and its tasks (nil when it had none); or nil
-- and a message. The definition runs in the same sandbox as any.
-- @usage local net, tasks = assert(braid.open("build/net"))
return function(directory)
  if type(directory) ~= "string" then
    error(("open: wants the path of a directory, not a %s"):format(type(directory)), 2)
  end
  return saved.open(directory, function(text, path, tasks, options)
    return definition.define(text, path, tasks, options, 2)
  end)
end
