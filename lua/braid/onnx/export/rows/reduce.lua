--- How operators that reduce, sort, sum or normalise along dimensions are written in ONNX. See
-- elementwise.lua for what a row is.

local types <const> = require "braid.onnx.export.types"

local rows <const> = {}

-- The dimensions that a call goes over, counted from 0, and a function that returns the product of
-- their sizes: an error if it depends on the number of samples.
local function axes_of(g, call)
  local shape <const>, list = call.inputs.x.shape, call.args.dim
  if math.type(list) then list = {list} end
  if not list or #list == 0 then
    list = {}
    for d = 1, #shape do list[d] = d - 1 end
  end
  local axes <const>, count = {}, 1
  for i, d in ipairs(list) do
    axes[i] = d < 0 and d + #shape or d
    local size <const> = shape[axes[i] + 1]
    count = count and type(size) == "number" and count * size or nil
  end
  local function fixed() return count or g:fail("it counts samples, and a graph cannot") end
  return axes, fixed
end

-- Adds one of ONNX's reductions. Up to opset 17 only ReduceSum takes its axes as an input.
local function reduce(g, kind, name, axes, keepdim)
  if #axes == 0 then return name end -- a tensor without dimensions
  if kind == "ReduceSum" then
    return g:node(kind, {name, g:list(axes)}, {keepdims = keepdim})
  end
  return g:node(kind, {name}, {axes = axes, keepdims = keepdim})
end

local function plain(kind)
  return function(g, call)
    return reduce(g, kind, g:of(call.inputs.x, call.outputs[1].dtype), axes_of(g, call),
      call.args.keepdim)
  end
end

rows.sum, rows.mean, rows.prod = plain "ReduceSum", plain "ReduceMean", plain "ReduceProd"
rows.logsumexp = plain "ReduceLogSumExp"

-- Booleans are reduced as numbers.
local function truth(kind, dtype)
  return function(g, call)
    local x <const> = g:cast(g:of(call.inputs.x, "bool"), dtype)
    local name <const> = reduce(g, kind, x, axes_of(g, call), call.args.keepdim)
    return dtype == call.outputs[1].dtype and name or g:cast(name, call.outputs[1].dtype)
  end
end

rows.any, rows.all = truth("ReduceMax", "float32"), truth("ReduceMin", "float32")
rows.count_nonzero = truth("ReduceSum", "int64")

-- ---- extremes and order -----------------------------------------------------------------

-- The index, from 1, of the extreme along a dimension; without a dimension, among all elements.
local function place(kind)
  return function(g, call)
    local x <const>, d = call.inputs.x, call.args.dim
    local name = g:of(x)
    if not d then
      name, d = g:node("Reshape", {name, g:list{-1} }), 0
    end
    local at <const> = g:node(kind, {name}, {axis = d, keepdims = call.args.keepdim or false})
    return g:node("Add", {at, g:number(1, "int64")})
  end
end

rows.argmax, rows.argmin = place "ArgMax", place "ArgMin"

local function extreme(kind, place_kind)
  local index <const> = place(place_kind)
  return function(g, call)
    local name <const> = reduce(g, kind, g:of(call.inputs.x), axes_of(g, call), call.args.keepdim)
    if #call.outputs < 2 then return name end
    return name, index(g, call)
  end
end

rows.max, rows.min = extreme("ReduceMax", "ArgMax"), extreme("ReduceMin", "ArgMin")

local function top(g, call, k, largest)
  local x <const> = call.inputs.x
  local values <const>, places <const> = g:node("TopK", {g:of(x), g:sizes{k} },
    {axis = call.args.dim, largest = largest, sorted = true}, 2)
  return values, g:node("Add", {places, g:number(1, "int64")})
end

function rows.sort(g, call)
  local shape <const>, d <const> = call.inputs.x.shape, call.args.dim
  if #shape == 0 then g:fail("a tensor without dimensions has no form") end
  return top(g, call, shape[d < 0 and d + #shape + 1 or d + 1], call.args.descending)
end

function rows.topk(g, call) return top(g, call, call.args.k, call.args.largest) end

function rows.cumsum(g, call)
  return g:node("CumSum", {g:of(call.inputs.x, call.outputs[1].dtype),
    g:number(call.args.dim, "int64")})
end

-- ---- spread and length ------------------------------------------------------------------

local function variance(g, call)
  local dtype <const> = call.outputs[1].dtype
  local x <const>, axes <const>, count <const> = g:of(call.inputs.x, dtype), axes_of(g, call)
  local away <const> = g:node("Sub", {x, reduce(g, "ReduceMean", x, axes, true)})
  local mean <const> = reduce(g, "ReduceMean", g:node("Mul", {away, away}), axes, call.args.keepdim)
  if not call.args.unbiased then return mean end
  local n <const> = count()
  return g:node("Mul", {mean, g:number(n / (n - 1), dtype)})
end

rows.var = variance
function rows.std(g, call) return g:node("Sqrt", {variance(g, call)}) end

local LENGTHS <const> = {[1] = "ReduceL1", [2] = "ReduceL2"}

function rows.norm(g, call)
  local p <const>, dtype <const> = call.args.p, call.outputs[1].dtype
  local x <const>, axes <const> = g:of(call.inputs.x, dtype), axes_of(g, call)
  local keep <const> = call.args.keepdim
  if LENGTHS[p] then return reduce(g, LENGTHS[p], x, axes, keep) end
  local size <const> = g:node("Abs", {x})
  if p == math.huge then return reduce(g, "ReduceMax", size, axes, keep) end
  if p == -math.huge then return reduce(g, "ReduceMin", size, axes, keep) end
  if p == 0 then
    return reduce(g, "ReduceSum", g:cast(g:cast(x, "bool"), dtype), axes, keep)
  end
  local sum <const> = reduce(g, "ReduceSum", g:node("Pow", {size, g:number(p, dtype)}), axes, keep)
  return g:node("Pow", {sum, g:number(1 / p, dtype)})
end

-- ---- shares -----------------------------------------------------------------------------

local function along(kind)
  return function(g, call)
    return g:node(kind, {g:of(call.inputs.x, call.outputs[1].dtype)}, {axis = call.args.dim})
  end
end

rows.softmax, rows.log_softmax = along "Softmax", along "LogSoftmax"

function rows.standardize(g, call)
  local x <const> = call.inputs.x
  local ones <const> = {}
  for i = 1, g:fixed(x.shape[#x.shape], "the last size") do ones[i] = 1 end
  return g:node("LayerNormalization",
    {g:of(x), g:list(ones, types.float_of(x.dtype))}, {axis = -1, epsilon = call.args.eps})
end

return rows
