--- How convolution, pooling, normalisation and products are written in ONNX. See elementwise.lua
-- for what a row is.

local core <const> = require "braid.core"
local ops <const> = core.ops

local rows <const> = {}

-- The name of an optional tensor; "" without one.
local function maybe(g, value, dtype) return value and g:of(value, dtype) or "" end

-- ---- windows ----------------------------------------------------------------------------

-- The padding before and after, so that windows of `span` pixels give `out` places.
local function sides(size, out, span, stride, before, after)
  local needed <const> = (out - 1) * stride + span - size - before
  return before, math.max(needed, after)
end

-- Pads {top, left, bottom, right} for windows over the images of a call.
local function pads_of(g, call, kernel, stride, dilation, padding)
  local from <const>, to <const> = call.inputs.x.shape, call.outputs[1].shape
  local pads <const> = {}
  for i = 1, 2 do
    local size <const>, out <const> = g:fixed(from[2 + i], "a side"), g:fixed(to[2 + i], "a side")
    local span <const> = (kernel[i] - 1) * dilation[i] + 1
    local before, after
    if padding == "same" then
      before = (span - 1) // 2
      after = span - 1 - before
    else
      before, after = sides(size, out, span, stride[i], padding[i], padding[i])
    end
    pads[i], pads[2 + i] = before, after
  end
  return pads
end

-- ---- convolution ------------------------------------------------------------------------

local function kernel_of(g, weight)
  return {g:fixed(weight.shape[3], "a side"), g:fixed(weight.shape[4], "a side")}
end

function rows.conv2d(g, call)
  local inputs <const>, a <const> = call.inputs, call.args
  local kernel <const> = kernel_of(g, inputs.weight)
  return g:node("Conv", {g:of(inputs.x), g:of(inputs.weight), maybe(g, inputs.bias)}, {
    kernel_shape = kernel, strides = a.stride, dilations = a.dilation, group = a.groups,
    pads = pads_of(g, call, kernel, a.stride, a.dilation, a.padding)})
end

function rows.conv_transpose2d(g, call)
  local inputs <const>, a <const> = call.inputs, call.args
  local p <const> = a.padding
  return g:node("ConvTranspose", {g:of(inputs.x), g:of(inputs.weight), maybe(g, inputs.bias)}, {
    kernel_shape = kernel_of(g, inputs.weight), strides = a.stride, dilations = a.dilation,
    group = a.groups, output_padding = a.output_padding, pads = {p[1], p[2], p[1], p[2]}})
end

-- ---- pooling ----------------------------------------------------------------------------

-- Windows that reach beyond the end of the image, as with ceil_mode, are written as padding,
-- because programs that run ONNX files count such windows differently.
function rows.max_pool2d(g, call)
  local a <const> = call.args
  local stride <const> = a.stride or a.kernel
  return g:node("MaxPool", {g:of(call.inputs.x)}, {kernel_shape = a.kernel, strides = stride,
    dilations = a.dilation, pads = pads_of(g, call, a.kernel, stride, a.dilation, a.padding)})
end

local ONES <const> = {1, 1}

function rows.avg_pool2d(g, call)
  local a <const>, x <const> = call.args, call.inputs.x
  local stride <const>, p <const> = a.stride or a.kernel, a.padding
  local name = g:of(x)
  local pads <const> = pads_of(g, call, a.kernel, stride, ONES, p)
  if a.count_include_pad and (p[1] > 0 or p[2] > 0) then
    -- The padding counts, but not what a window covers beyond it.
    name = g:node("Pad", {name, g:list{0, 0, p[1], p[2], 0, 0, p[1], p[2]}, g:number(0, x.dtype)},
      {mode = "constant"})
    for i = 1, 2 do pads[i], pads[2 + i] = 0, pads[2 + i] - p[i] end
  end
  return g:node("AveragePool", {name}, {kernel_shape = a.kernel, strides = stride, pads = pads,
    count_include_pad = 0})
end

