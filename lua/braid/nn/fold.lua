--- fold(conv, norm): weight and bias of the one convolution that a convolution and the batch
-- normalisation behind it come to, for evaluation without gradients. They are kept until a
-- tensor they are made of changes.

local core <const> = require "braid.core"

local kept <const> = setmetatable({}, {__mode = "k"})

-- The tensors that the two are made of, false where one is missing.
local function parts_of(conv, norm)
  return {conv.weight, conv.bias or false, norm.weight or false, norm.bias or false,
    norm.running_mean, norm.running_var}
end

local function is_current(entry, parts, eps)
  if not entry or entry.eps ~= eps then return false end
  for i, t in ipairs(parts) do
    if entry.parts[i] ~= t or (t and entry.versions[i] ~= core.version(t)) then return false end
  end
  return true
end

local function make(parts, eps)
  local w <const>, b <const>, gamma <const>, beta <const>, mean <const>, var <const> =
    table.unpack(parts)
  local scale = (var:to("float64") + eps):rsqrt()
  if gamma then scale = scale * gamma end
  local shift = (b and b:to("float64") - mean or mean * -1.0) * scale
  if beta then shift = shift + beta end
  local weight <const> = w:to("float64") * scale:reshape(-1, 1, 1, 1)
  return core.keep(weight:to(w.dtype)), core.keep(shift:to(w.dtype))
end

local M <const> = {}

function M.fold(conv, norm)
  local parts <const>, entry = parts_of(conv, norm), kept[conv]
  if not is_current(entry, parts, norm.eps) then
    entry = {parts = parts, versions = {}, eps = norm.eps}
    for i, t in ipairs(parts) do entry.versions[i] = t and core.version(t) end
    entry.weight, entry.bias = make(parts, norm.eps)
    kept[conv] = entry
  end
  return entry.weight, entry.bias
end

--- Lets go of what was kept for a convolution that trains again.
function M.forget(conv) kept[conv] = nil end

return M
