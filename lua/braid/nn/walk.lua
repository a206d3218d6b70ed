--- Finding what a module holds: tensors and modules in fields, or in tables in fields.

local core <const> = require "braid.core"

local M <const> = {}

--- Whether a value is a module.
function M.is_module(value)
  local meta <const> = type(value) == "table" and getmetatable(value)
  return meta and meta.is_module == true or false
end

--- Whether a value is a table of fields rather than an object.
function M.is_plain(value) return type(value) == "table" and getmetatable(value) == nil end

-- Numbers first, in order; then names, sorted.
local function before(a, b)
  if type(a) == type(b) then return a < b end
  return type(a) == "number"
end

--- The keys that are names or numbers, in order.
function M.fields(t)
  local keys <const> = {}
  for key in pairs(t) do
    if type(key) == "number" or type(key) == "string" then keys[#keys + 1] = key end
  end
  table.sort(keys, before)
  return keys
end

--- Calls visit(path, value, owner, key, table) for every tensor and module below `node`, in
-- order: `owner` is the module it belongs to, `table` what its key stands in. A module that
-- visit returns true for is not entered.
function M.walk(node, visit, owner, prefix)
  owner, prefix = owner or node, prefix or ""
  for _, key in ipairs(M.fields(node)) do
    local value <const> = node[key]
    local path <const> = prefix .. key
    if core.is_tensor(value) then
      visit(path, value, owner, key, node)
    elseif M.is_module(value) then
      local done <const> = visit(path, value, owner, key, node)
      if not done then M.walk(value, visit, value, path .. ".") end
    elseif M.is_plain(value) then
      M.walk(value, visit, owner, path .. ".")
    end
  end
end

--- Paths and values of all that `wanted(value, owner, key)` holds for, each value once.
function M.collect(node, wanted)
  local paths <const>, values <const>, seen <const> = {}, {}, {}
  M.walk(node, function(path, value, owner, key)
    if seen[value] or not wanted(value, owner, key) then return end
    seen[value] = true
    paths[#paths + 1], values[#values + 1] = path, value
  end)
  return paths, values
end

--- What a module takes: float64 where its tensors are, else float32.
function M.dtype(node)
  local dtype = "float32"
  M.walk(node, function(_, value)
    if core.is_tensor(value) and value.dtype == "float64" then dtype = value.dtype end
  end)
  return dtype
end

return M
