--- ONNX's reductions, softmax, running sums and products, and TopK.

local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops
local dim <const>, dims <const>, ints <const> = values.dim, values.dims, values.ints

local M <const> = {}

-- The dimensions that a node reduces, or nil for all of them; and whether it reduces none.
local function wanted_by(a, x, axes)
  local wanted <const> = dims(ints(axes) or a.axes, x:dim())
  return wanted, not wanted and a.noop_with_empty_axes == 1
end

local function reduction(name, before, after)
  local f <const> = ops[name]
  return {1, function(a, x, axes)
    local wanted <const>, none <const> = wanted_by(a, x, axes)
    local y = before and before(x) or x
    if not none and x:dim() > 0 then
      y = f(y, wanted, a.keepdims ~= 0)
    end
    if after then y = after(y) end
    return y.dtype == x.dtype and y or y:to(x.dtype)
  end}
end

M.ReduceSum = reduction "sum"
M.ReduceMean = reduction("mean", function(x) -- of whole numbers it is cut off
  return values.is_float(x) and x or x:to("float64")
end)
M.ReduceProd, M.ReduceL1 = reduction "prod", reduction("sum", ops.abs)
M.ReduceL2 = reduction("sum", ops.square, ops.sqrt)
M.ReduceSumSquare = reduction("sum", ops.square)
M.ReduceLogSum = reduction("sum", nil, ops.log)
M.ReduceLogSumExp = {1, function(a, x, axes)
  local wanted <const>, none <const> = wanted_by(a, x, axes)
  if none or x:dim() == 0 then return x end
  return x:logsumexp(wanted, a.keepdims ~= 0)
end}

-- The shape that is left after the reduction of some dimensions.
local function left_of(x, wanted, keep)
  local gone <const>, shape <const> = {}, {}
  for _, d in ipairs(wanted) do gone[d] = true end
  for d, n in ipairs(x.shape) do
    if keep or not gone[d] then shape[#shape + 1] = gone[d] and 1 or n end
  end
  return shape
end

-- In Braid max and min reduce one dimension at a time. The extreme of no values is an infinity.
local function extreme(name, of_bools, of_nothing)
  return {1, function(a, x, axes)
    local wanted, none <const> = wanted_by(a, x, axes)
    if none or x:dim() == 0 then return x end
    wanted = wanted or values.all_dims(x)
    local keep <const> = a.keepdims ~= 0
    if x.dtype == "bool" then return ops[of_bools](x, wanted, keep) end
    if x:numel() == 0 then
      if not values.is_float(x) then values.lacks("the extreme of no whole numbers") end
      return core.new(left_of(x, wanted, keep), x.dtype, of_nothing)
    end
    table.sort(wanted, function(p, q) return p > q end)
    for _, d in ipairs(wanted) do x = ops[name](x, d, keep) end
    return x
  end}
end

M.ReduceMax = extreme("max", "any", -math.huge)
M.ReduceMin = extreme("min", "all", math.huge)

local function index_of(name)
  return {1, function(a, x)
    local d <const>, keep <const> = dim(a.axis or 0, x:dim()), a.keepdims ~= 0
    if a.select_last_index == 1 then return -ops[name](x:flip({d}), d, keep) + x:size(d) end
    return ops[name](x, d, keep) - 1
  end}
end

M.ArgMax, M.ArgMin = index_of "argmax", index_of "argmin"

-- Before version 13 these operators took all dimensions from the axis on as one.
local function along(f)
  return {1, function(a, x)
    if a.opset >= 13 then return f(x, dim(a.axis or -1, x:dim())) end
    local d <const> = dim(a.axis or 1, x:dim())
    if d == x:dim() then return f(x, d) end
    return f(x:flatten(d, -1), d):reshape(x.shape)
  end}
end

M.Softmax, M.LogSoftmax = along(ops.softmax), along(ops.log_softmax)
M.Hardmax = along(function(x, d)
  local at <const> = ops.argmax(x, d, true)
  return ops.scatter(core.new(x.shape, x.dtype, 0), d, at, core.new(at.shape, x.dtype, 1))
end)

local function running(f, start)
  return {2, function(a, x, axis)
    local d <const> = dim(values.int(axis), x:dim())
    if a.reverse == 1 then x = x:flip({d}) end
    local y = f(x, d)
    if a.exclusive == 1 then
      local shape <const> = x.shape
      shape[d] = math.min(1, shape[d])
      y = ops.cat({core.new(shape, y.dtype, start), y:narrow(d, 1, x:size(d) - shape[d])}, d)
    end
    if a.reverse == 1 then y = y:flip({d}) end
    return y:to(x.dtype) -- Braid adds integers up in int64, as PyTorch does
  end}
end

M.CumSum = running(ops.cumsum, 0)
M.CumProd = running(function(x, d)
  local parts <const> = {}
  for i = 1, x:size(d) do
    local part <const> = x:narrow(d, i, 1)
    parts[i] = i == 1 and part or parts[i - 1] * part
  end
  return #parts > 0 and ops.cat(parts, d) or x
end, 1)

M.TopK = {1, function(a, x, k)
  local d <const>, n <const> = dim(a.axis or -1, x:dim()), values.int(k, a.k)
  local top <const>, at <const> = ops.topk(x, n, d, a.largest ~= 0)
  return top, at - 1
end}

return M
