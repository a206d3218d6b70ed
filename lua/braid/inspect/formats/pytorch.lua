--- .pth and .pt: tensors and other values that torch.save of PyTorch wrote.

local check <const> = require "braid.check"
local limits <const> = require "braid.limits"
local pth <const> = require "braid.io.pth"
local words <const> = require "braid.inspect.words"

local MAX_LINES <const> = 40
local LONGEST_PATH <const> = 1000

-- Adds a value under its path: a tensor to self.tensors, a number, text or boolean to self.others.
-- A table that stands in many places is listed at each of them, so the number of values is bounded.
local function add(self, path, value)
  self.count = self.count + 1
  local wrong <const> = limits.over("members", self.count, "names of values, or more")
    or #path > LONGEST_PATH and "the names of its values are too long"
  if wrong then return wrong end
  if type(value) ~= "table" then
    self.others[path] = value
    return
  end
  if getmetatable(value) == pth.Facts then
    self.names[#self.names + 1], self.tensors[path] = path, {shape = value.shape,
      dtype = value.dtype}
    local count = 1
    for _, n in ipairs(value.shape) do count = count * n end
    self.values = self.values + count
    return
  end
  local keys <const> = {}
  for key in pairs(value) do keys[#keys + 1] = key end
  table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
  for _, key in ipairs(keys) do
    local problem <const> = add(self, path == "" and tostring(key) or path .. "." .. tostring(key),
      value[key])
    if problem then return problem end
  end
end

local function lines(self, put)
  put("%s, %d values", words.count(#self.names, "tensor"), self.values)
  local left = MAX_LINES
  for i, name in ipairs(self.names) do
    if i > left and i < #self.names then
      put("  ... and %d more", #self.names - left)
      break
    end
    put(words.tensor(name == "" and "(without a name)" or name, self.tensors[name].dtype,
      self.tensors[name].shape))
  end
  for _, name in ipairs(check.sorted_keys(self.others)) do
    left = left - 1
    if left < 0 then
      put("  ... and further values")
      break
    end
    put("  %s: %s", words.word(name), words.word(tostring(self.others[name])))
  end
end

return {
  endings = {"pth", "pt"}, lines = lines,
  is = function(place) return (words.first_entry(place.head) or ""):find("/data%.pkl$") ~= nil end,
  read = function(place)
    local value <const>, why <const> = pth.facts(place.path)
    if why then return nil, why end
    local self <const> = {holds = "values of PyTorch", names = {}, tensors = {}, others = {},
      values = 0, count = 0}
    local wrong <const> = add(self, "", value)
    if wrong then return nil, ("%s: %s"):format(place.path, wrong) end
    self.count = nil
    table.sort(self.names)
    return self
  end,
}
