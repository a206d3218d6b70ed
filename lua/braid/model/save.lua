--- braid.save: writes a network as one .safetensors file, which braid.open reads. Other values are
-- written in the format that the file's ending names (io/save.lua).

local check <const> = require "braid.check"
local save <const> = require "braid.io.save"
local walk <const> = require "braid.nn.walk"

--- braid.save("dcnet.safetensors", net) writes the definition, options, tasks and values of a
-- network that braid.model or braid.open made. A third argument adds metadata, strings by name.
-- braid.save("x.npy", tensor) and the other formats write only values.
-- @treturn true
-- @usage braid.save("net.safetensors", net)   braid.save("x.npy", x)
return function(path, value, metadata)
  check.path("save", path)
  if walk.is_module(value) then return require("braid.model.saved").write(path, value, metadata) end
  return save(path, value, metadata)
end
