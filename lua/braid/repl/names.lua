--- The public names of Braid and the places where they are found. help searches them.
--
-- A name is {chain = {"braid", "F", "relu"}, value =, place = the table of names it is a field of,
-- method = whether tensors or the objects of a class have it as a method, class = that class}.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"
local methods <const> = require "braid.repl.methods"

local M <const> = {}

local function joined(chain, name)
  local longer <const> = table.move(chain, 1, #chain, 1, {})
  longer[#longer + 1] = name
  return longer
end

local function is_place(value) return type(value) == "table" and folder.is_named(value) end

-- A table of functions and nothing else, as some modules are.
local function is_plain(value)
  if type(value) ~= "table" or getmetatable(value) ~= nil then return false end
  for key, f in next, value do
    if type(key) ~= "string" or type(f) ~= "function" then return false end
  end
  return next(value) ~= nil
end

local function walk(place, chain, out, seen)
  if seen[place] then return end
  seen[place] = true
  local is_folder <const> = is_place(place)
  local list = is_folder and folder.names(place) or {}
  if not is_folder then
    for name in next, place do list[#list + 1] = name end
    table.sort(list)
  end
  local inner <const> = {}
  for _, name in ipairs(list) do
    local value <const> = place[name]
    local item <const> = {chain = joined(chain, name), value = value, place = place}
    out[#out + 1] = item
    if is_place(value) or is_plain(value) then inner[#inner + 1] = item end
  end
  for _, item in ipairs(inner) do walk(item.value, item.chain, out, seen) end
end

--- All names: the fields of braid, of its folders and of tables of functions; then the methods of
-- tensors that have no function of the same name.
function M.all()
  local out <const>, own <const>, functions <const> = {}, {}, {}
  walk(require "braid", {"braid"}, out, {})
  for _, item in ipairs(out) do functions[item.value] = true end
  for name, value in next, core.tensor_metatable.methods do
    if not functions[value] and not folder.find(require "braid".F, name) then
      own[#own + 1] = name
    end
  end
  table.sort(own)
  for _, name in ipairs(own) do
    out[#out + 1] = {chain = {"tensor", name}, method = true,
      value = core.tensor_metatable.methods[name]}
  end
  return out
end

--- The methods of public classes, as names {chain = {"braid", "nn", "Module", "predict"}, ...}.
function M.methods()
  local out <const>, seen <const> = {}, {}
  for _, item in ipairs(M.all()) do
    local handle <const> = item.value
    if class.is_class(handle) and not seen[handle] then
      seen[handle] = true
      for _, name in ipairs(methods.names(handle)) do
        out[#out + 1] = {chain = joined(item.chain, name), value = class.own(handle, name),
          method = true, class = handle}
      end
    end
  end
  return out
end

--- The chain by which help calls the value of a name: {"x", "relu"}, {"net", "predict"}.
function M.shown(item)
  if not item.method then return item.chain end
  return {item.class and methods.object(item.class) or "x", item.chain[#item.chain]}
end

-- Finds the name of a value among the fields of a place, then in the places below it.
local function find_in(place, chain, value, seen)
  if seen[place] then return nil end
  seen[place] = true
  for name, member in next, place do
    if rawequal(member, value) and type(name) == "string" then
      return {chain = joined(chain, name), value = value, place = place}
    end
  end
  for name, member in next, place do
    local found <const> = is_place(member) and find_in(member, joined(chain, name), value, seen)
    if found then return found end
  end
end

--- The public name of a value, or nil. Looks only at names that were used before, so it reads no
-- file.
function M.of(value)
  local kind <const> = type(value)
  if kind ~= "function" and not class.is_class(value) then return nil end
  local braid <const> = require "braid"
  local first <const> = find_in(braid, {"braid"}, value, {[braid.F] = true})
    or find_in(braid.F, {"braid", "F"}, value, {})
  if first or kind ~= "function" then return first end
  for handle in next, class.names() do
    for name, method in pairs(handle) do
      if rawequal(method, value) and type(name) == "string" then
        return {chain = {methods.object(handle), name}, value = value, method = true,
          class = handle}
      end
    end
  end
  for name, method in next, core.tensor_metatable.methods do
    if rawequal(method, value) then
      return {chain = {"tensor", name}, value = value, method = true}
    end
  end
end

return M
