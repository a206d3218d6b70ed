--- Vectors (lists of T numbers) and small matrices (lists of T rows) in double precision, and
-- optimization programs over weights.

local core <const> = require "braid.core"
local ops <const> = core.ops

local M <const> = {}

local function tensor(values) return core.from_table(values, "float64") end
M.tensor = tensor

function M.dot(a, b)
  local sum = 0.0
  for i, x in ipairs(a) do sum = sum + x * b[i] end
  return sum
end

--- The product of matrix m and vector v.
function M.times(m, v)
  local out <const> = {}
  for i = 1, #v do out[i] = M.dot(v, m[i]) end
  return out
end

function M.sum(v)
  local sum = 0.0
  for _, x in ipairs(v) do sum = sum + x end
  return sum
end

--- A list of f(v_i, i).
function M.map(v, f)
  local out <const> = {}
  for i, x in ipairs(v) do out[i] = f(x, i) end
  return out
end

--- v multiplied by the number s.
function M.scaled(v, s) return M.map(v, function(x) return x * s end) end

--- The lengths of the gradients, from their Gram matrix m.
function M.lengths(m)
  local out <const> = {}
  for i = 1, #m do out[i] = math.sqrt(math.max(m[i][i], 0)) end
  return out
end

--- A matrix of m_ij f(i, j).
function M.each(m, f)
  local out <const> = {}
  for i = 1, #m do
    out[i] = {}
    for j = 1, #m do out[i][j] = m[i][j] * f(i, j) end
  end
  return out
end

function M.trace(m)
  local sum = 0.0
  for i = 1, #m do sum = sum + m[i][i] end
  return sum
end

function M.softmax(v)
  local top <const> = math.max(table.unpack(v))
  local e <const> = M.map(v, function(x) return math.exp(x - top) end)
  return M.scaled(e, 1 / M.sum(e))
end

--- The point of the simplex nearest to v (Wang and Carreira-Perpinan 2013, algorithm 1).
function M.onto_simplex(v)
  local sorted <const> = table.move(v, 1, #v, 1, {})
  table.sort(sorted, function(a, b) return a > b end)
  local sum, shift = 0.0, 0.0
  for i, x in ipairs(sorted) do
    sum = sum + x
    if x + (1 - sum) / i > 0 then shift = (1 - sum) / i end
  end
  return M.map(v, function(x) return math.max(x + shift, 0) end)
end

--- The eigenvalues in rising order, and a list of eigenvectors.
function M.eigen(m)
  local values <const>, vectors <const> = ops.eigh(tensor(m))
  return values:totable(), ops.transpose(vectors, 1, 2):contiguous():totable()
end

--- sum_k f(lambda_k) u_k u_k' v over the eigenvalues above `least` times the largest eigenvalue;
-- and the number of these eigenvalues.
function M.by_eigen(m, v, least, f)
  local values <const>, vectors <const> = M.eigen(m)
  local out <const>, rank = M.scaled(v, 0), 0
  for k, value in ipairs(values) do
    if value > least * values[#values] and value > 0 then
      local share <const> = f(value) * M.dot(vectors[k], v)
      for i = 1, #v do out[i] = out[i] + share * vectors[k][i] end
      rank = rank + 1
    end
  end
  return out, rank
end

--- The pseudoinverse of m times v, and the rank of m.
function M.solve(m, v)
  return M.by_eigen(m, v, #v * 2.2e-16, function(value) return 1 / value end)
end

--- For each q, the x >= 0 with the least x' m x / 2 + q' x.
function M.nonnegative(m, qs) return ops.nonnegative_program(tensor(m), tensor(qs)):totable() end

--- The x >= 0 of sum 1 with the least x' m x / 2 + q' x; q may be left out.
function M.simplex(m, q)
  return ops.simplex_program(tensor(m), q and tensor(q) or nil):totable()
end

--- The w > 0 with m w = w ^ -power, and 0 for rows of zeros.
function M.fair(m, power) return ops.fair_program(tensor(m), power):totable() end

return M
