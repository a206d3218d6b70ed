--- Finds the parts of a module: tensors and modules in fields, or in tables in fields.
--
-- Modules may share parts and refer to each other in circles, so every module and table is entered
-- once, at its first path. Two kinds of places are not searched: keys that are neither names nor
-- numbers, and objects of classes that are not modules. A module or a trained tensor in such a
-- place is an error. An object whose class has `apart = true` may have modules and tensors; they
-- are not parts of the network.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}

local classes <const> = setmetatable({}, {__mode = "k"}) -- known metatables of modules

--- Whether a value is a module.
function M.is_module(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  if type(meta) ~= "table" then return false end
  if classes[meta] then return true end
  classes[meta] = meta.is_module == true or nil
  return classes[meta] or false
end

--- Whether a value is a table of fields rather than an object.
function M.is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- Sorts keys: numbers in order, then names in order.
local function before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

local function is_field(key) return type(key) == "number" or type(key) == "string" end

--- The keys that are names or numbers, in order.
function M.fields(t)
  local keys <const> = {}
  for key in next, t do
    if is_field(key) then keys[#keys + 1] = key end
  end
  table.sort(keys, before)
  return keys
end

-- Whether a value is a module or a trained tensor, or has one somewhere inside.
local function holds_part(value, seen)
  if core.is_tensor(value) then return value.requires_grad end
  if M.is_module(value) then return true end
  if type(value) ~= "table" or seen[value] then return false end
  seen[value] = true
  local meta <const> = getmetatable(value)
  if type(meta) == "table" and meta.apart then return false end
  for key, inner in next, value do
    if holds_part(key, seen) or holds_part(inner, seen) then return true end
  end
  return false
end

-- Raises an error if a table has parts in places that are not searched.
local function check_places(t, prefix, owner)
  for key, value in next, t do
    local hidden <const> = type(value) == "table" and not M.is_module(value)
      and not M.is_plain(value)
    if hidden and holds_part(value, {}) then
      check.fail("%s: '%s%s' is an object with a metatable, in which no parameters are looked for; "
        .. "hold its parts in a plain table or in a class derived from nn.Module",
        getmetatable(owner).__name, prefix, tostring(key))
    elseif not is_field(key) and (holds_part(value, {}) or holds_part(key, {})) then
      check.fail("%s: '%s' holds a part under a key that is a %s; parts go by names or numbers",
        getmetatable(owner).__name, prefix == "" and "itself" or prefix:sub(1, -2), type(key))
    end
  end
end

--- Calls visit(path, value, owner, key, table) in order, for every submodule of `node` once, and
-- for every place of a tensor in them. `owner` is the module that has the value, and `table` the
-- table with its key. If visit returns true for a module, the module is not entered.
function M.walk(node, visit)
  local seen <const> = {[node] = true}
  local function enter(at, owner, prefix)
    check_places(at, prefix, owner)
    for _, key in ipairs(M.fields(at)) do
      local value <const> = at[key]
      if core.is_tensor(value) then
        visit(prefix .. key, value, owner, key, at)
      elseif type(value) == "table" and not seen[value] then
        if M.is_module(value) then
          seen[value] = true
          if not visit(prefix .. key, value, owner, key, at) then
            enter(value, value, prefix .. key .. ".")
          end
        elseif M.is_plain(value) then
          seen[value] = true
          enter(value, owner, prefix .. key .. ".")
        end
      end
    end
  end
  enter(node, node, "")
end

--- The paths and values for which `wanted(value, owner, key)` is true, each value once.
function M.collect(node, wanted)
  local paths <const>, values <const>, seen <const> = {}, {}, {}
  M.walk(node, function(path, value, owner, key)
    if seen[value] or not wanted(value, owner, key) then return end
    seen[value] = true
    paths[#paths + 1], values[#values + 1] = path, value
  end)
  return paths, values
end

--- The tensor at a path, or nil. If a tensor has several paths, each of them finds it.
function M.at(node, path)
  local value = node
  for key in path:gmatch("[^.]+") do
    if not (M.is_module(value) or M.is_plain(value)) then return nil end
    local named <const> = rawget(value, key)
    value = named == nil and rawget(value, math.tointeger(tonumber(key))) or named
  end
  return core.is_tensor(value) and value or nil
end

--- The type of a module's input: float64 if its tensors have that type, otherwise float32.
function M.dtype(node)
  local dtype = "float32"
  M.walk(node, function(_, value)
    if core.is_tensor(value) and value.dtype == "float64" then dtype = value.dtype end
  end)
  return dtype
end

return M
