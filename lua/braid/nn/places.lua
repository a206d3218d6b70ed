--- Records the names that tensors have in their backbones, whatever network they are in now, and
-- whether they still have their first random values.

local core <const> = require "braid.core"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- The key is the tensor. The value is a list of {plan, name}, with the version of its memory when
-- its backbone was made.
local known <const> = setmetatable({}, {__mode = "k"})

local function each_tensor(module, f)
  walk.walk(module, function(path, value, owner, key)
    if core.is_tensor(value) then f(path, value, owner.buffer_names[key]) end
  end)
end

--- Calls f(path, tensor, kind) for every tensor of a module. kind is nil, or the kind of a buffer.
M.each_tensor = each_tensor

--- Records the tensors of a backbone that was just made from a plan.
function M.note(backbone, plan)
  each_tensor(backbone, function(name, t)
    local list <const> = known[t] or {}
    list[#list + 1], list.version = {plan = plan, name = name}, core.version(t)
    known[t] = list
  end)
end

--- The places {plan, name} that a tensor has in the backbones that it was made for.
function M.of(t) return known[t] or {} end

--- Makes the current values count as the first random ones.
function M.settle(backbone)
  each_tensor(backbone, function(_, t)
    if known[t] then known[t].version = core.version(t) end
  end)
end

--- Whether parameters of a backbone were loaded, trained or set since it was made.
function M.is_changed(backbone)
  local changed = false
  each_tensor(backbone, function(_, t, buffer)
    local noted <const> = known[t]
    if not buffer and not (noted and noted.version == core.version(t)) then changed = true end
  end)
  return changed
end

return M
