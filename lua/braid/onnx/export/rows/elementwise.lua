--- How elementwise operators are written in ONNX.
--
-- A row is either the name of the ONNX operator that does the same to the call's one tensor x, in
-- the type of the result, or a function f(graph, call) (draft.lua, merge.lua) that adds nodes and
-- returns the names of the results.

local types <const> = require "braid.onnx.export.types"

local rows <const> = {
  neg = "Neg", abs = "Abs", sign = "Sign", floor = "Floor", ceil = "Ceil", round = "Round",
  exp = "Exp", log = "Log", sqrt = "Sqrt", reciprocal = "Reciprocal", sin = "Sin", cos = "Cos",
  tan = "Tan", tanh = "Tanh", erf = "Erf", sigmoid = "Sigmoid", relu = "Relu",
  softplus = "Softplus", hardswish = "HardSwish",
}

-- The names of a call's tensors, in the type of its result.
local function operands(g, call, ...)
  local names <const> = {}
  for i, key in ipairs{...} do names[i] = g:of(call.inputs[key], call.outputs[1].dtype) end
  return table.unpack(names)
end

local function number(g, call, x) return g:number(x, call.outputs[1].dtype) end

-- ---- one tensor -------------------------------------------------------------------------

local function is_whole(call) return not types.is_float(call.outputs[1].dtype) end

function rows.square(g, call)
  local x <const> = operands(g, call, "x")
  return g:node("Mul", {x, x})
end

function rows.trunc(g, call)
  local x <const> = operands(g, call, "x")
  if is_whole(call) then return x end
  return g:node("Mul", {g:node("Sign", {x}), g:node("Floor", {g:node("Abs", {x})})})
end

for _, name in ipairs{"floor", "ceil", "round"} do
  local kind <const> = rows[name]
  rows[name] = function(g, call)
    local x <const> = operands(g, call, "x")
    return is_whole(call) and x or g:node(kind, {x})
  end
end

function rows.expm1(g, call)
  return g:node("Sub", {g:node("Exp", {operands(g, call, "x")}), number(g, call, 1)})
end

function rows.log1p(g, call)
  return g:node("Log", {g:node("Add", {operands(g, call, "x"), number(g, call, 1)})})
end

function rows.rsqrt(g, call)
  return g:node("Reciprocal", {g:node("Sqrt", {operands(g, call, "x")})})
end

function rows.leaky_relu(g, call)
  return g:node("LeakyRelu", {operands(g, call, "x")}, {alpha = call.args.slope})
end

function rows.elu(g, call)
  return g:node("Elu", {operands(g, call, "x")}, {alpha = call.args.alpha})
end

function rows.gelu(g, call)
  local x <const> = operands(g, call, "x")
  local e <const> = g:node("Erf", {g:node("Mul", {x, number(g, call, math.sqrt(0.5))})})
  local twice <const> = g:node("Add", {e, number(g, call, 1)})
  return g:node("Mul", {x, g:node("Mul", {twice, number(g, call, 0.5)})})
end

function rows.silu(g, call)
  local x <const> = operands(g, call, "x")
  return g:node("Mul", {x, g:node("Sigmoid", {x})})
end

function rows.abs_tanh(g, call) return g:node("Abs", {g:node("Tanh", {operands(g, call, "x")})}) end

function rows.clamp(g, call)
  local function limit(x) -- infinity and the ends of int64's range limit nothing
    local none <const> = not x or math.abs(x) == math.huge
      or is_whole(call) and not math.tointeger(x)
    return none and "" or number(g, call, x)
  end
  return g:node("Clip", {operands(g, call, "x"), limit(call.args.min), limit(call.args.max)})
end

function rows.isnan(g, call)
  return g:node("IsNaN", {g:of(call.inputs.x, types.float_of(call.inputs.x.dtype))})
end

