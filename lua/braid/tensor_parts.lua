--- Functions of tensors that are made of operators: parts, selection, products, with PyTorch's
-- names. Each is a method and a function of `braid`.

local core <const> = require "braid.core"
local check <const> = require "braid.check"

local M <const> = {}
local ops <const> = core.ops
local INDEX_ADD <const> = check.declare("index_add", {alpha = check.number(1)})
local ADDMM <const> = check.declare("addmm", {beta = check.number(1), alpha = check.number(1)})

-- The sizes of t. Raises an error if t is not a tensor.
local function shape_of(t) return core.dim(t) and t.shape end

local function shape_text(t) return "(" .. table.concat(t.shape, ", ") .. ")" end

-- The dimension, counted from 1. Raises an error if t lacks it.
local function dimension(name, t, dim)
  local n <const> = core.dim(t)
  if math.type(dim) ~= "integer" or dim == 0 or dim > n or dim < -n then
    check.fail("%s: there is no dimension %s in a tensor of %d", name, tostring(dim), n)
  end
  return dim < 0 and n + 1 + dim or dim
end

local function need_dims(name, what, t, n)
  if not core.is_tensor(t) then
    check.fail("%s: %s must be a tensor, not %s", name, what, type(t))
  end
  if t:dim() ~= n then
    check.fail("%s: %s must have %d dimension%s, not the shape %s", name, what, n,
      n == 1 and "" or "s", shape_text(t))
  end
end

-- ---- parts ----------------------------------------------------------------------------

local MAX_PIECES <const> = 100000 -- a call cannot return many more values

local function check_pieces(name, n)
  if n > MAX_PIECES then
    check.fail("%s: %d pieces are more than the %d that a call may return", name, n, MAX_PIECES)
  end
end

local function pieces(t, dim, sizes)
  local parts <const>, at = {}, 1
  for i, size in ipairs(sizes) do
    parts[i] = ops.narrow(t, dim, at, size)
    at = at + size
  end
  return parts
end

