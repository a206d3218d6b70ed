--- ONNX's operators that take and put values by their indices.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops
local dim <const>, index <const> = values.dim, values.index

local M <const> = {}

M.Gather = {2, function(a, x, at)
  local d <const> = dim(a.axis or 0, x:dim())
  local shape <const> = {table.unpack(x.shape, 1, d - 1)}
  for _, size in ipairs(at.shape) do shape[#shape + 1] = size end
  for k = d + 1, x:dim() do shape[#shape + 1] = x:size(k) end
  return x:index_select(d, index(at, x:size(d)):reshape({-1})):reshape(shape)
end}

M.GatherElements = {2, function(a, x, at)
  local d <const> = dim(a.axis or 0, x:dim())
  return x:gather(d, index(at, x:size(d)))
end}

-- Replaces values by updates, or combines them one after the other: indices may be repeated.
local function put(x, d, at, updates, how)
  if how == "add" then return x:scatter_add(d, at, updates) end
  if (how or "none") == "none" then return x:scatter(d, at, updates) end
  local f <const> = ({mul = ops.mul, max = ops.maximum, min = ops.minimum})[how]
    or check.fail("there is no reduction '%s'", how)
  for i = 1, at:size(d) do
    local here <const> = at:narrow(d, i, 1)
    x = x:scatter(d, here, f(x:gather(d, here), updates:narrow(d, i, 1)))
  end
  return x
end

M.ScatterElements = {3, function(a, x, at, updates)
  local d <const> = dim(a.axis or 0, x:dim())
  return put(x, d, index(at, x:size(d)), updates, a.reduction)
end}
M.Scatter = M.ScatterElements

-- The places (from 1) that rows of indices have among the first dimensions of x, and the number of
-- those dimensions. Before them come `batches` dimensions that the indices share.
local function flat_places(x, at, batches)
  local width <const> = at:size(-1)
  if batches + width > x:dim() then
    check.fail("%d indices do not fit %d dimensions", width, x:dim())
  end
  local flat = core.new({}, "int64", 0)
  for k = 1, width do
    local n <const> = x:size(batches + k)
    flat = flat * n + index(at:select(-1, k), n) - 1
  end
  if width == 0 then flat = core.new({table.unpack(at.shape, 1, at:dim() - 1)}, "int64", 0) end
  return flat + 1, batches + width
end

local function product(shape, from, to)
  local n = 1
  for d = from, to do n = n * shape[d] end
  return n
end

M.GatherND = {2, function(a, x, at)
  local batches <const>, shape <const> = a.batch_dims or 0, x.shape
  if batches < 0 or batches >= math.min(at:dim(), x:dim()) then
    check.fail("batch_dims = %d is impossible", batches)
  end
  local flat, last <const> = flat_places(x, at, batches)
  local count <const>, cells <const> = product(shape, 1, batches),
    product(shape, batches + 1, last)
  local result <const> = {table.unpack(at.shape, 1, at:dim() - 1)}
  table.move(shape, last + 1, #shape, #result + 1, result)
  flat = flat:reshape({count, -1})
  local shift <const> = (ops.cumsum(core.new({count}, "int64", 1), 1) - 1) * cells
  return x:reshape({count * cells, product(shape, last + 1, #shape)})
    :index_select(1, (flat + shift:unsqueeze(2)):reshape({-1})):reshape(result)
end}

M.ScatterND = {3, function(a, x, at, updates)
  local shape <const> = x.shape
  local flat <const>, last <const> = flat_places(x, at, 0)
  local cells <const>, rest <const> = product(shape, 1, last), product(shape, last + 1, #shape)
  local rows <const> = flat:reshape({-1, 1})
  return put(x:reshape({cells, rest}), 1, rows:expand({rows:size(1), rest}),
    updates:reshape({rows:size(1), rest}), a.reduction):reshape(shape)
end}

M.Compress = {2, function(a, x, keep)
  if not a.axis then
    return x:reshape({-1}):narrow(1, 1, math.min(keep:numel(), x:numel()))
      :index_select(1, keep:nonzero():reshape({-1}))
  end
  return x:index_select(dim(a.axis, x:dim()), keep:nonzero():reshape({-1}))
end}

M.NonZero = {1, function(_, x)
  if x:dim() == 0 then x = x:reshape({1}) end
  return x:nonzero():t() - 1
end}

M.OneHot = {3, function(a, at, depth, pair)
  local n <const>, i <const> = values.int(depth), at:to("int64")
  local axis <const> = dim(a.axis or -1, at:dim() + 1)
  if n < 1 then check.fail("a depth of %d", n) end
  local shape <const>, ladder <const> = at.shape, {}
  table.insert(shape, axis, n)
  values.sized(shape)
  for d = 1, at:dim() + 1 do ladder[d] = d == axis and n or 1 end
  local places <const> = (ops.cumsum(core.new({n}, "int64", 1), 1) - 1):reshape(ladder)
  local known <const> = i:ge(-n):logical_and(i:lt(n))
  local cold <const>, hot <const> = pair:narrow(1, 1, 1), pair:narrow(1, 2, 1)
  return ops.where(ops.where(known, i % n, -1):unsqueeze(axis):eq(places), hot, cold)
end}

M.ReverseSequence = {2, function(a, x, lengths)
  local batch <const>, time <const> = dim(a.batch_axis or 1, x:dim()),
    dim(a.time_axis or 0, x:dim())
  local list <const>, parts <const> = values.ints(lengths), {}
  for i = 1, x:size(batch) do
    local row <const>, n <const> = x:narrow(batch, i, 1), list[i]
    if not n or n < 0 or n > x:size(time) then check.fail("a length of %s", tostring(n)) end
    parts[i] = ops.cat({row:narrow(time, 1, n):flip({time}),
      row:narrow(time, math.min(n + 1, x:size(time)), x:size(time) - n)}, time)
  end
  return ops.cat(parts, batch)
end}

M.TensorScatter = {2, function(a, past, update, from)
  local d <const> = dim(a.axis or -2, past:dim())
  local starts <const> = values.ints(from) or {}
  local parts <const>, n <const> = {}, past:size(d)
  for i = 1, past:size(1) do
    local at <const> = ops.cumsum(core.new({update:size(d)}, "int64", 1), 1) - 1 + (starts[i] or 0)
    local rows <const> = (a.mode == "circular" and at % n or at) + 1
    local shape <const> = {}
    for k = 1, past:dim() do shape[k] = k == d and update:size(d) or 1 end
    local slice <const> = update:narrow(1, i, 1)
    parts[i] = past:narrow(1, i, 1):scatter(d, rows:reshape(shape):expand(slice.shape), slice)
  end
  return ops.cat(parts, 1)
end}

return M
