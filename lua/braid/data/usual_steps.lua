--- The default transforms of a loader: a cut, an augmentation, whitening.

local check <const> = require "braid.check"
local fit <const> = require "braid.data.fit"
local transforms <const> = require "braid.data.transforms"

-- The transforms that `augment` may name. They come after data.augment, in this order.
local COLOURS <const> = {"perspective", "elastic", "brightness", "contrast", "saturation", "hue",
  "gamma", "gray", "equalize", "blur", "noise", "jpeg", "cutout", "erase", "mixup",
  "cutmix"}
local AUGMENT <const> = check.declared["data.augment"]:called("data.loader: augment", (function()
  local changed <const> = {size = false, inner = false, filter = false}
  for _, name in ipairs(COLOURS) do changed[name] = check.any() end
  return changed
end)())

--- The default steps of a data set for pictures of `size` pixels a side (0: their own size).
-- `o` has data.loader's options augment and whiten.
return function(ds, o, size)
  local given <const> = o.augment or {}
  if given.size then check.fail("data.loader: size is an option beside augment, not in it") end
  local augment <const>, colours <const> = check.options(AUGMENT, given), {}
  for _, name in ipairs(COLOURS) do
    if augment[name] ~= nil then colours[#colours + 1] = transforms[name](augment[name]) end
    augment[name] = nil
  end
  local boxed <const> = fit.boxed(ds)
  augment.size = size > 0 and size or nil
  augment.inner = not boxed and ds.images and ds.inner or nil
  augment.filter = ds.images and "bilinear" or "area"
  local steps <const> = {transforms.augment(augment)}
  if boxed or not ds.images then
    table.insert(steps, 1, transforms.crop{by = boxed and "box" or "middle"})
  end
  table.move(colours, 1, #colours, #steps + 1, steps)
  if o.whiten then steps[#steps + 1] = transforms.whiten() end
  return steps
end
