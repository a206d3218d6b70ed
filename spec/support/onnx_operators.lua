--- For each operator that has a form in ONNX, functions that call it: {NAME = {{shapes = of the
-- samples that f takes, f = the function}, ...}}.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local F <const>, nn <const>, ops <const> = braid.F, braid.nn, core.ops

local cases <const> = {}

local function case(name, shapes, f)
  cases[name] = cases[name] or {}
  table.insert(cases[name], {shapes = shapes, f = f})
end

local ROW <const>, IMAGE <const> = {7}, {4, 6, 5}

-- ---- elementwise ------------------------------------------------------------------------

for _, name in ipairs{"neg", "abs", "sign", "square", "floor", "ceil", "round", "trunc", "exp",
  "expm1", "sin", "cos", "tan", "tanh", "erf", "sigmoid", "relu", "leaky_relu", "elu", "gelu",
  "silu", "softplus", "hardswish", "abs_tanh", "logical_not", "clone", "contiguous_copy", "isnan",
  "isfinite"} do
  case(name, {ROW}, function(x) return ops[name](x * 3) end)
end
for _, name in ipairs{"log", "log1p", "sqrt", "rsqrt", "reciprocal"} do
  case(name, {ROW}, function(x) return ops[name](x:abs() + 0.1) end)
end
for _, name in ipairs{"floor", "ceil", "round", "trunc", "sqrt", "square", "abs", "neg"} do
  case(name, {ROW}, function(x) return ops[name]((x * 3):to("int64"):abs()) end)
end
for _, name in ipairs{"add", "sub", "mul", "minimum", "maximum", "lt", "le", "gt", "ge", "eq", "ne",
  "logical_and", "logical_or", "logical_xor"} do
  case(name, {ROW, ROW}, function(x, y) return ops[name](x, y) end)
  case(name, {IMAGE}, function(x) return ops[name](x, 0.25) end)
  case(name, {IMAGE}, function(x) return ops[name](0, x) end)
  case(name, {ROW}, function(x) return ops[name]((x * 3):to("int64"), 1) end)
  case(name, {ROW}, function(x) return ops[name]((x * 3):to("int64"), x) end)
end
for _, name in ipairs{"div", "floordiv", "mod", "pow"} do
  case(name, {ROW, ROW}, function(x, y) return ops[name](x:abs() + 0.3, y:abs() + 0.7) end)
  case(name, {ROW}, function(x) return ops[name](x:abs() + 0.3, 2) end)
end
case("floordiv", {ROW}, function(x) return ops.floordiv((x * 9):to("int64"), 4) end)
case("mod", {ROW}, function(x) return ops.mod((x * 9):to("int64"), 4) end)
case("div", {ROW}, function(x) return ops.div((x * 9):to("int64"), 4) end)
case("add", {ROW, ROW}, function(x, y) return ops.add(x, y, 0.5) end)
case("sub", {ROW}, function(x) return ops.sub(x, x:size(1)) end)
case("mul", {ROW}, function(x) return ops.mul(x, braid.ones(x:size(1), 1) * 3) end)
case("clamp", {ROW}, function(x) return x:clamp{min = -0.5, max = 0.25} end)
case("clamp", {ROW}, function(x) return x:clamp{max = 0.25} end)
case("clamp", {ROW}, function(x) return (x * 3):to("int64"):clamp{min = -1} end)
case("lerp", {ROW, ROW}, function(x, y) return x:lerp(y, 0.3) end)
case("where", {ROW, ROW}, function(x, y) return ops.where(x:gt(0), y, 1) end)
case("masked_fill", {ROW}, function(x) return x:masked_fill(x:gt(0), -7) end)
case("to", {ROW}, function(x) return (x * 3):to("int32"), x:to("bool"), x:to("float64") end)
case("copy", {ROW, ROW}, function(x, y) return (x * 1):copy_(y) end)
case("fill", {ROW}, function(x) return (x * 1):fill_(3) end)
case("add", {ROW}, function(x)
  local y <const> = x * 2
  y:add_(x):relu_()
  return y
end)
case("channels_last", {IMAGE}, function(x) return ops.channels_last(x) end)
case("dropout", {ROW}, function(x) return F.dropout(x, 0.5, {training = false}) end)
case("prelu", {IMAGE}, function(x) return x:prelu(braid.tensor{0.1, 0.2, 0.3, 0.4}) end)
case("prelu", {IMAGE}, function(x) return x:prelu(braid.tensor{0.1}) end)

-- ---- shapes -----------------------------------------------------------------------------

