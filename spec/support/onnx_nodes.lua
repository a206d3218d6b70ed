--- Runs ONNX's own node tests, as onnx_nodes.py has written them, with Braid's operators:
--   build/braid spec/support/onnx_nodes.lua DIR [name]
-- Prints how many tests passed among those that Braid has an operator for, and each that failed.
-- If a test needs a feature that Braid lacks, prints the reason that its translation gives.

local braid <const> = require "braid"
local files <const>, json <const> = require "braid.io.files", require "braid.io.json"
local F <const> = braid.F

-- Ends a translation, because the test needs something that Braid lacks.
local function lacks(what) error({lacks = what}, 0) end

local function ints(t) return t and t:reshape(-1):totable() or nil end

-- ONNX counts dimensions from 0.
local function dim(d) return d < 0 and d or d + 1 end

local function dims(list)
  local out <const> = {}
  for i, d in ipairs(list or {}) do out[i] = dim(d) end
  return #out > 0 and out or nil
end

local function unary(name)
  return function(x) return F[name](x) end
end

local function binary(name)
  return function(x, y) return F[name](x, y) end
end

-- Pads at both ends, as ONNX gives them: {top, left, bottom, right}.
local function even_padding(a, x, kernel)
  local pads = a.pads or {0, 0, 0, 0}
  if #kernel ~= 2 then lacks("not two-dimensional") end
  local auto <const> = a.auto_pad or "NOTSET"
  if auto == "VALID" then
    pads = {0, 0, 0, 0}
  elseif auto ~= "NOTSET" then
    pads = {}
    for i = 1, 2 do
      local stride <const> = a.strides and a.strides[i] or 1
      local size <const> = x:size(i + 2)
      local span <const> = ((kernel[i] - 1) * (a.dilations and a.dilations[i] or 1)) + 1
      local total <const> = math.max(0, ((size + stride - 1) // stride - 1) * stride + span - size)
      pads[i] = auto == "SAME_UPPER" and total // 2 or total - total // 2
      pads[i + 2] = total - pads[i]
    end
  end
  return pads
end

local function padded(x, pads, value)
  if not F.pad then lacks("pad") end
  return F.pad(x, {pads[2], pads[4], pads[1], pads[3]}, {value = value})
end

-- Turns one-dimensional attributes into those of images with one row.
local function as_image(a)
  local b <const> = setmetatable({}, {__index = a})
  for _, key in ipairs{"kernel_shape", "strides", "dilations"} do
    b[key] = a[key] and {1, a[key][1]}
  end
  b.pads = a.pads and {0, a.pads[1], 0, a.pads[2]}
  return b
end

local function pool(name, fill)
  return function(a, x)
    if x.dtype == "uint8" then return pool(name, fill)(a, x:to("float32")):to("uint8") end
    if x:dim() == 3 then return pool(name, fill)(as_image(a), x:unsqueeze(3)):squeeze(3) end
    local pads = even_padding(a, x, a.kernel_shape)
    local options <const> = {stride = a.strides or 1, ceil_mode = a.ceil_mode == 1}
    if name == "max_pool2d" then
      options.dilation = a.dilations or 1
    else
      options.count_include_pad = a.count_include_pad == 1
      local d <const> = a.dilations
      if d and (d[1] > 1 or d[2] > 1) then lacks("a dilated average") end
    end
    local even <const> = pads[1] == pads[3] and pads[2] == pads[4]
    local small <const> = 2 * pads[1] <= a.kernel_shape[1] and 2 * pads[2] <= a.kernel_shape[2]
    if not even or not small then
      if name == "avg_pool2d" and not options.count_include_pad then
        if options.ceil_mode then lacks("uneven padding that rounds up") end
        local ones <const> = padded(F.where(x:eq(x), 1.0, 1.0), pads, 0)
        return F.avg_pool2d(padded(x, pads, 0), a.kernel_shape, options)
          / F.avg_pool2d(ones, a.kernel_shape, options)
      end
      x, pads = padded(x, pads, fill), {0, 0, 0, 0}
    end
    options.padding = {pads[1], pads[2]}
    return F[name](x, a.kernel_shape, options)
  end
end

local function reduction(name, before, after)
  return function(a, x, axes)
    local wanted <const> = dims(ints(axes) or a.axes)
    if not wanted and a.noop_with_empty_axes == 1 then
      x = before and before(x) or x
      return after and after(x) or x
    end
    x = before and before(x) or x
    local y = F[name](x, wanted, {keepdim = a.keepdims ~= 0})
    if y.dtype ~= x.dtype then y = y:to(x.dtype) end
    return after and after(y) or y
  end
end

-- In Braid max and min reduce one dimension at a time.
local function extreme(name)
  return function(a, x, axes)
    local wanted = dims(ints(axes) or a.axes)
    if x:numel() == 0 then lacks("the extreme of nothing") end
    if not wanted and a.noop_with_empty_axes == 1 then return x end
    if not wanted then
      wanted = {}
      for d = 1, x:dim() do wanted[d] = d end
    end
    if x.dtype == "bool" then
      return F[name == "max" and "any" or "all"](x, wanted, a.keepdims ~= 0)
    end
    for i, d in ipairs(wanted) do wanted[i] = d < 0 and d + x:dim() + 1 or d end
    table.sort(wanted, function(p, q) return p > q end)
    for _, d in ipairs(wanted) do x = F[name](x, d, {keepdim = a.keepdims ~= 0}) end
    return x
  end
end

local function index_of(name)
  return function(a, x)
    local d <const>, o <const> = dim(a.axis or 0), {keepdim = a.keepdims ~= 0}
    if a.select_last_index == 1 then return x:size(d) - F[name](x:flip(d), d, o) end
    return F[name](x, d, o) - 1
  end
end

-- Softmax and similar operators flatten before version 13; these tests are newer.
local function along(name)
  return function(a, x) return F[name](x, dim(a.axis or -1)) end
end

local function folded(f)
  return function(_, ...)
    local all <const> = table.pack(...)
    local y = all[1]
    for i = 2, all.n do y = f(y, all[i]) end
    return y
  end
end

local function loss_weight(x, target, ignored)
  local n <const> = x:size(2)
  local labels <const> = target:to("int64")
  local missing <const> = ignored and labels:eq(ignored)
  local counted = labels + 1
  if missing then counted = braid.where(missing, 0, counted) end
  if counted:gt(n):any():item() then lacks("labels beyond the classes") end
  return counted
end

local OPERATORS <const> = {
  Abs = unary "abs", Ceil = unary "ceil", Cos = unary "cos", Erf = unary "erf", Exp = unary "exp",
  Floor = unary "floor", HardSwish = unary "hardswish", IsNaN = unary "isnan", Log = unary "log",
  Neg = unary "neg", Not = unary "logical_not", Reciprocal = unary "reciprocal",
  Relu = unary "relu", Round = unary "round", Sigmoid = unary "sigmoid", Sign = unary "sign",
  Sin = unary "sin", Softplus = unary "softplus", Sqrt = unary "sqrt", Tan = unary "tan",
  Tanh = unary "tanh", Identity = unary "clone",
  Add = binary "add", Sub = binary "sub", Mul = binary "mul", And = binary "logical_and",
  Or = binary "logical_or", Xor = binary "logical_xor", Equal = binary "eq",
  Less = binary "lt", LessOrEqual = binary "le", Greater = binary "gt",
  GreaterOrEqual = binary "ge", MatMul = binary "matmul",
}
-- The operators above take no attributes.
for name, f in pairs(OPERATORS) do
  OPERATORS[name] = function(_, ...) return f(...) end
end

local MORE <const> = {
  Div = function(_, x, y)
    if x.dtype == "float32" or x.dtype == "float64" then return x / y end
    return F.where(x:lt(0):ne(y:lt(0)), -(x:abs() // y:abs()), x:abs() // y:abs())
  end,
  Pow = function(_, x, y) return (x ^ y):to(x.dtype) end,
  Mod = function(a, x, y)
    if a.fmod ~= 1 then return x % y end
    return F.where(x:lt(0), -(x:abs() % y:abs()), x:abs() % y:abs())
  end,
  Max = folded(F.maximum), Min = folded(F.minimum), Sum = folded(F.add),
  Mean = function(_, ...) return folded(F.add)(nil, ...) / select("#", ...) end,
  Where = function(_, c, x, y) return F.where(c, x, y) end,
  Clip = function(_, x, low, high)
    if not low and not high then return x end
    if x:numel() > 0 and low and high and low:item() > high:item() then
      return x * 0 + high
    end
    return x:clamp{min = low and low:item(), max = high and high:item()}
  end,
  Elu = function(a, x) return x:elu(a.alpha or 1) end,
  LeakyRelu = function(a, x) return x:leaky_relu(a.alpha or 0.01) end,
  Gelu = function(a, x)
    if a.approximate == "tanh" then lacks("the tanh form") end
    return x:gelu()
  end,
  PRelu = function(_, x, slope) return F.where(x:gt(0), x, x * slope) end,
  Cast = function() lacks("numbers of ONNX types") end,
  ReduceSum = reduction "sum", ReduceMean = reduction "mean", ReduceProd = reduction "prod",
  ReduceMax = extreme "max", ReduceMin = extreme "min",
  ReduceL1 = reduction("sum", F.abs), ReduceL2 = reduction("sum", F.square, F.sqrt),
  ReduceSumSquare = reduction("sum", F.square), ReduceLogSum = reduction("sum", nil, F.log),
  ReduceLogSumExp = reduction("sum", F.exp, F.log),
  ArgMax = index_of "argmax", ArgMin = index_of "argmin",
  Softmax = along "softmax", LogSoftmax = along "log_softmax",
  Concat = function(a, ...) return braid.cat({...}, dim(a.axis)) end,
  Transpose = function(a, x)
    local order <const> = {}
    for d = 1, x:dim() do order[d] = a.perm and a.perm[d] + 1 or x:dim() + 1 - d end
    return x:permute(order)
  end,
  Reshape = function(a, x, shape)
    local wanted <const> = ints(shape)
    for d, size in ipairs(wanted) do
      if size == 0 and a.allowzero ~= 1 then wanted[d] = x:size(d) end
    end
    return x:reshape(wanted)
  end,
  Flatten = function(a, x)
    local axis <const> = a.axis or 1
    local cut <const>, first = axis < 0 and axis + x:dim() or axis, 1
    for d = 1, cut do first = first * x:size(d) end
    return x:reshape(first, -1)
  end,
  Squeeze = function(a, x, axes) return x:squeeze(dims(ints(axes) or a.axes)) end,
  Unsqueeze = function(a, x, axes)
    local list <const> = ints(axes) or a.axes
    local total <const> = x:dim() + #list
    for i, d in ipairs(list) do list[i] = d < 0 and d + total or d end
    table.sort(list)
    for _, d in ipairs(list) do x = x:unsqueeze(d + 1) end
    return x
  end,
  Expand = function(_, x, shape)
    local wanted <const> = ints(shape)
    for i = 0, math.min(#wanted, x:dim()) - 1 do
      if wanted[#wanted - i] == 1 then wanted[#wanted - i] = x:size(x:dim() - i) end
    end
    for _ = 1, x:dim() - #wanted do table.insert(wanted, 1, x:size(x:dim() - #wanted)) end
    return x:expand(wanted)
  end,
  Shape = function(a, x)
    local n <const>, shape <const> = x:dim(), {}
    local first, last = a.start or 0, a["end"] or n
    first = math.max(0, math.min(n, first < 0 and first + n or first))
    last = math.max(0, math.min(n, last < 0 and last + n or last))
    for d = first + 1, last do shape[#shape + 1] = x:size(d) end
    return braid.tensor(shape, {dtype = "int64"})
  end,
  Size = function(_, x) return braid.tensor(x:numel(), {dtype = "int64"}) end,
  Gather = function(a, x, index)
    local d <const> = dim(a.axis or 0)
    local at <const> = d < 0 and d + x:dim() + 1 or d
    local flat <const> = index:to("int64"):reshape(-1)
    local y <const> = x:index_select(at, F.where(flat:lt(0), flat, flat + 1))
    local shape <const> = {}
    for k = 1, x:dim() do
      if k == at then
        for _, size in ipairs(index.shape) do shape[#shape + 1] = size end
      else
        shape[#shape + 1] = x:size(k)
      end
    end
    return y:reshape(shape)
  end,
  GatherElements = function(a, x, index)
    if not F.gather then lacks("gather") end
    local i <const>, d <const> = index:to("int64"), dim(a.axis or 0)
    return F.gather(x, d, F.where(i:lt(0), i, i + 1))
  end,
  CumSum = function(a, x, axis)
    if not F.cumsum then lacks("cumsum") end
    local d <const> = dim(axis:item())
    if a.reverse == 1 then x = x:flip(d) end
    local y = F.cumsum(x, d)
    if a.exclusive == 1 then y = y - x end
    if a.reverse == 1 then y = y:flip(d) end
    return y:to(x.dtype) -- Braid adds integers up in int64, as PyTorch does
  end,
  Tile = function(_, x, times)
    if not x.tile then lacks("tile") end
    return x:tile(ints(times))
  end,
  TopK = function(a, x, k)
    if not F.topk then lacks("topk") end
    local values <const>, at <const> = F.topk(x, k:item(), {dim = dim(a.axis or -1),
      largest = a.largest ~= 0})
    return values, at - 1
  end,
  Einsum = function(a, ...)
    if not braid.einsum then lacks("einsum") end
    return braid.einsum(a.equation, ...)
  end,
  Gemm = function(a, x, y, c)
    if a.transA == 1 then x = x:t() end
    if a.transB == 1 then y = y:t() end
    local z = x:matmul(y) * (a.alpha or 1)
    if c then z = z + c * (a.beta or 1) end
    return z
  end,
  Conv = function(a, x, w, b)
    if x:dim() == 3 then
      local pads <const> = a.pads or {0, 0}
      return F.conv1d(F.pad(x, pads), w, b, {stride = a.strides and a.strides[1] or 1,
        dilation = a.dilations and a.dilations[1] or 1, groups = a.group or 1})
    end
    local kernel <const> = {table.unpack(w.shape, 3)}
    local pads = even_padding(a, x, kernel)
    if pads[1] ~= pads[3] or pads[2] ~= pads[4] then x, pads = padded(x, pads, 0), {0, 0} end
    return F.conv2d(x, w, b, {stride = a.strides or 1, padding = {pads[1], pads[2]},
      dilation = a.dilations or 1, groups = a.group or 1})
  end,
  ConvTranspose = function(a, x, w, b)
    if not F.conv_transpose2d then lacks("conv_transpose2d") end
    local pads <const> = a.pads or {0, 0, 0, 0}
    if w:dim() ~= 4 then lacks("not two-dimensional") end
    if a.output_shape or (a.auto_pad or "NOTSET") ~= "NOTSET" then lacks("a given size") end
    if pads[1] ~= pads[3] or pads[2] ~= pads[4] then
      local y <const> = F.conv_transpose2d(x, w, b, {stride = a.strides or 1,
        output_padding = a.output_padding or 0, dilation = a.dilations or 1, groups = a.group or 1})
      return F.pad(y, {-pads[2], -pads[4], -pads[1], -pads[3]})
    end
    return F.conv_transpose2d(x, w, b, {stride = a.strides or 1, padding = {pads[1], pads[2]},
      output_padding = a.output_padding or 0, dilation = a.dilations or 1, groups = a.group or 1})
  end,
  MaxPool = function(a, x)
    if a.storage_order == 1 then lacks("indices by column") end
    return pool("max_pool2d", -math.huge)(a, x)
  end,
  AveragePool = pool("avg_pool2d", 0),
  GlobalAveragePool = function(_, x) return x:mean({3, 4}, true) end,
  GlobalMaxPool = function(_, x) return (F.max((F.max(x, 4, true)), 3, true)) end,
  BatchNormalization = function(a, x, w, b, mean, var)
    if a.training_mode == 1 then
      local m <const>, v <const> = mean:clone(), var:clone()
      local n <const> = x:numel() / x:size(2)
      local y <const> = F.batch_norm(x, w, b, m, v, {training = true, eps = a.epsilon or 1e-5,
        momentum = 1 - (a.momentum or 0.9)})
      -- ONNX's running variance is over n, not n - 1
      local keep <const> = a.momentum or 0.9
      return y, m, (v - var * keep) * ((n - 1) / n) + var * keep
    end
    return F.batch_norm(x, w, b, mean, var, {eps = a.epsilon or 1e-5})
  end,
  LayerNormalization = function(a, x, w, b)
    if not F.layer_norm then lacks("layer_norm") end
    local axis <const> = a.axis or -1
    local first <const> = (axis < 0 and axis + x:dim() or axis) + 1
    return F.layer_norm(x, {table.unpack(x.shape, first)}, w, b, {eps = a.epsilon or 1e-5})
  end,
  InstanceNormalization = function(a, x, w, b)
    if not F.instance_norm then lacks("instance_norm") end
    return F.instance_norm(x, w, b, {eps = a.epsilon or 1e-5})
  end,
  GroupNormalization = function(a, x, w, b)
    return F.group_norm(x, a.num_groups, w, b, {eps = a.epsilon or 1e-5})
  end,
  LpPool = function(a, x)
    local pads <const> = even_padding(a, x, a.kernel_shape)
    if a.dilations and a.dilations[1] * a.dilations[2] > 1 then lacks("a dilated average") end
    x = padded(x:abs(), pads, 0)
    return F.lp_pool2d(x, a.p or 2, a.kernel_shape, {stride = a.strides or 1})
  end,
  GridSample = function(a, x, grid)
    if x:dim() ~= 4 then lacks("not two-dimensional") end
    local mode <const> = ({nearest = "nearest", cubic = "cubic"})[a.mode] or "bilinear"
    if mode == "cubic" or a.padding_mode == "reflection" then lacks("that interpolation") end
    return F.grid_sample(x, grid, {mode = mode, padding_mode = a.padding_mode or "zeros",
      align_corners = a.align_corners == 1})
  end,
  AffineGrid = function(a, theta, size)
    if size:numel() ~= 4 then lacks("not two-dimensional") end
    return F.affine_grid(theta, ints(size), {align_corners = a.align_corners == 1})
  end,
  ScatterElements = function(a, x, index, updates)
    local i <const>, d <const> = index:to("int64"), dim(a.axis or 0)
    if a.reduction and a.reduction ~= "none" and a.reduction ~= "add" then
      lacks("scattering other than by writing or adding")
    end
    return F[a.reduction == "add" and "scatter_add" or "scatter"](x, d,
      F.where(i:lt(0), i, i + 1), updates)
  end,
  LRN = function(a, x)
    if not F.local_response_norm then lacks("local_response_norm") end
    return F.local_response_norm(x, a.size, {alpha = a.alpha or 1e-4, beta = a.beta or 0.75,
      k = a.bias or 1})
  end,
  LpNormalization = function(a, x)
    if not F.normalize then lacks("normalize") end
    return F.normalize(x, {p = a.p or 2, dim = dim(a.axis or -1)})
  end,
  Dropout = function(_, x, _, training)
    if training and training:item() then lacks("ONNX's random numbers") end
    return x, braid.ones_like(x, {dtype = "bool"})
  end,
  DepthToSpace = function(a, x)
    local r <const> = a.blocksize
    if a.mode == "CRD" then return F.pixel_shuffle(x, r) end
    local n <const>, c <const>, h <const>, w <const> = table.unpack(x.shape)
    return x:reshape(n, r, r, c // (r * r), h, w):permute(1, 4, 5, 2, 6, 3)
      :reshape(n, c // (r * r), h * r, w * r)
  end,
  SpaceToDepth = function(a, x)
    local r <const> = a.blocksize
    local n <const>, c <const>, h <const>, w <const> = table.unpack(x.shape)
    x = x:reshape(n, c, h // r, r, w // r, r)
    if a.mode == "CRD" then x = x:permute(1, 2, 4, 6, 3, 5) else x = x:permute(1, 4, 6, 2, 3, 5) end
    return x
      :reshape(n, c * r * r, h // r, w // r)
  end,
  Compress = function(a, x, keep)
    if not a.axis then return x:reshape(-1):narrow(1, 1, #keep)[keep] end
    local d <const>, key <const> = a.axis < 0 and a.axis + x:dim() + 1 or a.axis + 1, {}
    for k = 1, x:dim() do key[k] = k == d and keep or {} end
    return x:narrow(d, 1, #keep)[key]
  end,
  OneHot = function(a, index, depth, values)
    local n <const>, i <const> = math.tointeger(depth:reshape(-1)[1]:item()), index:to("int64")
    local axis <const> = a.axis or -1
    local at <const> = axis < 0 and axis + index:dim() + 2 or axis + 1
    local ladder <const> = {}
    for d = 1, index:dim() + 1 do ladder[d] = d == at and n or 1 end
    local places <const> = (braid.arange(n) - 1):reshape(ladder)
    local known <const> = i:ge(-n):logical_and(i:lt(n))
    return F.where(F.where(known, i % n, -1):unsqueeze(at):eq(places), values[2], values[1])
  end,
  HardSigmoid = function(a, x)
    return (x * (a.alpha or 0.2) + (a.beta or 0.5)):clamp(0, 1)
  end,
  ConstantOfShape = function(a, shape)
    local value <const> = a.value and (type(a.value) == "table" and a.value[1] or a.value) or 0.0
    return braid.full(ints(shape), value,
      {dtype = math.type(value) == "integer" and "int32" or "float32"})
  end,
  NonZero = function(_, x) return x:nonzero():t() - 1 end,
  GatherND = function(a, x, index)
    if (a.batch_dims or 0) > 0 then lacks("GatherND of batches") end
    local key <const>, d <const> = {}, index:dim()
    for k = 1, index:size(d) do
      local i <const> = index:select(d, k)
      key[k] = F.where(i:lt(0), i, i + 1)
    end
    return x[key]
  end,
  Pad = function(a, x, pads, value)
    local mode <const> = ({reflect = "reflect", edge = "replicate", wrap = "circular"})[a.mode]
    local p <const>, list <const>, n <const> = ints(pads), {}, x:dim()
    if #p ~= 2 * n then lacks("padding of some axes") end
    for d = n, 1, -1 do
      list[#list + 1], list[#list + 2] = p[d], p[n + d]
    end
    return F.pad(x, list, {value = value and value:item() or 0, mode = mode})
  end,
  Slice = function(_, x, starts, ends, axes, steps)
    local s <const>, e <const> = ints(starts), ints(ends)
    local at <const>, by <const> = ints(axes), ints(steps)
    for i = 1, #s do
      local d <const> = dim(at and at[i] or i - 1)
      local size <const>, step <const> = x:size(d), by and by[i] or 1
      if step < 1 then lacks("steps backwards") end
      local first <const> = math.max(0, math.min(size, s[i] < 0 and s[i] + size or s[i]))
      local last <const> = math.max(first, math.min(size, e[i] < 0 and e[i] + size or e[i]))
      x = x:narrow(d, first + 1, (last - first + step - 1) // step, step)
    end
    return x
  end,
  Split = function(a, x, split)
    local d <const> = dim(a.axis or 0)
    local sizes <const>, size <const> = ints(split), x:size(d)
    local parts <const> = {}
    local count <const> = sizes and #sizes or a.results
    local each <const> = (size + count - 1) // count
    local first = 1
    for i = 1, count do
      local n <const> = sizes and sizes[i] or math.min(each, size - first + 1)
      parts[i] = x:narrow(d, first, n)
      first = first + n
    end
    return table.unpack(parts)
  end,
  NegativeLogLikelihoodLoss = function(a, x, target, weight)
    if not F.nll then lacks("nll") end
    return F.nll(x, loss_weight(x, target, a.ignore_index), {weight = weight,
      reduction = a.reduction or "mean"})
  end,
  SoftmaxCrossEntropyLoss = function(a, x, target, weight)
    return F.cross_entropy(x, loss_weight(x, target, a.ignore_index), {weight = weight,
      reduction = a.reduction or "mean"}), x:log_softmax(2)
  end,
}
for name, f in pairs(MORE) do OPERATORS[name] = f end

-- Returns nil if they agree, else how they differ.
local function difference(got, wanted, case)
  if not braid.is_tensor(got) then return "no result" end
  if table.concat(got.shape, ",") ~= table.concat(wanted.shape, ",") then
    return ("shape (%s), not (%s)"):format(table.concat(got.shape, ", "),
      table.concat(wanted.shape, ", "))
  end
  if got.dtype ~= wanted.dtype then return ("%s, not %s"):format(got.dtype, wanted.dtype) end
  if got:numel() == 0 then return nil end
  local a <const>, b <const> = got:to("float64"), wanted:to("float64")
  local both_nan <const> = a:ne(a):logical_and(b:ne(b))
  local close <const> = (a - b):abs():le(b:abs() * case.rtol + case.atol)
  if close:logical_or(a:eq(b)):logical_or(both_nan):all():item() then return nil end
  return ("values differ by up to %g"):format((a - b):abs():max():item())
end

local function run(case, tensors)
  local given <const> = {n = #case.inputs}
  for i, name in ipairs(case.inputs) do given[i] = name ~= "" and tensors[name] or nil end
  case.attributes.results = #case.outputs
  local results <const> = table.pack(OPERATORS[case.op](case.attributes,
    table.unpack(given, 1, given.n)))
  for i, name in ipairs(case.outputs) do
    if name ~= "" and (results[i] or i == 1) then
      local wrong <const> = difference(results[i], tensors[name], case)
      if wrong then return wrong end
    end
  end
end

local directory <const>, only <const> = arg[1], arg[2]
local all <const> = assert(json.decode(assert(files.read(directory .. "/cases.json"))))
local tensors <const> = assert(braid.load(directory .. "/tensors.safetensors"))
local passed, failed, unknown, lacking = 0, 0, 0, 0
for _, case in ipairs(all.cases) do
  if not only or case.name == only then
    if not OPERATORS[case.op] then
      unknown = unknown + 1
    else
      local ok <const>, wrong <const> = pcall(run, case, tensors)
      if ok and not wrong then
        passed = passed + 1
      elseif not ok and type(wrong) == "table" and wrong.lacks then
        lacking = lacking + 1
        print(("lacks   %s (%s): %s"):format(case.name, case.op, wrong.lacks))
      else
        failed = failed + 1
        print(("FAILED  %s (%s): %s"):format(case.name, case.op, tostring(wrong)))
      end
    end
  end
end
print(("%d passed, %d failed; %d ask for what Braid lacks, %d are of operators it does not have")
  :format(passed, failed, lacking, unknown))
