--- ONNX's elementwise operators. A row is {the least number of inputs, the function}; the function
-- gets the node's attributes and its inputs.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local tensors <const> = require "braid.onnx.import.tensors"
local values <const> = require "braid.onnx.import.values"

local ops <const>, is_float <const> = core.ops, values.is_float
local where <const> = ops.where

local LOG_2 <const> = math.log(2)

local M <const> = {}

-- Operators of one tensor that Braid has under another name.
for onnx, name in pairs{
  Abs = "abs", Ceil = "ceil", Cos = "cos", Erf = "erf", Exp = "exp", Floor = "floor",
  HardSwish = "hardswish", IsNaN = "isnan", Log = "log", Neg = "neg", Not = "logical_not",
  Reciprocal = "reciprocal", Relu = "relu", Round = "round", Sigmoid = "sigmoid", Sign = "sign",
  Sin = "sin", Softplus = "softplus", Sqrt = "sqrt", Tan = "tan", Tanh = "tanh",
} do
  local f <const> = ops[name]
  M[onnx] = {1, function(_, x) return f(x) end}
end

-- Operators of two tensors.
for onnx, name in pairs{
  Sub = "sub", Mul = "mul", Add = "add", And = "logical_and", Or = "logical_or",
  Xor = "logical_xor", Equal = "eq", Less = "lt", LessOrEqual = "le", Greater = "gt",
  GreaterOrEqual = "ge",
} do
  local f <const> = ops[name]
  M[onnx] = {2, function(a, x, y)
    -- before version 7 the second tensor could begin at an axis of the first
    if a.broadcast == 1 and a.axis and y:dim() < x:dim() then
      local shape <const> = y.shape
      for _ = values.dim(a.axis, x:dim()) + #shape, x:dim() do shape[#shape + 1] = 1 end
      y = y:reshape(shape)
    end
    return f(x, y)
  end}
end

local function identity(_, x) return x end
M.Identity = {1, identity}

-- Whole numbers are divided towards zero.
M.Div = {2, function(_, x, y)
  if is_float(x) or is_float(y) then return x / y end
  local whole <const> = x:abs() // y:abs()
  return where(x:lt(0):ne(y:lt(0)), -whole, whole)
end}

M.Mod = {2, function(a, x, y)
  if a.fmod ~= 1 then return x % y end
  local rest <const> = x:abs() % y:abs()
  return where(x:lt(0), -rest, rest)
end}

M.Pow = {2, function(_, x, y)
  -- for an exponent that is a plain number the core has shorter ways, as for squares and roots
  if is_float(x) and y:numel() == 1 and y:dim() == 0 then return x ^ y:item() end
  return (x ^ y):to(x.dtype)
end}

local function folded(f)
  return {1, function(_, y, ...)
    for _, x in ipairs{...} do y = f(y, x) end
    return y
  end}
end

M.Max, M.Min, M.Sum = folded(ops.maximum), folded(ops.minimum), folded(ops.add)
M.Mean = {1, function(_, ...) return M.Sum[2](nil, ...) / select("#", ...) end}
M.Where = {3, function(_, c, x, y) return where(c, x, y) end}

M.Clip = {1, function(a, x, low, high)
  low, high = values.scalar(low, a.min), values.scalar(high, a.max)
  if not low and not high then return x end
  if low and high and low > high then low = high end
  return x:clamp(low, high)
end}

-- ---- activations ------------------------------------------------------------------------