-- The windows that divide `size` pixels evenly into `count`: {first, last}, from 0.
local function windows(size, count)
  local list <const> = {}
  for i = 0, count - 1 do
    list[i + 1] = {i * size // count, ((i + 1) * size + count - 1) // count - 1}
  end
  return list
end

-- The matrix (count, size) whose product with `size` pixels gives the means of `count` windows.
local function shares(size, count)
  local matrix <const> = {}
  for i, window in ipairs(windows(size, count)) do
    matrix[i] = {}
    for k = 0, size - 1 do
      local inside <const> = k >= window[1] and k <= window[2]
      matrix[i][k + 1] = inside and 1 / (window[2] - window[1] + 1) or 0
    end
  end
  return matrix
end

-- The product over_rows * x * over_columns^T for images x (n,c,h,w). Both matrices are tables.
local function both_sides(g, name, over_rows, over_columns, dtype)
  local left <const> = g:tensor(core.from_table(over_rows, dtype))
  local right <const> = g:tensor(ops.contiguous_copy(ops.t(core.from_table(over_columns, dtype))))
  return g:node("MatMul", {left, g:node("MatMul", {name, right})})
end

-- Maxima along dimension d (from 0), window by window.
local function maxima(g, name, size, count, d)
  local parts <const> = {}
  for i, window in ipairs(windows(size, count)) do
    local part <const> = g:node("Slice",
      {name, g:list{window[1]}, g:list{window[2] + 1}, g:list{d} })
    parts[i] = g:node("ReduceMax", {part}, {axes = {d}, keepdims = true})
  end
  return #parts == 1 and parts[1] or g:node("Concat", parts, {axis = d})
end

local function adaptive(global, even, uneven)
  return function(g, call)
    local x <const>, size <const> = call.inputs.x, call.args.size
    local h <const>, w <const> = g:fixed(x.shape[3], "a side"), g:fixed(x.shape[4], "a side")
    if size[1] == 1 and size[2] == 1 then return g:node(global, {g:of(x)}) end
    if h % size[1] == 0 and w % size[2] == 0 then
      local kernel <const> = {h // size[1], w // size[2]}
      return g:node(even, {g:of(x)}, {kernel_shape = kernel, strides = kernel})
    end
    return uneven(g, g:of(x), h, w, size, x.dtype)
  end
end

rows.adaptive_avg_pool2d = adaptive("GlobalAveragePool", "AveragePool",
  function(g, name, h, w, size, dtype)
    return both_sides(g, name, shares(h, size[1]), shares(w, size[2]), dtype)
  end)

rows.adaptive_max_pool2d = adaptive("GlobalMaxPool", "MaxPool", function(g, name, h, w, size)
  return maxima(g, maxima(g, name, h, size[1], 2), w, size[2], 3)
end)

-- ---- normalisation ----------------------------------------------------------------------

function rows.batch_norm(g, call)
  local inputs <const>, a <const> = call.inputs, call.args
  if a.training then g:fail("it uses the statistics of the batch in evaluation mode too") end
  local x <const>, mean <const> = inputs.x, inputs.running_mean
  local channels <const> = g:fixed(x.shape[2], "the number of channels")
  local function filled(value)
    return g:tensor(core.new({channels}, mean.dtype, value))
  end
  local y <const> = g:node("BatchNormalization", {g:of(x),
    inputs.weight and g:of(inputs.weight) or filled(1),
    inputs.bias and g:of(inputs.bias) or filled(0), g:of(mean), g:of(inputs.running_var)},
    {epsilon = a.eps})
  return a.activation and g:node("Relu", {y}) or y
end

-- A slope for each channel, which is dimension 2 of x.
function rows.prelu(g, call)
  local x <const>, weight <const> = call.inputs.x, call.inputs.weight
  local shape <const> = {}
  for d = 3, #x.shape do shape[#shape + 1] = 1 end
  table.insert(shape, 1, weight.shape[1] or 1)
  local slope <const> = g:constant(weight, true)
  local name <const> = slope and g:tensor(ops.reshape(slope, shape), g.names[weight.key])
    or g:reshape(g:of(weight), shape)
  return g:node("PRelu", {g:of(x), name})
end

-- ---- products ---------------------------------------------------------------------------

function rows.matmul(g, call)
  return g:node("MatMul", {g:of(call.inputs.a), g:of(call.inputs.b)})
end

function rows.linear(g, call)
  local x <const>, weight <const> = call.inputs.x, call.inputs.weight
  local bias <const> = call.inputs.bias
  if #x.shape == 2 then
    return g:node("Gemm", {g:of(x), g:of(weight), maybe(g, bias)}, {transB = 1})
  end
  local turned <const> = g:node("Transpose", {g:of(weight)}, {perm = {1, 0}})
  local y <const> = g:node("MatMul", {g:of(x), turned})
  return bias and g:node("Add", {y, g:of(bias)}) or y
end

-- Turns the weights alpha of y_i = x_i + sum of alpha_ij (x_j - x_i) into the weights beta of
-- y_i = sum of beta_ij x_j.
local function plain_weights(alpha)
  local beta <const> = ops.clone(alpha)
  for i = 1, alpha:size(1) do
    local row <const> = ops.select(alpha, 1, i)
    local others <const> = ops.sub(ops.sum(row, 1), ops.select(row, 1, i))
    ops.copy_(ops.select(ops.select(beta, 1, i), 1, i), ops.sub(1, others))
  end
  return beta
end

-- Stacked columns (n, t*c, ...) are reshaped to (n, t, c * pixels), so that a mix is a product of
-- matrices. With weights for each channel the shape is (n, c, t, pixels).
function rows.mix(g, call)
  local x <const>, out <const> = call.inputs.x, call.outputs[1]
  local alpha = g:constant(call.inputs.alpha)
  if call.args.toward then alpha = plain_weights(alpha) end
  local t <const> = alpha:size(1)
  local c <const> = g:fixed(x.shape[2], "the number of channels") // t
  local pixels = 1
  for d = 3, #x.shape do pixels = pixels * g:fixed(x.shape[d], "a side") end
  if alpha:dim() == 2 then
    local stacked <const> = g:reshape(g:of(x), {x.shape[1], t, c * pixels})
    return g:reshape(g:node("MatMul", {g:tensor(alpha), stacked}), out.shape)
  end
  local order <const> = {perm = {0, 2, 1, 3}}
  local apart <const> = g:reshape(g:of(x), {x.shape[1], t, c, pixels})
  local stacked <const> = g:node("Transpose", {apart}, order)
  local weights <const> = g:tensor(ops.contiguous_copy(ops.permute(alpha, {3, 1, 2})))
  local mixed <const> = g:node("Transpose", {g:node("MatMul", {weights, stacked})}, order)
  return g:reshape(mixed, out.shape)
end

-- ---- resizing ---------------------------------------------------------------------------

-- For each output a row with the weights of `size` pixels, as resample.c computes them.
local function readings(size, out, scale, aligned)
  local matrix <const> = {}
  for i = 0, out - 1 do
    local at <const> = aligned and i * scale or (i + 0.5) * scale - 0.5
    local place <const> = math.max(0, math.min(at, size - 1))
    local low <const> = math.floor(place)
    local row <const> = {}
    for k = 1, size do row[k] = 0 end
    row[low + 1] = 1 - (place - low)
    if low + 2 <= size then row[low + 2] = place - low end
    matrix[i + 1] = row
  end
  return matrix
end

-- Whether a scale is the scale that ONNX computes from the sizes.
local function usual(size, out, scale, aligned)
  local own <const> = aligned and (out > 1 and (size - 1) / (out - 1) or 0) or size / out
  return math.abs(scale - own) <= 1e-12 * own
end

local function sides_of(g, call)
  local shape <const> = call.inputs.x.shape
  return g:fixed(shape[3], "a side"), g:fixed(shape[4], "a side"), call.args.size[1],
    call.args.size[2]
end

function rows.resize_bilinear(g, call)
  local a <const>, x <const> = call.args, call.inputs.x
  local h <const>, w <const>, oh <const>, ow <const> = sides_of(g, call)
  local aligned <const> = a.align_corners
  if usual(h, oh, a.scale_h, aligned) and usual(w, ow, a.scale_w, aligned) then
    return g:node("Resize", {g:of(x), "", "", g:sizes(call.outputs[1].shape)}, {mode = "linear",
      coordinate_transformation_mode = aligned and "align_corners" or "half_pixel"})
  end
  return both_sides(g, g:of(x), readings(h, oh, a.scale_h, aligned),
    readings(w, ow, a.scale_w, aligned), x.dtype)
end

-- The pixels that outputs read along dimension d.
local function picked(g, name, size, out, scale, d)
  local list <const> = {}
  for i = 0, out - 1 do list[i + 1] = math.min(math.floor(i * scale), size - 1) end
  return g:node("Gather", {name, g:list(list)}, {axis = d})
end

function rows.resize_nearest(g, call)
  local a <const>, x <const> = call.args, call.inputs.x
  local h <const>, w <const>, oh <const>, ow <const> = sides_of(g, call)
  if oh % h == 0 and ow % w == 0 and usual(h, oh, a.scale_h) and usual(w, ow, a.scale_w) then
    return g:node("Resize", {g:of(x), "", "", g:sizes(call.outputs[1].shape)}, {mode = "nearest",
      coordinate_transformation_mode = "asymmetric", nearest_mode = "floor"})
  end
  return picked(g, picked(g, g:of(x), h, oh, a.scale_h, 2), w, ow, a.scale_w, 3)
end

function rows.grid_sample(g, call)
  local a <const> = call.args
  return g:node("GridSample", {g:of(call.inputs.x), g:of(call.inputs.grid)}, {mode = a.mode,
    padding_mode = a.padding_mode, align_corners = a.align_corners})
end

return rows
