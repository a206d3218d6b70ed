--- braid.save: a network as one .safetensors file, which braid.open opens; all else by the ending
-- of the file's name, as io/save.lua says.

local check <const> = require "braid.check"
local save <const> = require "braid.io.save"
local walk <const> = require "braid.nn.walk"

--- braid.save("dcnet.safetensors", net) keeps definition, options, tasks and values of a network
-- that braid.model or braid.open made; a third argument holds further metadata, strings by name.
-- braid.save("x.npy", tensor) and others keep values alone.
-- @return true
return function(path, value, metadata)
  check.path("save", path)
  if walk.is_module(value) then return require("braid.model.saved").write(path, value, metadata) end
  return save(path, value, metadata)
end