M.Elu = {1, function(a, x) return x:elu(a.alpha or 1) end}
M.Celu = {1, function(a, x)
  local alpha <const> = a.alpha or 1
  return x:clamp(0, nil) + ((x / alpha):exp() - 1):mul(alpha):clamp(nil, 0)
end}
M.Selu = {1, function(a, x)
  return x:elu(a.alpha or 1.67326319217681884765625) * (a.gamma or 1.05070102214813232421875)
end}
M.LeakyRelu = {1, function(a, x) return x:leaky_relu(a.alpha or 0.01) end}
M.HardSigmoid = {1, function(a, x)
  return (x * (a.alpha or 0.2) + (a.beta or 0.5)):clamp(0, 1)
end}
M.Gelu = {1, function(a, x)
  if a.approximate ~= "tanh" then return x:gelu() end
  local inner <const> = (x + x * x * x * 0.044715) * math.sqrt(2 / math.pi)
  return x * 0.5 * (inner:tanh() + 1)
end}
M.Mish = {1, function(_, x) return x * x:softplus():tanh() end}
M.Swish = {1, function(a, x) return x * (x * (a.alpha or 1)):sigmoid() end}
M.Softsign = {1, function(_, x) return x / (x:abs() + 1) end}
M.ThresholdedRelu = {1, function(a, x) return where(x:gt(a.alpha or 1), x, values.zero(x)) end}
M.Shrink = {1, function(a, x)
  local lambda <const>, bias <const> = a.lambd or 0.5, a.bias or 0
  return where(x:lt(-lambda), x + bias, where(x:gt(lambda), x - bias, values.zero(x))):to(x.dtype)
end}
M.PRelu = {2, function(_, x, slope) return where(x:gt(0), x, x * slope) end}
M.Dropout = {1, function(a, x, ratio, training)
  if training and values.scalar(training) and values.scalar(ratio, a.ratio or 0.5) > 0 then
    local p <const> = values.scalar(ratio, 0.5)
    local kept <const> = ops.dropout(core.new(x.shape, x.dtype, 1), p, true)
    return x * kept, kept:ne(0)
  end
  return x, a.results > 1 and core.new(x.shape, "bool", true) or nil
end}

-- ---- further functions ------------------------------------------------------------------

-- Halves of e^x and e^-x, which are finite wherever their sum and difference are.
local function halves(x) return (x - LOG_2):exp(), (-x - LOG_2):exp() end

M.Sinh = {1, function(_, x)
  local up <const>, down <const> = halves(x)
  local near <const> = x:clamp(-1, 1):expm1() -- exact near 0
  return where(x:abs():lt(1), (near + near / (near + 1)) / 2, up - down)
end}
M.Cosh = {1, function(_, x)
  local up <const>, down <const> = halves(x)
  return up + down
end}

local LARGE <const> = 1e9 -- squares of float32 overflow from 1.8e19 on

M.Asinh = {1, function(_, x)
  local size <const> = x:abs()
  local square <const> = size:clamp(nil, LARGE):square()
  local near <const> = (size + square / ((square + 1):sqrt() + 1)):log1p()
  return where(size:lt(LARGE), near, size:log() + LOG_2) * x:sign()
end}
M.Acosh = {1, function(_, x)
  local low <const> = x:clamp(nil, LARGE)
  return where(x:lt(LARGE), (low + (low:square() - 1):sqrt()):log(), x:log() + LOG_2)
end}
M.Atanh = {1, function(_, x) return (x:log1p() - (-x):log1p()) / 2 end}

-- By three halvings of the angle; below tan(pi / 16) the series is exact in float32.
local function arctangent(x)
  for _ = 1, 3 do x = x / ((x * x + 1):sqrt() + 1) end
  local square <const> = x * x
  local y = square * (-1 / 11) + 1 / 9
  for _, c in ipairs{-1 / 7, 1 / 5, -1 / 3, 1} do y = y * square + c end
  return y * x * 8
end

M.Atan = {1, function(_, x) return arctangent(x:clamp(-1e15, 1e15)) end}
M.Asin = {1, function(_, x) return arctangent(x / ((-x * x + 1):sqrt() + 1)) * 2 end}
M.Acos = {1, function(_, x)
  return -arctangent(x / ((-x * x + 1):sqrt() + 1)) * 2 + math.pi / 2
end}
M.IsInf = {1, function(a, x)
  local up <const>, down <const> = x:eq(math.huge), x:eq(-math.huge)
  if a.detect_positive == 0 then return a.detect_negative == 0 and x:ne(x):ne(x:ne(x)) or down end
  return a.detect_negative == 0 and up or up:logical_or(down)
end}

local function cast(a, x, dtype)
  if x.dtype == dtype then return x end
  if dtype == "bool" then return x:ne(0) end
  return x:to(values.float_of(a, dtype))
end

M.Cast = {1, function(a, x)
  local dtype <const> = tensors.dtype_of[a.to]
  if not dtype then check.fail("Braid has no type %s", tensors.type_name(a.to or 0)) end
  return cast(a, x, dtype)
end}
M.CastLike = {2, function(a, x, y) return cast(a, x, y.dtype) end}

return M