function rows.isfinite(g, call)
  local x <const> = g:of(call.inputs.x, types.float_of(call.inputs.x.dtype))
  return g:node("Not", {g:node("Or", {g:node("IsNaN", {x}), g:node("IsInf", {x})})})
end

function rows.logical_not(g, call) return g:node("Not", {g:of(call.inputs.x, "bool")}) end

-- The values stay the same; a graph does not say how they are laid out in memory.
local function same(g, call) return (g:of(call.inputs.x)) end

rows.clone, rows.contiguous_copy, rows.channels_last = same, same, same

function rows.to(g, call) return (g:of(call.inputs.x, call.outputs[1].dtype)) end

function rows.dropout(g, call)
  if call.args.training and call.args.p > 0 then g:fail("it draws random numbers") end
  return same(g, call)
end

-- ---- two tensors ------------------------------------------------------------------------

local function binary(kind)
  return function(g, call) return g:node(kind, {operands(g, call, "x", "y")}) end
end

local function scaled(kind)
  return function(g, call)
    local x <const>, y <const> = operands(g, call, "x", "y")
    local alpha <const> = call.args.alpha
    return g:node(kind, {x, alpha == 1 and y or g:node("Mul", {y, number(g, call, alpha)})})
  end
end

rows.add, rows.sub, rows.mul, rows.div = scaled "Add", scaled "Sub", binary "Mul", binary "Div"
rows.pow, rows.minimum, rows.maximum = binary "Pow", binary "Min", binary "Max"

function rows.floordiv(g, call)
  local x <const>, y <const> = operands(g, call, "x", "y")
  if not is_whole(call) then return g:node("Floor", {g:node("Div", {x, y})}) end
  return g:node("Div", {g:node("Sub", {x, g:node("Mod", {x, y})}), y})
end

function rows.mod(g, call)
  local x <const>, y <const> = operands(g, call, "x", "y")
  if is_whole(call) then return g:node("Mod", {x, y}) end
  return g:node("Sub", {x, g:node("Mul", {y, g:node("Floor", {g:node("Div", {x, y})})})})
end

function rows.lerp(g, call)
  local x <const>, y <const>, weight <const> = operands(g, call, "x", "y", "weight")
  return g:node("Add", {x, g:node("Mul", {weight, g:node("Sub", {y, x})})})
end

-- A comparison converts both tensors to their common type.
local function comparison(kind, opposite)
  return function(g, call)
    local x <const>, y <const> = call.inputs.x, call.inputs.y
    local dtype <const> = types.common{x, y}
    local name <const> = g:node(kind, {g:of(x, dtype), g:of(y, dtype)})
    return opposite and g:node("Not", {name}) or name
  end
end

rows.lt, rows.le = comparison "Less", comparison "LessOrEqual"
rows.gt, rows.ge = comparison "Greater", comparison "GreaterOrEqual"
rows.eq, rows.ne = comparison "Equal", comparison("Equal", true)

local function logical(kind)
  return function(g, call)
    return g:node(kind, {g:of(call.inputs.x, "bool"), g:of(call.inputs.y, "bool")})
  end
end

rows.logical_and, rows.logical_or, rows.logical_xor = logical "And", logical "Or", logical "Xor"

-- ---- choices ----------------------------------------------------------------------------

function rows.where(g, call)
  return g:node("Where", {g:of(call.inputs.mask, "bool"), operands(g, call, "x", "y")})
end

function rows.masked_fill(g, call)
  return g:node("Where", {g:of(call.inputs.mask, "bool"), number(g, call, call.args.value),
    (operands(g, call, "x"))})
end

-- In place: the result replaces all of x.
function rows.copy(g, call)
  local out <const> = call.outputs[1]
  return g:node("Expand", {g:of(call.inputs.y, out.dtype), g:sizes(out.shape)})
end

function rows.fill(g, call)
  return g:node("Expand", {number(g, call, call.args.value), g:sizes(call.outputs[1].shape)})
end

return rows
