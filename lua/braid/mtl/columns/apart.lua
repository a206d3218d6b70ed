--- Maps that only their own column may use. If apart[i] is true, mixers give nothing of the i-th
-- column's map to the other columns. `apart` is nil if there is no such map.

local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

--- A list of maps xs[i] (n,c,...), in which 0 replaces maps that are apart.
function M.list(xs, apart)
  if not apart then return xs end
  local ys <const> = {}
  for i, x in ipairs(xs) do ys[i] = apart[i] and core.new(x.shape, x.dtype, 0) or x end
  return ys
end

--- As M.list, for the stacked maps x (n, T*c, ...) of `count` columns.
function M.braid(x, apart, count)
  if not apart then return x end
  local flags <const>, c <const> = {}, x:size(2) // count
  for k = 1, x:size(2) do flags[k] = apart[(k - 1) // c + 1] or false end
  local shape <const> = {1, x:size(2)}
  for d = 3, x:dim() do shape[d] = 1 end
  return ops.masked_fill(x, ops.reshape(core.from_table(flags, "bool"), shape), 0)
end

--- A mixer's weights alpha (rows*s*t*s) or (rows*s*t*s, c), with 0 in place of the weights by which
-- a column takes from another column that is apart. The rows belong to the columns from number
-- `first` on. Each column takes from t columns of s parts (default: 1).
function M.weights(alpha, apart, t, first, s)
  if not apart then return alpha end
  s = s or 1
  local flags <const> = {}
  for k = 0, alpha:size(1) - 1 do
    local i <const>, j <const> = first + k // (s * t * s), k // s % t + 1
    flags[k + 1] = i ~= j and apart[j] or false
  end
  local mask <const> = core.from_table(flags, "bool")
  return ops.masked_fill(alpha, alpha:dim() == 2 and ops.unsqueeze(mask, 2) or mask, 0)
end

return M
