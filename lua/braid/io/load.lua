--- braid.load: reads a file in the format that the ending of its name tells.
--
--   .npy           gives a tensor
--   .npz           gives a table of tensors by name, and as a second value {name = reason} for the
--                  entries that are not tensors
--   .safetensors   gives a table of tensors by name, and as a second value the metadata, strings by
--                  name
--   .caffemodel    gives the weights of Caffe's layers, {layer = {tensor, ...}}
--   .pth, .pt      give the value that PyTorch's torch.save wrote: a tensor, or tables of tensors,
--                  numbers, texts and booleans by name ({state_dict = {...}, epoch = 3}). Lists and
--                  tuples are lists; None is nil, and a list with None in it has its length in n.
--                  No code in the file runs: a file that needs anything else is refused
--   .png, .jpg, .jpeg   give a uint8 tensor (c,h,w), turned as the EXIF data say; {orientation =
--                  false} as second argument leaves it unturned
--   .csv           gives {header = {...} or nil, data = float64 (rows, columns)}; {header = true or
--                  false} tells whether the first row is a header, {decimal = ","} sets the decimal
--                  sign
-- A file that cannot be read is an error.
-- @treturn any a tensor, or tensors by name
-- @usage
-- braid.save("x.npy", x)
-- braid.load("x.npy")

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local files <const> = require "braid.io.files"

-- The readers. They are called with the arguments of braid.load.
local PICTURE <const> = check.declare("load", {orientation = check.flag(true)})
local function image(path, options)
  return core.image_read(path, 0, not check.options(PICTURE, options).orientation)
end
local function later(module)
  return function(path, options) return require(module).read(path, options) end
end

local READERS <const> = {
  npy = later "braid.io.npy", npz = later "braid.io.npz", csv = later "braid.io.csv",
  safetensors = later "braid.io.safetensors", pth = later "braid.io.pth",
  pt = later "braid.io.pth", caffemodel = later "braid.io.caffemodel",
  png = image, jpg = image, jpeg = image,
}

return function(path, options)
  check.path("load", path)
  local ending <const> = (path:match("%.(%w+)$") or ""):lower()
  local reader <const> = READERS[ending]
  if not reader then
    check.fail("load: %s: files end in .safetensors, .npy, .npz, .csv, .caffemodel, .pth, .pt, "
      .. ".png, .jpg or .jpeg", path)
  end
  if options ~= nil and ending ~= "csv" and reader ~= image then
    check.fail("load: there are no options for .%s files", ending)
  end
  local value <const>, more <const> = reader(path, options)
  if value == nil then check.fail("load: %s%s", more, files.hint(path)) end
  return value, more
end
