--- PNG and JPEG. The whole picture is decoded, so that damage is found.

local core <const> = require "braid.core"

local NAMES <const> = {{"^\x89PNG\r\n\x1A\n", "PNG"}, {"^\xFF\xD8\xFF", "JPEG"}}

local function name_of(head)
  for _, row in ipairs(NAMES) do
    if head:find(row[1]) then return row[2] end
  end
end

return {
  endings = {"png", "jpg", "jpeg"}, is = function(place) return name_of(place.head) ~= nil end,
  read = function(place)
    local h <const>, w <const>, c <const> = core.image_probe(place.path)
    if not h then return nil, w end
    local stored <const>, why <const> = core.image_read(place.path, 0, true)
    if not stored then return nil, why end
    local shown <const> = core.image_read(place.path, 0)
    local turned <const> = shown:size(2) ~= h or shown:ne(stored):any():item()
    return {holds = "a picture", format = name_of(place.head), width = w, height = h, channels = c,
      turned = turned or nil, shape = shown.shape}
  end,
  lines = function(self, put)
    put("  %s, %d x %d pixels, %s%s", self.format, self.width, self.height,
      self.channels == 1 and "gray" or "colours", self.turned
        and "; its EXIF data turn or mirror it" or "")
    put("  read as uint8 (%s)", table.concat(self.shape, ", "))
  end,
}
