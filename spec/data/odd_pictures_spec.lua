--- Tests that rare kinds of pictures are read: PNG of every depth and colour type, JPEG of every
-- kind. The expected sums of pixels are those that Pillow gives.

local file <const> = require "spec.support.file"
local pictures <const> = require "spec.support.odd_pictures"

-- The sum of all values, and the number of channels.
local function sum(name, bytes)
  local t <const> = assert(file.load(name, bytes))
  assert.equal("uint8", t.dtype)
  return t:sum():item(), t.shape[1]
end

describe("a PNG", function()
  local SUMS <const> = {gray1 = 12750, gray2 = 12750, gray4 = 12750, gray16 = 10869,
    rgb16 = 32541, ["gray-alpha"] = 17751, ["rgb-alpha16"] = 56215, palette1 = 64935,
    palette2 = 54835, palette4 = 48685, palette8 = 48685, ["gray8-key"] = 12850,
    ["rgb8-key"] = 39365}

  for name, wants in pairs(SUMS) do
    it(("of kind %s is read, interlaced or not"):format(name), function()
      local channels <const> = (name:find "gray") and 1 or 3
      for _, form in ipairs {"", "-interlaced"} do
        local got <const>, c <const> = sum("x.png", pictures.pngs[name .. form])
        assert.equal(wants, got)
        assert.equal(channels, c)
      end
    end)
  end

  it("is read with its transparent parts blended with white", function()
    local bytes <const> = pictures.png(3, 1, {bits = 8, colour = 3,
      palette = "\10\20\30\40\50\60\70\80\90", transparent = "\0\128"}, function(x) return x end)
    assert.same({{{255, 147, 70}}, {{255, 152, 80}}, {{255, 157, 90}}},
      assert(file.load("x.png", bytes)):totable())
  end)

  it("with an index beyond its palette gives an error message or a picture in colour", function()
    local bytes <const> = pictures.png(2, 1, {bits = 8, colour = 3, palette = "\1\2\3"},
      function(x) return x * 200 end)
    local t <const>, message <const> = file.load("x.png", bytes)
    assert.is_true(t and t.shape[1] == 3 or type(message) == "string")
  end)
end)

describe("a JPEG", function()
  for _, name in ipairs {"baseline", "progressive", "restarts"} do
    it(("of kind %s is read with one channel"):format(name), function()
      assert.same({8192, 1}, {sum("x.jpg", pictures.jpegs[name])})
    end)
  end

  for _, name in ipairs {"colour", "subsampled", "separate", "progressive-colour"} do
    it(("of kind %s is read with three channels"):format(name), function()
      assert.same({24576, 3}, {sum("x.jpg", pictures.jpegs[name])})
    end)
  end

  for _, name in ipairs {"cmyk", "ycck"} do
    it(("of kind %s is refused as a CMYK JPEG"):format(name), function()
      local t <const>, message <const> = file.load("x.jpg", pictures.jpegs[name])
      assert.is_nil(t)
      assert.equal("a CMYK JPEG; only gray and RGB can be read: convert it", message)
    end)
  end
end)
