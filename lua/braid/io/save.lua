--- braid.save: a file by the ending of its name.
-- .safetensors takes a table of tensors by name; .png a uint8 tensor (c,h,w) or (h,w).
-- What was there before stays until the new file is whole.
-- @return true, or nil and a message

local core <const> = require "braid.core"

local function save_png(path, image)
  if not core.is_tensor(image) or image.dtype ~= "uint8" then
    error("save: a .png wants a uint8 tensor (c, h, w) or (h, w)", 3)
  end
  if image:dim() == 2 then image = image:unsqueeze(1) end
  if image:dim() ~= 3 then
    error(("save: a .png wants a uint8 tensor (c, h, w) or (h, w), not (%s)"):format(
      table.concat(image.shape, ", ")), 3)
  end
  return core.image_write(path, core.ops.contiguous_copy(image:permute(2, 3, 1)))
end

local WRITERS <const> = {
  safetensors = function(path, value) return require("braid.io.safetensors").write(path, value) end,
  png = save_png,
}

return function(path, value)
  local writer <const> = WRITERS[(path:match("%.(%w+)$") or ""):lower()]
  if not writer then error(("save: %s: files end in .safetensors or .png"):format(path), 2) end
  return writer(path, value)
end
