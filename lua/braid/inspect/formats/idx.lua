--- IDX: the pictures and labels of MNIST, packed by gzip or not.

local files <const> = require "braid.io.files"
local idx <const> = require "braid.io.idx"

return {
  is = function(place)
    if place.head:find("^%z%z[\8-\14][\1-\4]") then return true end
    return place.path:find("idx%d[.-]ubyte%.gz$") ~= nil
  end,
  endings = {},
  read = function(place)
    local text <const>, why <const> = files.read(place.path, "elements")
    if not text then return nil, why end
    local self <const>, wrong <const> = idx.facts(text)
    if not self then return nil, ("%s: not a whole IDX file: %s"):format(place.path, wrong) end
    self.holds = #self.shape > 2 and "pictures of IDX" or "values of IDX"
    return self
  end,
  lines = function(self, put) put("  %s (%s)", self.dtype, table.concat(self.shape, ", ")) end,
}
