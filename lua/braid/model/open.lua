--- braid.open: reads a network from a file that braid.save(path, net) wrote.

local check <const> = require "braid.check"
local definition <const> = require "braid.model.definition"
local saved <const> = require "braid.model.saved"

--- Returns the network that braid.save(path, net) wrote, and its tasks (nil if it had none). A
-- faulty file raises an error. The definition in the file runs in the sandbox, like any other;
-- braid.inspect shows it without running it. The network is in training mode, and nothing in it is
-- frozen.
-- @usage
-- braid.save("net.safetensors", net)
-- local copy, its_tasks = braid.open("net.safetensors")
return function(path)
  check.path("open", path)
  return saved.read(path, definition.define)
end
