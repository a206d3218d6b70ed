--- Puts the layers and parameters of an imported network into modules within modules.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local nn <const> = require "braid.nn"

local M <const> = {}

--- A part of an imported network: the place of its layers and parameters.
local Group <const> = class("Group", nn.Module)

--- A group without parts.
function M.group() return Group() end

function Group:forward()
  check.fail("this is a part of an imported network, and runs only with it; nn.backbone(net, "
    .. "{at = {...}}) cuts a network into parts")
end

local function is_free(parent, key)
  return rawget(parent, key) == nil and getmetatable(parent)[key] == nil
end

-- The module at keys 1 .. n below the root. A module that is missing is made: a Group.
local function module_at(root, keys, n)
  local at = root
  for i = 1, n do
    local key = keys[i]
    while not nn.Module.is(rawget(at, key)) and not is_free(at, key) do key = key .. "_" end
    if not rawget(at, key) then at[key] = Group() end
    keys[i], at = key, at[key]
  end
  return at
end

local OWN <const> = {training = true, buffer_names = true}
-- Tensors that change what a layer computes as soon as it has them: other nodes' tensors of these
-- names must not come into it.
local USED <const> = {weight = true, bias = true}

-- Whether a layer can take the parts of a group that was made before it.
local function takes(layer, group)
  for name in next, group do
    if not OWN[name] and (USED[name] or not is_free(layer, name)) then return false end
  end
  return true
end

local function take(layer, group)
  for name, value in next, group do
    if group.buffer_names[name] then
      layer:buffer(name, value)
    elseif not OWN[name] then
      layer[name] = value
    end
  end
end

--- Puts a layer at its keys. Its name gets a number if another layer has that name.
function M.put_layer(root, keys, layer)
  local parent <const>, last <const> = module_at(root, keys, #keys - 1), keys[#keys]
  local key, n = last, 1
  while not is_free(parent, key) do
    local there <const> = rawget(parent, key)
    if there and getmetatable(there) == Group and takes(layer, there) then
      take(layer, there)
      break
    end
    n = n + 1
    key = ("%s_%d"):format(last, n)
  end
  keys[#keys] = key
  rawset(parent, key, layer)
  return keys
end

--- Puts a tensor into the module at keys 1 .. n - 1; returns {keys, key}.
function M.put_tensor(root, keys, t, trains)
  local parent <const> = module_at(root, keys, #keys - 1)
  local last <const> = keys[#keys]
  local key, n = last, 1
  while not is_free(parent, key) or USED[key] and getmetatable(parent) ~= Group
    and parent ~= root do
    n = n + 1
    key = ("%s_%d"):format(last, n)
  end
  if trains then
    parent[key] = nn.Module.parameter(t:contiguous())
  else
    parent:buffer(tostring(key), t)
  end
  keys[#keys] = nil
  return {keys = keys, key = trains and key or tostring(key)}
end

return M
