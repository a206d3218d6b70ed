--- ONNX's products of matrices.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local einsum <const> = require "braid.einsum"

local M <const> = {}

-- Whole numbers are multiplied as float64, which is exact below 2^53.
local function product(x, y)
  if x.dtype == "float32" or x.dtype == "float64" then return x:matmul(y) end
  return x:to("float64"):matmul(y:to("float64")):to(x.dtype)
end

M.MatMul = {2, function(_, x, y) return product(x, y) end}

M.Gemm = {2, function(a, x, y, c)
  if a.transA == 1 then x = x:t() end
  if a.transB == 1 then y = y:t() end
  local z = product(x, y)
  if a.alpha and a.alpha ~= 1 then z = z * a.alpha end
  if not c then return z end
  return z + (a.beta and a.beta ~= 1 and c * a.beta or c)
end}

M.Einsum = {1, function(a, ...)
  if not a.equation then check.fail("it has no equation") end
  return einsum((a.equation:gsub("%s", "")), ...)
end}

M.Det = {1, function(_, x)
  -- by expansion along the first row
  local n <const> = x:size(-1)
  local function minor(t, k)
    if k == 1 then return t:select(-1, 1):select(-1, 1) end
    local total
    for j = 1, k do
      local columns <const> = {}
      for c = 1, k do
        if c ~= j then columns[#columns + 1] = t:narrow(-1, c, 1) end
      end
      local part <const> = t:select(-1, j):select(-1, 1)
        * minor(core.ops.cat(columns, -1):narrow(-2, 2, k - 1), k - 1)
      total = not total and part or j % 2 == 1 and total + part or total - part
    end
    return total
  end
  if n > 5 or n ~= x:size(-2) then check.fail("a determinant of %d rows", n) end
  return minor(x, n)
end}

return M
