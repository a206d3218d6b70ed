--- The names of an ONNX file as paths of modules: layer1.0.conv1.weight is the weight of the module
-- layer1.0.conv1.

local Module <const> = require "braid.nn.module"

local M <const> = {}

local DEEPEST <const> = 32 -- parts of a path

-- A part of a path as the key of a field. A name that modules use themselves gets "_" at its end.
local function key_of(part)
  part = part:gsub("[^%w_]", "_")
  if part:find("^%d+$") and #part < 10 and tostring(math.tointeger(part)) == part then
    return math.tointeger(part)
  end
  if part == "" or Module[part] ~= nil or M.OWN[part] then return part .. "_" end
  return part
end

--- Fields of modules that no part of a path may have as its name.
M.OWN = {training = true, frozen = true, unsized = true, program = true, options = true,
  outputs = true, has_bias = true, kernel = true, channels = true, card = true}

--- The keys of a path such as "layer1.0.conv1" or "model/conv1/kernel:0".
function M.keys(path)
  local keys <const> = {}
  for part in path:gsub(":%d+$", ""):gmatch("[^./]+") do
    if #keys < DEEPEST then keys[#keys + 1] = key_of(part) end
  end
  return keys
end

--- The keys of an initializer's name, or nil if an exporter made the name up.
function M.of_initializer(name)
  if name:find("::", 1, true) or not name:find("%a") then return nil end
  local keys <const> = M.keys(name)
  return #keys > 1 and keys or nil
end

--- The keys of a node's module: its scope, or a name made of its operator and its number.
function M.of_node(node)
  if node.scope ~= "" then return M.keys(node.scope) end
  return {("%s_%d"):format(node.op:lower():gsub("[^%w_]", "_"), node.index)}
end

--- Keys as a path.
function M.path(keys) return table.concat(keys, ".") end

return M
