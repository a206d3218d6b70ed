--- ONNX's convolutions. Braid's are two-dimensional: a line becomes an image with one row, and a
-- volume becomes images, whose results are summed up over the depth of the kernel.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"
local windows <const> = require "braid.onnx.import.windows"

local ops <const> = core.ops

local M <const> = {}

local ONES <const> = {1, 1, 1}

local function options(g, group, low)
  local first <const> = g.n == 1 and 0 or g.n - 1
  if g.n == 1 then
    return {stride = {1, g.stride[1]}, padding = {0, low and low[1] or 0},
      dilation = {1, g.dilation[1]}, groups = group}
  end
  return {stride = {g.stride[first], g.stride[first + 1]},
    padding = low and {low[first], low[first + 1]} or 0,
    dilation = {g.dilation[first], g.dilation[first + 1]}, groups = group}
end

local function volume(g, x, w, b, group)
  local counts <const> = windows.counts(g, x)
  x = windows.padded(x, g.low, g.high, 0)
  local n <const>, c <const>, _, h <const>, width <const> = table.unpack(x.shape)
  local o <const>, y = options(g, group), nil
  for k = 1, g.kernel[1] do
    local slices <const> = x:narrow(3, (k - 1) * g.dilation[1] + 1, counts[1], g.stride[1])
      :permute({1, 3, 2, 4, 5}):reshape({n * counts[1], c, h, width})
    local part <const> = ops.conv2d(slices, w:select(3, k), k == 1 and b or nil, o)
    y = y and y + part or part
  end
  return y:reshape({n, counts[1], y:size(2), y:size(3), y:size(4)}):permute({1, 3, 2, 4, 5})
end

M.Conv = {2, function(a, x, w, b)
  local g <const> = windows.of(a, x, {table.unpack(w.shape, 3)})
  local group <const> = a.group or 1
  if g.n == 3 then return volume(g, x, w, b, group) end
  if g.n > 3 then values.lacks("a convolution over %d dimensions", g.n) end
  local even <const> = g.low[1] == g.high[1] and g.low[2] == g.high[2]
    and g.low[1] >= 0 and (g.low[2] or 0) >= 0
  if not even then x = windows.padded(x, g.low, g.high, 0) end
  local o <const> = options(g, group, even and g.low)
  if g.n == 2 then return ops.conv2d(x, w, b, o) end
  return ops.conv2d(x:unsqueeze(3), w:unsqueeze(3), b, o):squeeze(3)
end}

