--- Reads single samples of a data set, for ds[i] and ds:filter.

local core <const> = require "braid.core"
local named <const> = require "braid.data.named"

local M <const> = {}

--- The label of sample i, or nil if it is missing.
function M.label(self, name, i)
  local row <const> = self.labels[name][i]
  if row:dim() > 0 then
    local float <const> = row.dtype == "float32" or row.dtype == "float64"
    return (not float or row:eq(row):any():item()) and row or nil
  end
  local value <const> = row:item()
  if self.kinds[name] == "class" then return value ~= 0 and math.tointeger(value) or nil end
  return value == value and value or nil
end

--- The sample that a user's function makes (data.of); nothing for other data.
function M.made(self, i)
  return self.getter and self.getter:at(self.index and self.index[i]:item() or i) or {}
end

--- The numbers of the samples for which f(sample, i) is true. A field is read only when f uses it.
function M.chosen(self, f)
  local keep <const> = {}
  local at
  local look <const> = {__index = function(_, name)
    if self.labels[name] then return M.label(self, name, at) end
    if name == "image" or name == "path" or name == "box" then return (self[name](self, at)) end
    local input <const> = named.of(self)[name]
    return input and input[at] or M.made(self, at)[name]
  end}
  for i = 1, self.n do
    at = i
    local scope <close> = core.scope()
    if f(setmetatable({}, look), i) then keep[#keep + 1] = i end
    scope:close()
  end
  return keep
end

return M
