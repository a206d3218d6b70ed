--- Tensors of backbones by the names that they have there, whatever network holds them by now, and
-- whether they still are as they were first drawn.

local core <const> = require "braid.core"
local walk <const> = require "braid.nn.walk"

local M <const> = {}

-- By tensor: a list of {plan, name}, and the version of its memory when its backbone was made.
local known <const> = setmetatable({}, {__mode = "k"})

local function each_tensor(module, f)
  walk.walk(module, function(path, value, owner, key)
    if core.is_tensor(value) then f(path, value, owner.buffer_names[key]) end
  end)
end

--- Calls f(path, tensor, nil or what kind of buffer) for every tensor of a module.
M.each_tensor = each_tensor

--- Notes the tensors of a backbone that was just made of a plan.
function M.note(backbone, plan)
  each_tensor(backbone, function(name, t)
    local list <const> = known[t] or {}
    list[#list + 1], list.version = {plan = plan, name = name}, core.version(t)
    known[t] = list
  end)
end

--- The places {plan, name} that a tensor had in backbones when they were made.
function M.of(t) return known[t] or {} end

--- Takes the values there are for those first drawn.
function M.settle(backbone)
  each_tensor(backbone, function(_, t)
    if known[t] then known[t].version = core.version(t) end
  end)
end

--- Whether parameters of a backbone have been loaded, trained or set since they were drawn.
function M.is_changed(backbone)
  local changed = false
  each_tensor(backbone, function(_, t, buffer)
    local noted <const> = known[t]
    if not buffer and not (noted and noted.version == core.version(t)) then changed = true end
  end)
  return changed
end

return M
