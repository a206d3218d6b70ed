--- Tests that pictures are turned upright by their EXIF orientation, in braid.load, data sets,
-- loaders and caches, against turns of a tensor.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local shell <const> = require "spec.support.shell"
local Dataset <const> = require "braid.data.dataset"
local data <const> = braid.data

-- A gray JPEG of 16 x 8 pixels, which grow brighter to the right and downwards.
local JPEG <const> = ("ffd8ffe000104a46494600010100000100010000ffdb0043000d090a0b0a080d0b0a0b0e"
  .. "0e0d0f13201513121213271c1e17202e2931302e292d2c333a4a3e333646372c2d405741464c4e525352323e"
  .. "5a615a50604a51524fffc0000b080008001001011100ffc40015000101000000000000000000000000000005"
  .. "06ffc40017100100030000000000000000000000000005002231ffda0008010100003f0024f372b2a0f372b3"
  .. "ffd9"):gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end)

-- Blocks of TIFF in either byte order, with another entry before the orientation.
local function tiff(orientation, big, kind)
  local o <const> = big and ">" or "<"
  return (big and "MM" or "II") .. string.pack(o .. "I2I4", 42, 8) .. string.pack(o .. "I2", 2)
    .. string.pack(o .. "I2I2I4I2I2", 0x0100, 3, 1, 7, 0)
    .. string.pack(o .. "I2I2I4I2I2", 0x0112, kind or 3, 1, orientation, 0)
    .. string.pack(o .. "I4", 0)
end

local function with_jpeg(block)
  return JPEG:sub(1, 20) .. "\xFF\xE1" .. string.pack(">I2", #block + 8) .. "Exif\0\0" .. block
    .. JPEG:sub(21)
end

local function with_png(png, block)
  local body <const> = "eXIf" .. block
  return png:sub(1, 33) .. string.pack(">I4", #block) .. body .. string.pack(">I4",
    core.crc32(body)) .. png:sub(34)
end

-- The eight turns of a picture (c,h,w), in the order of EXIF 2.3.
local TURNED <const> = {
  function(t) return t end,
  function(t) return t:flip(3) end,
  function(t) return t:flip{2, 3} end,
  function(t) return t:flip(2) end,
  function(t) return t:permute(1, 3, 2) end,
  function(t) return t:permute(1, 3, 2):flip(3) end,
  function(t) return t:permute(1, 3, 2):flip{2, 3} end,
  function(t) return t:permute(1, 3, 2):flip(2) end,
}

local STORED <const> = braid.randint(0, 255, {3, 4, 6}):to("uint8")
local PNG <const> = file.saved("t.png", STORED)

describe("the EXIF orientation of a picture", function()
  for o = 1, 8 do
    it(("is applied if it is %d, and ignored with orientation = false"):format(o), function()
      for _, big in ipairs{true, false} do
        local bytes <const> = with_png(PNG, tiff(o, big))
        assert.same(TURNED[o](STORED):totable(), file.load("t.png", bytes):totable())
        assert.same(STORED:totable(), file.load("t.png", bytes, {orientation = false}):totable())
        local plain <const> = file.load("t.jpg", JPEG)
        assert.same(TURNED[o](plain):totable(),
          file.load("t.jpg", with_jpeg(tiff(o, big))):totable())
        assert.same(plain:totable(),
          file.load("t.jpeg", with_jpeg(tiff(o, big)), {orientation = false}):totable())
      end
    end)
  end

  it("is taken as 1 if it is invalid or damaged", function()
    for _, block in ipairs{tiff(0), tiff(9), tiff(6, true, 4), "", "II*\0", "II*\0\255\255\255\255",
      "MM\0*\0\0\0\8\255\255", tiff(6):sub(1, 20), ("x"):rep(30)} do
      assert.same(STORED:totable(), file.load("t.png", with_png(PNG, block)):totable())
      assert.same({1, 8, 16}, file.load("t.jpg", with_jpeg(block)).shape)
    end
    for n = 0, #tiff(6) do
      file.load("t.png", with_png(PNG, tiff(6):sub(1, n)))
      file.load("t.jpg", with_jpeg(tiff(6):sub(1, n)))
    end
  end)

  it("is applied by data sets, loaders and caches; points refer to the upright picture", function()
    shell.in_directory(function(dir)
      os.execute(("mkdir %s/a"):format(dir))
      shell.write(dir .. "/a/t.png", with_png(PNG, tiff(6)))
      local upright <const>, stored <const> = data.images(dir).train,
        data.images(dir, {orientation = false}).train
      assert.same({3, 6, 4}, upright[1].image.shape)
      assert.same({3, 4, 6}, stored[1].image.shape)
      assert.same({3, 6, 4}, upright:subset(1, 1)[1].image.shape)
      assert.same({3, 4, 6}, stored:subset{1, 1}[2].image.shape)
      for _, cache in ipairs{false, dir .. "/cache", dir .. "/cache"} do
        local o <const> = {batch = 1, transforms = {data.resize(6, 4, {filter = "bilinear"})},
          cache = cache or nil}
        assert.same(TURNED[6](STORED):to("float32"):totable(),
          data.loader(upright, o)().image[1]:totable())
        o.transforms = {data.resize(4, 6, {filter = "bilinear"})}
        assert.same(STORED:to("float32"):totable(), data.loader(stored, o)().image[1]:totable())
      end
      -- A point on the top left pixel of the turned picture stays there.
      local ds <const> = Dataset{files = {"a/t.png"}, root = dir,
        labels = {landmarks = braid.tensor{{{0, 0}}}}}
      local batch <const> = data.loader(ds, {batch = 1, transforms = {data.resize(6, 4)}})()
      assert.near(-0.75, batch.landmarks[{1, 1, 1}]:item(), 1e-6)
      assert.near(-5 / 6, batch.landmarks[{1, 1, 2}]:item(), 1e-6)
    end)
  end)
end)
