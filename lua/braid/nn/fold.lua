--- fold(conv, norm): weight and bias of the one convolution that a convolution and the batch
-- normalisation behind it come to, for evaluation without gradients. They are kept until a
-- tensor they are made of changes.

local core <const> = require "braid.core"

local kept <const> = setmetatable({}, {__mode = "k"})

-- Whether what is kept was made of the tensors that the two hold, as they are.
local function is_current(e, conv, norm)
  return e.eps == norm.eps and e.w == conv.weight and e.b == conv.bias
    and e.gamma == norm.weight and e.beta == norm.bias
    and e.mean == norm.running_mean and e.var == norm.running_var
    and e.version == core.version(e.w, e.b, e.gamma, e.beta, e.mean, e.var)
end

local function make(conv, norm)
  local e <const> = {eps = norm.eps, w = conv.weight, b = conv.bias, gamma = norm.weight,
    beta = norm.bias, mean = norm.running_mean, var = norm.running_var}
  e.version = core.version(e.w, e.b, e.gamma, e.beta, e.mean, e.var)
  local scale = (e.var:to("float64") + e.eps):rsqrt()
  if e.gamma then scale = scale * e.gamma end
  local shift = (e.b and e.b:to("float64") - e.mean or e.mean * -1.0) * scale
  if e.beta then shift = shift + e.beta end
  local weight <const> = e.w:to("float64") * scale:reshape(-1, 1, 1, 1)
  e.weight, e.bias = core.keep(weight:to(e.w.dtype)), core.keep(shift:to(e.w.dtype))
  return e
end

local M <const> = {}

function M.fold(conv, norm)
  local entry = kept[conv]
  if not entry or not is_current(entry, conv, norm) then
    entry = make(conv, norm)
    kept[conv] = entry
  end
  return entry.weight, entry.bias
end

--- Lets go of what was kept for a convolution that trains again.
function M.forget(conv) kept[conv] = nil end

return M
