--- braid.save: a file by the ending of its name.
-- .npy takes a tensor; .npz a table of tensors by name; .safetensors one, too, and as a
-- third argument metadata, strings by name; .csv a tensor (rows, columns) or (rows), or
-- {header = {...}, data = tensor}; .png a uint8 tensor (c,h,w) or (h,w).
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
  safetensors = function(...) return require("braid.io.safetensors").write(...) end,
  npy = function(...) return require("braid.io.npy").write(...) end,
  npz = function(...) return require("braid.io.npz").write(...) end,
  csv = function(...) return require("braid.io.csv").write(...) end,
  png = save_png,
}

return function(path, value, metadata)
  local ending <const> = (path:match("%.(%w+)$") or ""):lower()
  local writer <const> = WRITERS[ending]
  if not writer then
    error(("save: %s: files end in .safetensors, .npy, .npz, .csv or .png"):format(path), 2)
  end
  if metadata ~= nil and ending ~= "safetensors" then
    error(("save: .%s files have no metadata"):format(ending), 2)
  end
  return writer(path, value, metadata)
end
