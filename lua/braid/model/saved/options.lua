--- Converts the options of a definition to plain values, and back. A mixer among the options, such
-- as mtl.nddr{}, becomes its name and options.

local check <const> = require "braid.check"
local Mixer <const> = require "braid.mtl.mixer"

local M <const> = {}

local MARK <const>, LONGEST_NAME <const> = "mtl.mixer", 100

-- The constructor of the mixer with this name, or nil.
local function maker(name)
  if type(name) ~= "string" or #name > LONGEST_NAME or not name:find("^%l[%l%d_]*$") then
    return nil
  end
  local ok <const>, make <const> = pcall(require, "braid.mtl.mixers." .. name)
  return ok and type(make) == "function" and make or nil
end

-- A mixer as a plain table, or nil if the value is not one of mtl's mixers.
local function described(recipe)
  local kind <const> = recipe.kind
  local make <const> = maker(kind.__name)
  if not make or make().kind ~= kind then return nil end
  local options <const> = {}
  for key, value in pairs(recipe.options) do options[key] = value end
  return {[MARK] = kind.__name, options = options}
end

-- Copies a value; f(t) replaces a table unless it is nil. `copies` maps tables to their copies.
local function copied(value, f, copies)
  if type(value) ~= "table" then return value end
  if copies[value] then return copies[value] end
  local other <const> = f(value)
  if other ~= nil then return other end
  if getmetatable(value) ~= nil then return value end
  local copy <const> = {}
  copies[value] = copy
  for key, part in pairs(value) do copy[key] = copied(part, f, copies) end
  return copy
end

--- Options as plain values, as far as possible.
function M.described(options)
  return copied(options, function(t) return Mixer.is_recipe(t) and described(t) or nil end, {})
end

--- Rebuilds options from the result of M.described. A mixer that cannot be made is an error.
function M.made(options)
  return copied(options, function(t)
    local name <const> = getmetatable(t) == nil and t[MARK]
    if not name then return nil end
    local make <const> = maker(name)
    if not make then
      check.fail("its options name a mixer of an unknown kind: %s", check.shown(name))
    end
    return make(t.options)
  end, {})
end

return M