case("reshape", {IMAGE}, function(x) return x:reshape(x:size(1), -1, 5), x:reshape(-1, 5) end)
case("reshape", {IMAGE}, function(x) return x:reshape(x:size(1) * 4, 6, 5) end)
case("view", {IMAGE}, function(x) return x:view(x:size(1), 24, 5) end)
case("flatten", {IMAGE}, function(x) return x:flatten(2), x:flatten(1, 2) end)
case("unflatten", {IMAGE}, function(x) return x:unflatten(2, {2, 2}) end)
case("squeeze", { {1, 5} }, function(x) return x:squeeze(2) end)
case("unsqueeze", {IMAGE}, function(x) return x:unsqueeze(-1), x:unsqueeze(1) end)
case("permute", {IMAGE}, function(x) return x:permute(1, 3, 4, 2) end)
case("transpose", {IMAGE}, function(x) return x:transpose(2, -1), x:transpose(1, 2) end)
case("t", {ROW}, function(x) return x:t() end)
case("expand", { {1, 5} }, function(x) return x:expand(x:size(1), 3, 5) end)
case("cat", {ROW, ROW}, function(x, y)
  return braid.cat({x, y}, 2), braid.cat({x, y, x}, 1), braid.cat({x, braid.zeros(x:size(1), 2)}, 2)
end)
case("stack", {ROW, ROW}, function(x, y) return braid.stack({x, y}, 2), braid.stack({x, y}, -1) end)
case("narrow", {IMAGE}, function(x)
  return x:narrow(2, 2, 2), x:narrow(3, -3, 2), x[{ {}, {}, {1, 6, 2} }], x:narrow(1, 1, x:size(1))
end)
case("select", {IMAGE}, function(x) return x:select(2, 3), x:select(-1, -1), x[1] end)
case("flip", {IMAGE}, function(x) return x:flip(4), x:flip(2, 3) end)
case("roll", {IMAGE}, function(x) return x:roll({2, -1}, {3, 4}) end)
case("repeat_", {IMAGE}, function(x) return x:repeat_(1, 2, 1, 3), x:repeat_(2, 1, 1, 1, 1) end)
for _, mode in ipairs{"constant", "reflect", "replicate"} do
  case("pad", {IMAGE}, function(x) return x:pad({1, 2, 0, 1}, {mode = mode}) end)
end
case("pad", {IMAGE}, function(x) return x:pad({1, -2, -1, 1}, {value = 9}) end)
case("unfold", {IMAGE}, function(x) return x:unfold(3, 3, 2), x:unfold(2, 2, 1) end)
case("index_select", {IMAGE}, function(x)
  return x:index_select(2, braid.tensor({4, 1, 1}, {dtype = "int64"}))
end)
case("gather", {ROW}, function(x) return x:gather(2, x:argmax(2, true)) end)
case("scatter", {ROW}, function(x) return x:scatter(2, x:argmax(2, true), 9) end)
case("scatter_add", {ROW}, function(x)
  local at <const> = x:argmax(2, true)
  return x:scatter_add(2, at, x:gather(2, at))
end)

-- ---- reductions -------------------------------------------------------------------------

for _, name in ipairs{"sum", "mean", "prod", "count_nonzero", "any", "all", "logsumexp", "var",
  "std"} do
  case(name, {IMAGE}, function(x)
    return ops[name](x, {3, 4}), ops[name](x, 2, true), ops[name](x, -1)
  end)
end
case("sum", {IMAGE}, function(x)
  return x:sum(), x:sum(1), (x * 3):to("int32"):sum(2), x:gt(0):sum(2)
end)
case("mean", {IMAGE}, function(x) return x:mean(), x:mean(1) end)
case("var", {IMAGE}, function(x) return x:var({2, 3, 4}, {unbiased = false}) end)
for _, name in ipairs{"max", "min"} do
  case(name, {IMAGE}, function(x) return ops[name](x, 2) end)
  case(name, {IMAGE}, function(x) return ops[name](x, -1, true) end)
  case(name, {IMAGE}, function(x) return ops[name](x) end)
end
for _, name in ipairs{"argmax", "argmin"} do
  case(name, {IMAGE}, function(x) return ops[name](x, 2), ops[name](x, -1, true) end)
end
for _, p in ipairs{0, 1, 2, 3, 0.5, math.huge, -math.huge} do
  case("norm", {IMAGE}, function(x) return x:norm(p, 2), x:norm(p, {3, 4}, true) end)
end
case("sort", {ROW}, function(x) return x:sort(2, true) end)
case("topk", {ROW}, function(x) return x:topk(3) end)
case("cumsum", {IMAGE}, function(x) return x:cumsum(3), x:cumsum(-1) end)
case("softmax", {IMAGE}, function(x) return x:softmax(2), x:softmax(-1) end)
case("log_softmax", {IMAGE}, function(x) return x:log_softmax(2) end)
case("standardize", {IMAGE}, function(x) return ops.standardize(x, 1e-5) end)
case("standardize", {IMAGE}, nn.LayerNorm({6, 5}))
case("standardize", {IMAGE}, nn.GroupNorm(2, 4))
case("standardize", {IMAGE}, nn.InstanceNorm2d(4))