-- The padding before and after that gives a transposed convolution the size that the node asks
-- for, and the pixels that are added at the end of the output.
local function transposed_padding(a, g, x)
  local more <const> = a.output_padding or {}
  local auto <const> = a.auto_pad or "NOTSET"
  local low <const>, high <const>, extra <const> = {}, {}, {}
  for i = 1, g.n do
    extra[i] = more[i] or 0
    low[i], high[i] = g.low[i], g.high[i]
    local size <const> = a.output_shape and a.output_shape[#a.output_shape - g.n + i]
      or auto:find("^SAME") and x:size(i + 2) * g.stride[i]
    if size then
      local total <const> = (x:size(i + 2) - 1) * g.stride[i] + extra[i]
        + (g.kernel[i] - 1) * g.dilation[i] + 1 - size
      low[i] = auto == "SAME_UPPER" and total // 2 or total - total // 2
      if auto == "SAME_LOWER" or auto == "NOTSET" then low[i] = total - total // 2 end
      high[i] = total - low[i]
    end
  end
  return low, high, extra
end

-- x with `stride` - 1 slices of zeros between those along the third dimension.
local function spread(x, stride)
  local n <const>, c <const>, depth <const>, h <const>, width <const> = table.unpack(x.shape)
  if stride == 1 then return x end
  values.sized{n, c, depth, stride, h, width}
  return ops.pad(x:unsqueeze(4), {0, 0, 0, 0, 0, stride - 1})
    :reshape({n, c, depth * stride, h, width}):narrow(3, 1, (depth - 1) * stride + 1)
end

-- The transposed convolution of g.n dimensions without padding.
local function transposed(g, x, w, group)
  local o <const>, n <const>, c <const> = options(g, group), x:size(1), x:size(2)
  if g.n == 1 then
    return ops.conv_transpose2d(x:unsqueeze(3), w:unsqueeze(3), nil, o):squeeze(3)
  elseif g.n == 2 then
    return ops.conv_transpose2d(x, w, nil, o)
  elseif g.n > 3 then
    values.lacks("a transposed convolution over %d dimensions", g.n)
  end
  local slices <const>, y = x:permute({1, 3, 2, 4, 5})
    :reshape({n * x:size(3), c, x:size(4), x:size(5)}), nil
  for k = 1, g.kernel[1] do
    local part = ops.conv_transpose2d(slices, w:select(3, k), nil, o)
    part = part:reshape({n, x:size(3), table.unpack(part.shape, 2)}):permute({1, 3, 2, 4, 5})
    part = windows.padded(spread(part, g.stride[1]), {(k - 1) * g.dilation[1], 0, 0},
      {(g.kernel[1] - k) * g.dilation[1], 0, 0}, 0)
    y = y and y + part or part
  end
  return y
end

M.ConvTranspose = {2, function(a, x, w, b)
  local auto <const> = a.auto_pad
  local plain <const> = setmetatable({auto_pad = "NOTSET", pads = auto and auto ~= "NOTSET" and {}
    or a.pads}, {__index = a})
  if plain.pads and #plain.pads == 0 then plain.pads = nil end
  local g <const> = windows.of(plain, x, {table.unpack(w.shape, 3)})
  if auto and auto ~= "NOTSET" then
    for i = 1, g.n do g.low[i], g.high[i] = 0, 0 end
  end
  local low <const>, high <const>, extra <const> = transposed_padding(a, g, x)
  if g.n == 2 and low[1] == high[1] and low[2] == high[2] and low[1] >= 0 and low[2] >= 0 then
    return ops.conv_transpose2d(x, w, b, {stride = g.stride, padding = low, dilation = g.dilation,
      output_padding = extra, groups = a.group or 1})
  end
  for i = 1, g.n do low[i], high[i] = -low[i], extra[i] - high[i] end
  local y <const> = windows.padded(transposed(g, x, w, a.group or 1), low, high, 0)
  return b and y + b:reshape({-1, table.unpack(ONES, 1, g.n)}) or y
end}

-- Adds columns (n, c * k, places) up to images, where each is what a kernel of k values covers: a
-- transposed convolution whose kernels have a single 1.
M.Col2Im = {3, function(a, x, image, block)
  local size <const>, kernel <const> = values.ints(image), values.ints(block)
  local shape <const>, places, channels = {1, 1, table.unpack(size)}, 1, x:size(2)
  local blank <const> = core.new({}, x.dtype, 0):expand(shape)
  local g <const> = windows.of(a, blank, kernel)
  local counts <const>, more <const> = windows.counts(g, blank), {}
  for i = 1, g.n do
    places, channels = places * kernel[i], channels // kernel[i]
    more[i] = size[i] + g.low[i] + g.high[i] - (counts[i] - 1) * g.stride[i]
      - (kernel[i] - 1) * g.dilation[i] - 1
  end
  if channels < 1 or channels * places ~= x:size(2) then
    check.fail("a kernel of %d values does not fit %d rows", places, x:size(2))
  end
  values.sized{places, places, channels}
  local k <const> = ops.cumsum(core.new({places}, "int64", 1), 1)
  local one <const>, kernels <const> = k:unsqueeze(1):eq(k:unsqueeze(2)):to(x.dtype), {}
  for c = 1, channels do kernels[c] = one:reshape({places, 1, table.unpack(kernel)}) end
  return M.ConvTranspose[2]({strides = a.strides, dilations = a.dilations, pads = a.pads,
    output_padding = more, group = channels},
    x:reshape({x:size(1), x:size(2), table.unpack(counts)}),
    ops.cat(kernels, 1))
end}

return M
