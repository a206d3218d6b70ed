--- ONNX's convolutions. Braid's are two-dimensional: a line becomes an image with one row, and a
-- volume becomes images, whose results are summed up over the depth of the kernel.

local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"
local windows <const> = require "braid.onnx.import.windows"

local ops <const> = core.ops

local M <const> = {}

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

M.ConvTranspose = {2, function(a, x, w, b)
  local auto <const> = a.auto_pad
  local plain <const> = setmetatable({auto_pad = "NOTSET", pads = auto and auto ~= "NOTSET" and {}
    or a.pads}, {__index = a})
  if plain.pads and #plain.pads == 0 then plain.pads = nil end
  local g <const> = windows.of(plain, x, {table.unpack(w.shape, 3)})
  if auto and auto ~= "NOTSET" then
    for i = 1, g.n do g.low[i], g.high[i] = 0, 0 end
  end
  if g.n > 2 then values.lacks("a transposed convolution over %d dimensions", g.n) end
  local low <const>, high <const>, extra <const> = transposed_padding(a, g, x)
  if g.n == 2 and low[1] == high[1] and low[2] == high[2] and low[1] >= 0 and low[2] >= 0 then
    return ops.conv_transpose2d(x, w, b, {stride = g.stride, padding = low, dilation = g.dilation,
      output_padding = extra, groups = a.group or 1})
  end
  local o <const> = options(g, a.group or 1)
  o.padding = 0
  local y <const> = g.n == 2 and ops.conv_transpose2d(x, w, b, o)
    or ops.conv_transpose2d(x:unsqueeze(3), w:unsqueeze(3), b, o):squeeze(3)
  for i = 1, g.n do
    -- values beyond the last product are only the bias
    if extra[i] - high[i] > 0 and b then values.lacks("this output_padding with a bias") end
    low[i], high[i] = -low[i], extra[i] - high[i]
  end
  return windows.padded(y, low, high, 0)
end}

return M