-- ---- layers -----------------------------------------------------------------------------

local function conv(o) return nn.Conv2d(4, 6, o) end

case("conv2d", {IMAGE}, conv{kernel = 3})
case("conv2d", {IMAGE}, conv{kernel = {3, 2}, stride = {2, 1}, padding = {1, 0}, groups = 2})
case("conv2d", {IMAGE}, conv{kernel = 2, dilation = 2, padding = "same", bias = false})
case("conv2d", {IMAGE}, conv{kernel = 4, padding = "same"})
case("conv2d", { {4, 9} }, nn.Conv1d(4, 6, {kernel = 3, stride = 2}))
case("conv_transpose2d", {IMAGE}, nn.ConvTranspose2d(4, 6, {kernel = 3, stride = 2, padding = 1,
  output_padding = 1}))
case("conv_transpose2d", {IMAGE}, nn.ConvTranspose2d(4, 6, {kernel = 2, groups = 2, dilation = 2}))

for _, ceil in ipairs{false, true} do
  for _, size in ipairs{2, 3} do
    for _, padding in ipairs{0, 1} do
      case("max_pool2d", { {2, 8, 7} }, function(x)
        return x:max_pool2d(size, {stride = 2, padding = padding, ceil_mode = ceil})
      end)
      for _, counted in ipairs{false, true} do
        case("avg_pool2d", { {2, 8, 7} }, function(x)
          return x:avg_pool2d(size, {stride = 3, padding = padding, ceil_mode = ceil,
            count_include_pad = counted})
        end)
      end
    end
  end
end
case("max_pool2d", { {2, 9, 9} }, function(x)
  return x:max_pool2d({2, 3}, {dilation = 2, stride = 1})
end)
case("avg_pool2d", { {2, 8, 7} }, function(x)
  return x:lp_pool2d(2, 3, {ceil_mode = true})
end)
for _, name in ipairs{"adaptive_avg_pool2d", "adaptive_max_pool2d"} do
  for _, size in ipairs{1, 2, 3, {5, 4}} do
    case(name, { {2, 8, 7} }, function(x) return ops[name](x, size) end)
  end
  case(name, { {2, 3, 2} }, function(x) return ops[name](x, 5) end)
end
case("batch_norm", {IMAGE}, nn.BatchNorm2d(4))
case("batch_norm", {ROW}, nn.BatchNorm1d(7))
case("linear", {ROW}, nn.Linear(7, 3))
case("linear", {IMAGE}, nn.Linear(5, 3))
case("linear", {ROW}, nn.Linear(7, 3, {bias = false}))
case("matmul", {ROW, ROW}, function(x, y) return x:matmul(y:t()), x:matmul(braid.ones(7)) end)
case("matmul", {IMAGE}, function(x) return x:matmul(x:transpose(3, 4)) end)
case("mix", { {6, 3, 2} }, function(x)
  return ops.mix(x, braid.arange(9):reshape(3, 3):to("float32"))
end)
case("mix", { {6, 3, 2} }, function(x)
  return ops.mix(x, braid.arange(18):reshape(3, 3, 2):to("float32") / 18, {toward = true})
end)
case("mix", { {6} }, function(x)
  return ops.mix(x, braid.arange(4):reshape(2, 2):to("float32"), {toward = true})
end)

for _, given in ipairs{ {size = {9, 7}}, {scale_factor = 2}, {scale_factor = {1.7, 0.6}},
  {size = 3}, {size = 1} } do
  local size <const>, factor <const> = given.size, given.scale_factor
  case("resize_nearest", {IMAGE}, function(x)
    return F.interpolate(x, {size = size, scale_factor = factor, mode = "nearest"})
  end)
  for _, aligned in ipairs{false, true} do
    case("resize_bilinear", {IMAGE}, function(x)
      return F.interpolate(x, {size = size, scale_factor = factor, mode = "bilinear",
        align_corners = aligned})
    end)
  end
end
for _, mode in ipairs{"bilinear", "nearest"} do
  for _, padding in ipairs{"zeros", "border"} do
    case("grid_sample", {IMAGE, {3, 4, 2}}, function(x, grid)
      return ops.grid_sample(x, grid, {mode = mode, padding_mode = padding, align_corners = false})
    end)
  end
end

case("avg_pool2d", {IMAGE}, nn.LocalResponseNorm(4))
case("cat", {IMAGE}, nn.CReLU())
case("permute", {IMAGE}, function(x) return F.pixel_shuffle(x, 2) end)

return cases
