--- The element type that the core would give a result (csrc/tensor/dtype.c).

local M <const> = {}

local CATEGORY <const> = {bool = 1, uint8 = 2, int32 = 2, int64 = 2, float32 = 3, float64 = 3}
local WIDTH <const> = {bool = 1, uint8 = 1, int32 = 2, int64 = 3, float32 = 4, float64 = 5}

function M.is_float(dtype) return CATEGORY[dtype] == 3 end

--- The type itself, or float32 for a type that has no fractions.
function M.float_of(dtype) return M.is_float(dtype) and dtype or "float32" end

-- Tensors with dimensions win over tensors without, and both win over plain numbers.
local function priority(value)
  return value.number ~= nil and 1 or #value.shape == 0 and 2 or 3
end

--- The type in which several values (merge.lua) are compared.
function M.common(values)
  local best
  for _, value in ipairs(values) do
    local mine <const> = {CATEGORY[value.dtype], priority(value), WIDTH[value.dtype]}
    local wins = not best
    for i = 1, best and 3 or 0 do
      if mine[i] ~= best[i] then
        wins = mine[i] > best[i]
        break
      end
    end
    if wins then
      best = mine
      best.dtype = value.number ~= nil and value.dtype == "float64" and "float32" or value.dtype
    end
  end
  return best.dtype
end

return M
