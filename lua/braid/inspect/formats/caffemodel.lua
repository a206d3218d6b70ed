--- .caffemodel: the weights of a network of Caffe.

local caffemodel <const> = require "braid.io.caffemodel"
local check <const> = require "braid.check"
local words <const> = require "braid.inspect.words"

return {
  endings = {"caffemodel"},
  read = function(place)
    local layers <const>, why <const> = caffemodel.read(place.path)
    if not layers then return nil, why end
    local self <const> = {holds = "weights of Caffe", layers = {}, values = 0}
    for name, blobs in pairs(layers) do
      self.layers[name] = {}
      for i, t in ipairs(blobs) do
        self.layers[name][i] = {shape = t.shape, dtype = t.dtype}
        self.values = self.values + t:numel()
      end
    end
    return self
  end,
  lines = function(self, put)
    local names <const> = check.sorted_keys(self.layers)
    put("%s, %d values", words.count(#names, "layer"), self.values)
    for _, name in ipairs(names) do
      local blobs <const> = {}
      for i, t in ipairs(self.layers[name]) do
        blobs[i] = ("%s (%s)"):format(t.dtype, table.concat(t.shape, ", "))
      end
      put("  %s  %s", words.word(name), table.concat(blobs, ", "))
    end
  end,
}
