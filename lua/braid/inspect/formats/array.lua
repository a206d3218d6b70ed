--- .npy: one tensor. Its values are not read.

local files <const> = require "braid.io.files"
local npy <const> = require "braid.io.npy"

return {
  endings = {"npy"}, is = function(place) return place.head:find("^\x93NUMPY") ~= nil end,
  read = function(place) return files.parsed(place.path, npy.facts, ".npy") end,
  lines = function(self, put)
    put("  %s (%s)%s", self.dtype, table.concat(self.shape, ", "),
      self.columns_first and ", columns first" or "")
    if self.left_out then put("no tensor: %s", self.left_out) end
  end,
}