--- Splits t into views along a dimension (default: the first). `size` is the length of each (the
-- last may be shorter), or a table of lengths.
-- @treturn Tensor[]
-- @usage local a, b = braid.arange(5):split {2, 3}
function M.split(t, size, dim)
  dim = dimension("split", t, dim or 1)
  local n <const>, sizes, total = t.shape[dim], {}, 0
  if type(size) == "table" then
    sizes = size
    check_pieces("split", #sizes)
    for i, s in ipairs(sizes) do
      if math.type(s) ~= "integer" or s < 0 or s > n then
        check.fail("split: size %d must be a whole number from 0 to %d, not %s", i, n,
          check.shown(s))
      end
      total = total + s
    end
    if total ~= n then
      check.fail("split: the sizes add up to %s, dimension %d of %s has %d", total, dim,
        shape_text(t), n)
    end
  elseif math.type(size) ~= "integer" or size < 1 then
    check.fail("split: size must be an integer from 1 or a table, not %s", tostring(size))
  else
    check_pieces("split", (n - 1) // size + 1)
    for at = 0, math.max(n - 1, 0), size do sizes[#sizes + 1] = math.min(size, n - at) end
  end
  local parts <const> = pieces(t, dim, sizes)
  return table.unpack(parts)
end

--- Splits t into at most n views of the same size; the last may be smaller.
-- @treturn Tensor[]
-- @usage local left, right = images:chunk(2, 4)
function M.chunk(t, n, dim)
  dim = dimension("chunk", t, dim or 1)
  if math.type(n) ~= "integer" or n < 1 then
    check.fail("chunk: n must be an integer from 1, not %s", tostring(n))
  end
  local size <const>, sizes <const> = t.shape[dim], {}
  check_pieces("chunk", size == 0 and n or math.min(n, size))
  if size == 0 then
    for i = 1, n do sizes[i] = 0 end
  else
    local each <const> = (size - 1) // n + 1
    for at = 0, size - 1, each do sizes[#sizes + 1] = math.min(each, size - at) end
  end
  local parts <const> = pieces(t, dim, sizes)
  return table.unpack(parts)
end

-- ---- selection ------------------------------------------------------------------------

--- Adds slices: x (..., n, ...) plus alpha (default 1) times the k slices of src (..., k, ...). The
-- tensor index (k) says where each slice is added.
-- @usage x:index_add(2, labels, braid.ones(2, 2))
function M.index_add(x, dim, index, src, given)
  dim = dimension("index_add", x, dim)
  need_dims("index_add", "index", index, 1)
  need_dims("index_add", "src", src, x:dim())
  if src.shape[dim] ~= index.shape[1] then
    check.fail("index_add: src %s must have one slice of %s for each of %d indices",
      shape_text(src), shape_text(x), index.shape[1])
  end
  for d, size in ipairs(src.shape) do
    if d ~= dim and size ~= x.shape[d] then
      check.fail("index_add: src %s and x %s differ in dimension %d", shape_text(src),
        shape_text(x), d)
    end
  end
  local alpha <const>, shape <const> = check.options(INDEX_ADD, given).alpha, {}
  for d = 1, x:dim() do shape[d] = d == dim and index.shape[1] or 1 end
  return ops.scatter_add(x, dim, ops.expand(ops.reshape(index, shape), src.shape),
    alpha == 1 and src or ops.mul(src, alpha))
end

--- Does index_add in place.
-- @usage x:index_add_(2, labels, braid.ones(2, 2), {alpha = -1})
function M.index_add_(x, dim, index, src, given)
  return (ops.copy_(x, M.index_add(ops.clone(x), dim, index, src, given)))
end

--- The elements of x at the places in index (...), which count in row-major order from 1 -> (...).
-- @usage x:take(labels)
function M.take(x, index)
  return (ops.reshape(ops.gather(ops.reshape(x, -1), 1, ops.reshape(index, -1)), index.shape))
end

--- The places of elements that are not 0 -> (k, dimensions), in row-major order. A row has the
-- element's index in each dimension.
-- @usage local rows = x:gt(0):nonzero():select(2, 1)
function M.nonzero(x)
  local shape <const>, columns <const> = shape_of(x), {}
  local flat <const> = ops.reshape(ops.ne(x, 0), -1)
  local ladder <const> = core.new({x:numel()}, "int64", 1)
  local at = ops.sub(ops.masked_select(ops.cumsum(ladder, 1), flat), 1)
  for d = #shape, 1, -1 do
    columns[d] = ops.add(ops.mod(at, shape[d]), 1)
    at = ops.floordiv(at, shape[d])
  end
  if #shape == 0 then return core.new({at:numel(), 0}, "int64") end
  return (ops.stack(columns, 2))
end

--- The indices that sort x along a dimension (default: the last) -> (..., n, ...).
-- @usage x:argsort()   x:argsort{descending = true}
function M.argsort(x, ...)
  local _ <const>, indices <const> = ops.sort(x, ...)
  return indices
end

--- Turns labels (...), which count from 1, into (..., n) of int64 with a 1 at the label. A label of
-- 0 gives zeros. The default of n is the largest label.
-- @usage labels:one_hot(4)
function M.one_hot(labels, n)
  core.dim(labels)
  if labels.dtype == "float32" or labels.dtype == "float64" or labels.dtype == "bool" then
    check.fail("one_hot: labels must be integers, not %s", labels.dtype)
  end
  local some <const> = labels:numel() > 0
  local largest <const> = some and labels:max():item() or 0
  local least <const> = some and labels:min():item() or 0
  if n == nil and not some then
    check.fail("one_hot: n is needed for an empty tensor of labels")
  end
  n = n or largest
  if math.type(n) ~= "integer" or least < 0 or largest > n then
    check.fail("one_hot: labels must be from 0 (none) to n = %s, these are from %d to %d",
      tostring(n), least, largest)
  end
  local shape <const>, column <const> = labels.shape, ops.reshape(ops.to(labels, "int64"), -1, 1)
  shape[#shape + 1] = n
  local y <const> = core.new({column:numel(), n}, "int64", 0)
  if y:numel() > 0 then
    -- A missing label writes a 0, so its place does not matter.
    ops.scatter_(y, 2, ops.clamp(column, 1), ops.to(ops.ge(column, 1), "int64"))
  end
  return (ops.reshape(y, shape))
end

-- ---- products -------------------------------------------------------------------------

--- Matrix product (m, k) (k, n) -> (m, n).
-- @usage braid.mm(x, y:t())
function M.mm(a, b)
  need_dims("mm", "a", a, 2)
  need_dims("mm", "b", b, 2)
  return (ops.matmul(a, b))
end

--- Products of the matrices of two batches, (b, m, k) (b, k, n) -> (b, m, n).
-- @usage braid.bmm(braid.rand(4, 2, 3), braid.rand(4, 3, 5)).shape
function M.bmm(a, b)
  need_dims("bmm", "a", a, 3)
  need_dims("bmm", "b", b, 3)
  if a.shape[1] ~= b.shape[1] then
    check.fail("bmm: batches of %d and %d matrices do not go together", a.shape[1], b.shape[1])
  end
  return (ops.matmul(a, b))
end

--- Matrix times vector, (m, k) (k) -> (m).
-- @usage braid.mv(x, braid.ones(3))
function M.mv(a, x)
  need_dims("mv", "a", a, 2)
  need_dims("mv", "x", x, 1)
  return (ops.matmul(a, x))
end

--- Inner product of two vectors (n) -> ().
-- @usage braid.dot(x[1], y[1])
function M.dot(a, b)
  need_dims("dot", "a", a, 1)
  need_dims("dot", "b", b, 1)
  return (ops.matmul(a, b))
end

--- The products of every element of a (m) with every element of b (n) -> (m, n).
-- @usage braid.outer(x[1], y[1])
function M.outer(a, b)
  need_dims("outer", "a", a, 1)
  need_dims("outer", "b", b, 1)
  return (ops.mul(ops.unsqueeze(a, 2), b))
end

--- beta input + alpha a b, with a (m, k), b (k, n), and an input that broadcasts to (m, n). With a
-- beta of 0 the input is ignored, even NaN.
-- @param given {beta = 1, alpha = 1}
-- @usage braid.addmm(braid.ones(2, 2), x, y:t(), {beta = 0.5})
function M.addmm(input, a, b, given)
  need_dims("addmm", "a", a, 2)
  need_dims("addmm", "b", b, 2)
  local o <const> = check.options(ADDMM, given)
  local beta <const>, alpha <const> = o.beta, o.alpha
  local product = ops.matmul(a, b)
  if alpha ~= 1 then product = ops.mul(product, alpha) end
  if beta == 0 then return product end
  return (ops.add(product, beta == 1 and input or ops.mul(input, beta)))
end

--- Applies PReLU in place.
-- @usage x:prelu_(braid.tensor{0.25})
function M.prelu_(x, weight) return (ops.copy_(x, ops.prelu(ops.clone(x), weight))) end

for name, f in pairs(require "braid.tensor_repeats") do M[name] = f end

return M
