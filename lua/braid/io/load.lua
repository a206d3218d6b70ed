--- braid.load: a file by the ending of its name.
-- .safetensors gives a table of tensors by name; .png, .jpg and .jpeg give a uint8 tensor
-- (c,h,w).
-- @return the value, or nil and a message

local core <const> = require "braid.core"

local READERS <const> = {
  safetensors = function(path) return require("braid.io.safetensors").read(path) end,
  png = core.image_read, jpg = core.image_read, jpeg = core.image_read,
}

return function(path)
  local ending <const> = path:match("%.(%w+)$")
  local reader <const> = READERS[(ending or ""):lower()]
  if not reader then
    error(("load: %s: files end in .safetensors, .png, .jpg or .jpeg"):format(path), 2)
  end
  return reader(path)
end
