--- record(t, what): makes t a table of named fields, such as a sample or a batch. Printing it shows
-- what it holds. A misspelt field name raises an error; any other unknown name is nil.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local nearest <const> = require "braid.nearest"

local function shown(value)
  if core.is_tensor(value) then
    return ("%s (%s)"):format(value.dtype, table.concat(value.shape, ", "))
  end
  if type(value) == "string" then return ("%q"):format(value:sub(1, 60)) end
  if type(value) ~= "table" then return tostring(value) end
  local meta <const> = getmetatable(value)
  if meta and meta.__len then return ("%d sample%s"):format(#value, #value == 1 and "" or "s") end
  return meta and tostring(value) or check.shown(value)
end

local function text_of(what, t)
  local words <const> = {}
  for i, name in ipairs(check.sorted_keys(t)) do
    words[i] = ("%s %s"):format(name, shown(rawget(t, name)))
  end
  return ("%s: %s"):format(what, table.concat(words, ", "))
end

local function kind_of(what)
  local quiet <const> = {} -- unknown names that are not typing mistakes
  return {
    __name = what,
    __tostring = function(t) return text_of(what, t) end,
    __index = function(t, name)
      if type(name) ~= "string" or quiet[name] then return nil end
      local known <const> = {}
      for key in next, t do
        if type(key) == "string" then known[#known + 1] = key end
      end
      local right <const> = nearest.slip(name, known)
      if right then
        check.fail("a %s has no '%s'; did you mean %s?", what, name, right)
      end
      quiet[name] = true
      return nil
    end,
  }
end

local kinds <const> = {}

return function(t, what)
  kinds[what] = kinds[what] or kind_of(what)
  return setmetatable(t, kinds[what])
end
