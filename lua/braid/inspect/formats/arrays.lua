--- .npz: tensors by name in a zip file.

local check <const> = require "braid.check"
local files <const> = require "braid.io.files"
local npy <const> = require "braid.io.npy"
local words <const> = require "braid.inspect.words"
local zip <const> = require "braid.io.zip"

local function parse(source)
  local self <const> = {holds = "tensors", names = {}, tensors = {}, left_out = {}, values = 0}
  local ok <const>, wrong <const> = zip.each(source, function(entry, bytes)
    local name <const> = entry:match("^(.+)%.npy$")
    local t, why = nil, "it is not a .npy file"
    if name then t, why = npy.facts(files.view(bytes, entry)) end
    if name and not t then return ("'%s': %s"):format(entry, why) end
    if not t or t.left_out then
      self.left_out[name or entry] = t and t.left_out or why
      return
    end
    self.names[#self.names + 1], self.values = name, self.values + t.values
    self.tensors[name] = {shape = t.shape, dtype = t.dtype}
  end)
  if not ok then return nil, wrong end
  return self
end

return {
  endings = {"npz"},
  is = function(place) return (words.first_entry(place.head) or ""):find("%.npy$") ~= nil end,
  read = function(place) return files.parsed(place.path, parse, ".npz") end,
  lines = function(self, put)
    put("%d tensors, %d values", #self.names, self.values)
    for _, name in ipairs(self.names) do
      put(words.tensor(name, self.tensors[name].dtype, self.tensors[name].shape))
    end
    for _, name in ipairs(check.sorted_keys(self.left_out)) do
      put("  %s: no tensor: %s", words.word(name), words.word(self.left_out[name]))
    end
  end,
}
