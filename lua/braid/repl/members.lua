--- The members of a value by name, read without running the user's code. It calls an __index
-- function only if Braid's own folders and classes define it.

local class <const> = require "braid.class"
local core <const> = require "braid.core"
local folder <const> = require "braid.folder"

local M <const> = {}

local FIELDS <const> = {"shape", "dtype", "requires_grad", "grad", "grad_fn"} -- of a tensor
local DEPTH <const> = 20 -- the longest chain of tables, linked by __index, that is searched

-- Calls f(name, value) for the fields of a value and of the tables that its __index leads to.
local function plain_layers(value, f)
  for _ = 1, DEPTH do
    if type(value) ~= "table" then return end
    for name, member in next, value do f(name, member) end
    local meta <const> = debug.getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index")
  end
end

-- Calls f(name, member) for the methods of a class and of its parents.
local function methods(handle, f)
  while handle and class.is_class(handle) do
    -- pairs calls the __pairs of Braid's classes
    for name, member in pairs(handle) do f(name, member) end
    handle = handle.base
  end
end

local function each(value, f)
  if core.is_tensor(value) then
    for _, name in ipairs(FIELDS) do f(name, value[name]) end
    for name, member in next, core.tensor_metatable.methods do f(name, member) end
  elseif type(value) == "string" then
    plain_layers(string, f)
  elseif folder.is_named(value) then
    for _, name in ipairs(folder.names(value)) do f(name, nil) end
  elseif class.is_class(value) then
    methods(value, f)
  elseif class.of(value) then
    for name, member in class.fields(value) do f(name, member) end
    methods(class.of(value), function(name, member)
      if name ~= "init" then f(name, member) end -- only the class calls init
    end)
  elseif type(value) == "userdata" then
    local meta <const> = debug.getmetatable(value)
    plain_layers(type(meta) == "table" and rawget(meta, "__index"), f)
  else
    plain_layers(value, f)
  end
end

--- The members' names that can be written in Lua, sorted, without those that begin with "_".
function M.names(value)
  local set <const>, list <const> = {}, {}
  each(value, function(name)
    if type(name) == "string" and name:find("^%a[%w_]*$") and not set[name] then
      set[name] = true
      list[#list + 1] = name
    end
  end)
  table.sort(list)
  return list
end

--- The member of this name, or nil.
function M.get(value, wanted)
  if type(value) == "table" and folder.is_named(value) then
    local fine <const>, member <const> = pcall(folder.find, value, wanted)
    return fine and member or nil
  end
  local found
  each(value, function(name, member)
    if found == nil and rawequal(name, wanted) then found = member end
  end)
  return found
end

return M
