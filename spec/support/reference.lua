--- Plain references for the operators: loops over row-major arrays, written for clarity and not
-- for speed. An array is a list of numbers with its shape. Indices count from 1.

local M <const> = {}

-- ---- arrays ---------------------------------------------------------------------------

function M.count(shape)
  local n = 1
  for _, size in ipairs(shape) do n = n * size end
  return n
end

--- The array whose element at `index` is f(index), visited in row-major order.
function M.build(shape, f)
  local a <const>, index <const> = {shape = shape}, {}
  for d = 1, #shape do index[d] = 1 end
  for k = 1, M.count(shape) do
    a[k] = f(index)
    for d = #shape, 1, -1 do
      index[d] = index[d] + 1
      if index[d] <= shape[d] then break end
      index[d] = 1
    end
  end
  return a
end

--- The element at an index, which may have more dimensions than a; sizes of 1 repeat.
function M.at(a, index)
  local k, shift <const> = 0, #index - #a.shape
  for d, size in ipairs(a.shape) do
    k = k * size + (size == 1 and 0 or index[d + shift] - 1)
  end
  return a[k + 1]
end

local at <const>, build <const> = M.at, M.build

--- The shape that all the arrays broadcast to.
function M.broadcast(...)
  local shape = {}
  for _, a in ipairs({...}) do
    local wide <const> = {}
    local n <const> = math.max(#shape, #a.shape)
    for d = 1, n do
      local p <const> = shape[d - n + #shape] or 1
      local q <const> = a.shape[d - n + #a.shape] or 1
      wide[d] = p == 1 and q or p
    end
    shape = wide
  end
  return shape
end

--- Applies f element by element; plain numbers count as arrays.
function M.map(f, ...)
  local args <const> = {...}
  for i, a in ipairs(args) do
    if type(a) ~= "table" then args[i] = {shape = {}, a} end
  end
  return build(M.broadcast(table.unpack(args)), function(index)
    local v <const> = {}
    for i, a in ipairs(args) do v[i] = at(a, index) end
    return f(table.unpack(v))
  end)
end

--- Returns which dimensions are named. dims: nil for all, a number or a list, negative from the
-- end.
function M.named(dims, n)
  local set <const> = {}
  for d = 1, n do set[d] = dims == nil or (type(dims) == "table" and #dims == 0) end
  for _, d in ipairs(type(dims) == "table" and dims or {dims}) do
    set[d < 0 and n + 1 + d or d] = true
  end
  return set
end

--- Calls f(list of the values, list of their places) for each position that is kept.
function M.reduce(x, dims, keepdim, f)
  local reduced <const>, shape <const>, inner <const> = M.named(dims, #x.shape), {}, {}
  for d, size in ipairs(x.shape) do
    if not reduced[d] then shape[#shape + 1] = size
    elseif keepdim then shape[#shape + 1] = 1 end
    inner[d] = reduced[d] and size or 1
  end
  return build(shape, function(index)
    local values <const>, full, from = {}, {}, 0
    for d = 1, #x.shape do
      if keepdim or not reduced[d] then from = from + 1 end
      full[d] = reduced[d] and 0 or index[from] - 1
    end
    build(inner, function(i)
      local place <const> = {}
      for d = 1, #i do place[d] = full[d] + i[d] end
      values[#values + 1] = at(x, place)
    end)
    return f(values)
  end)
end

-- ---- functions of one number ----------------------------------------------------------

function M.expm1(x)
  if math.abs(x) > 1e-3 then return math.exp(x) - 1 end
  return x + x ^ 2 / 2 + x ^ 3 / 6 + x ^ 4 / 24 + x ^ 5 / 120
end

function M.log1p(x)
  if math.abs(x) > 1e-3 then return math.log(1 + x) end
  return x - x ^ 2 / 2 + x ^ 3 / 3 - x ^ 4 / 4 + x ^ 5 / 5
end

function M.tanh(x)
  if x ~= x then return x end
  if math.abs(x) > 20 then return x > 0 and 1.0 or -1.0 end
  local e <const> = M.expm1(2 * x)
  return e / (e + 2)
end

function M.sigmoid(x) return 1 / (1 + math.exp(-x)) end

function M.softplus(x) return math.max(x, 0) + M.log1p(math.exp(-math.abs(x))) end

--- Abramowitz and Stegun 7.1.6, whose terms all have one sign.
function M.erf(x)
  if x ~= x then return x end
  if math.abs(x) > 6 then return x > 0 and 1.0 or -1.0 end
  local term, sum = x, x
  for n = 1, 200 do
    term = term * 2 * x * x / (2 * n + 1)
    sum = sum + term
  end
  return 2 / math.sqrt(math.pi) * math.exp(-x * x) * sum
end

--- Halves go to the even neighbour.
function M.round(x)
  local low <const> = math.floor(x)
  local rest <const> = x - low
  if rest ~= rest or rest < 0.5 then return low + 0.0 end
  if rest > 0.5 then return low + 1.0 end
  return low % 2 == 0 and low + 0.0 or low + 1.0
end

function M.sign(x) return x > 0 and 1 or x < 0 and -1 or x ~= x and x or 0 end

function M.smaller(a, b) return (a ~= a or a < b) and a or b end
function M.larger(a, b) return (a ~= a or a > b) and a or b end

-- ---- reductions of one list -----------------------------------------------------------

function M.sum(v)
  local s = 0
  for _, x in ipairs(v) do s = s + (x == true and 1 or x or 0) end
  return s
end

function M.mean(v) return M.sum(v) / #v end

function M.prod(v)
  local p = 1
  for _, x in ipairs(v) do p = p * x end
  return p
end

function M.var(v, unbiased)
  local mean <const>, s = M.mean(v), 0
  for _, x in ipairs(v) do s = s + (x - mean) ^ 2 end
  local n <const> = #v - (unbiased and 1 or 0)
  return n > 0 and s / n or 0 / 0
end

--- The place of the first of the largest values; NaN counts as the largest.
function M.argmax(v)
  local best = 1
  for i, x in ipairs(v) do
    local top <const> = v[best]
    if x > top or (x ~= x and top == top) then best = i end
  end
  return best
end

function M.argmin(v)
  local best = 1
  for i, x in ipairs(v) do
    local top <const> = v[best]
    if x < top or (x ~= x and top == top) then best = i end
  end
  return best
end

-- ---- shapes ---------------------------------------------------------------------------

function M.reshape(x, shape)
  local y <const> = table.move(x, 1, #x, 1, {})
  y.shape = shape
  return y
end

function M.permute(x, order)
  local shape <const> = {}
  for d, from in ipairs(order) do shape[d] = x.shape[from] end
  return build(shape, function(index)
    local place <const> = {}
    for d, from in ipairs(order) do place[from] = index[d] end
    return at(x, place)
  end)
end

local function with(index, d, value)
  local copy <const> = table.move(index, 1, #index, 1, {})
  copy[d] = value
  return copy
end

function M.narrow(x, dim, start, length, step)
  return build(with(x.shape, dim, length), function(index)
    return at(x, with(index, dim, start + (index[dim] - 1) * step))
  end)
end

function M.cat(list, dim)
  local size = 0
  for _, a in ipairs(list) do size = size + a.shape[dim] end
  return build(with(list[1].shape, dim, size), function(index)
    local i, k = index[dim], 1
    while i > list[k].shape[dim] do
      i = i - list[k].shape[dim]
      k = k + 1
    end
    return at(list[k], with(index, dim, i))
  end)
end

function M.stack(list, dim)
  local shape <const> = table.move(list[1].shape, 1, #list[1].shape, 1, {})
  table.insert(shape, dim, #list)
  return build(shape, function(index)
    local place <const> = table.move(index, 1, #index, 1, {})
    table.remove(place, dim)
    return at(list[index[dim]], place)
  end)
end

function M.select(x, dim, i)
  local narrow <const> = M.narrow(x, dim, i, 1, 1)
  table.remove(narrow.shape, dim)
  return narrow
end

-- ---- products -------------------------------------------------------------------------

function M.matmul(a, b)
  local row <const>, column <const> = #a.shape == 1, #b.shape == 1
  if row then a = M.reshape(a, {1, a.shape[1]}) end
  if column then b = M.reshape(b, {b.shape[1], 1}) end
  local function batch(x) return {shape = table.move(x.shape, 1, #x.shape - 2, 1, {})} end
  local shape <const> = M.broadcast(batch(a), batch(b))
  local n <const>, inner <const> = #shape, a.shape[#a.shape]
  shape[n + 1], shape[n + 2] = a.shape[#a.shape - 1], b.shape[#b.shape]
  local y <const> = build(shape, function(index)
    local s = 0.0
    for k = 1, inner do
      s = s + at(a, with(index, n + 2, k)) * at(b, with(index, n + 1, k))
    end
    return s
  end)
  if column then table.remove(y.shape, n + 2) end
  if row then table.remove(y.shape, n + 1) end
  return y
end

-- ---- softmax and losses ---------------------------------------------------------------

function M.log_softmax(x, dim)
  if #x.shape == 0 then return {shape = {}, 0.0} end
  if dim < 0 then dim = #x.shape + 1 + dim end
  local log_sum <const> = M.reduce(x, dim, true, function(v)
    local top, s = -math.huge, 0
    for _, e in ipairs(v) do top = math.max(top, e) end
    for _, e in ipairs(v) do s = s + math.exp(e - top) end
    return top + math.log(s)
  end)
  return M.map(function(a, b) return a - b end, x, log_sum)
end

function M.softmax(x, dim) return M.map(math.exp, M.log_softmax(x, dim)) end

local function reduced(losses, divisor, reduction)
  if reduction == "none" then return losses end
  local s <const> = M.sum(losses)
  return {shape = {}, reduction == "sum" and s or (divisor == 0 and 0.0 or s / divisor)}
end

--- Labels count from 1. A label equal to o.ignore (default -100) is missing.
function M.cross_entropy(x, target, weight, o)
  o = o or {}
  local logp <const>, classes <const> = M.log_softmax(x, 2), x.shape[2]
  local smoothing <const>, divisor = o.label_smoothing or 0, 0
  local losses <const> = build(target.shape, function(index)
    local label <const>, loss = at(target, index), 0
    if label == (o.ignore or -100) then return 0.0 end
    local function w(j) return weight and weight[j] or 1 end
    local place <const> = table.move(index, 1, #index, 1, {})
    table.insert(place, 2, 0)
    for j = 1, classes do
      place[2] = j
      local share <const> = smoothing / classes + (j == label and 1 - smoothing or 0)
      loss = loss - share * w(j) * at(logp, place)
    end
    divisor = divisor + w(label)
    return loss
  end)
  return reduced(losses, divisor, o.reduction)
end

function M.mse(x, target, mask, o)
  local count = 0
  local losses <const> = build(x.shape, function(index)
    if mask and not at(mask, index) then return 0.0 end
    count = count + 1
    return (at(x, index) - at(target, index)) ^ 2
  end)
  return reduced(losses, count, o and o.reduction)
end

return M
