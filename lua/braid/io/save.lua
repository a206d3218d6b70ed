--- braid.save: writes a file in the format that the ending of its name tells.
--
--   .npy           takes a tensor
--   .npz           takes a table of tensors by name
--   .safetensors   takes a table of tensors by name, and as a third argument metadata (strings by
--                  name)
--   .csv           takes a tensor (rows, columns) or (rows), or {header = {...}, data = tensor}
--   .png           takes a uint8 tensor (c,h,w) or (h,w)
-- The old file stays until the new one is complete. If the path is a link, the link stays; the file
-- that it leads to is replaced and keeps its mode. A value that cannot be written is an error.
-- @return true
-- @usage braid.save("x.npy", x)   braid.save("both.safetensors", {x = x, y = y})

local check <const> = require "braid.check"
local core <const> = require "braid.core"

local function save_png(path, image)
  local shaped <const> = core.is_tensor(image) and (image:dim() == 2 or image:dim() == 3)
  if not shaped or image.dtype ~= "uint8" then
    check.fail("save: a .png wants a uint8 tensor (c, h, w) or (h, w), not %s",
      core.is_tensor(image) and ("%s (%s)"):format(image.dtype, table.concat(image.shape, ", "))
        or "a " .. type(image))
  end
  if image:dim() == 2 then image = image:unsqueeze(1) end
  if image:size(1) < 1 or image:size(1) > 4 or image:numel() == 0 then
    check.fail("save: a .png wants 1 to 4 channels and some pixels, not (%s)",
      table.concat(image.shape, ", "))
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
  check.path("save", path)
  local ending <const> = (path:match("%.(%w+)$") or ""):lower()
  local writer <const> = WRITERS[ending]
  if not writer then
    check.fail("save: %s: files end in .safetensors, .npy, .npz, .csv or .png", path)
  end
  if metadata ~= nil and ending ~= "safetensors" then
    check.fail("save: .%s files have no metadata", ending)
  end
  local ok <const>, why <const> = writer(path, value, metadata)
  if not ok then check.fail("save: %s", why) end
  return true
end
