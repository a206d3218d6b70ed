--- ONNX's pools. A two-dimensional pool is Braid's own operator; all others, and dilated averages,
-- uneven padding or indices, take the extreme or the mean over a tensor of all windows.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"
local windows <const> = require "braid.onnx.import.windows"

local ops <const> = core.ops

local M <const> = {}

-- Whether Braid's pool has the node's padding: even, and at most half of the kernel.
local function is_plain(g)
  return windows.is_even(g) and 2 * g.low[1] <= g.kernel[1] and 2 * g.low[2] <= g.kernel[2]
end

-- The indices (from 0) in x of the largest value of each window, as MaxPool counts them: within
-- all of x, by rows or, with storage_order 1, by columns.
local function indices_of(a, g, x, counts, winner)
  local rest, place, step = winner, nil, 1
  local coordinates <const> = {}
  for i = g.n, 1, -1 do
    local offset <const> = rest % g.kernel[i]
    rest = rest // g.kernel[i]
    local shape <const> = {}
    for d = 1, g.n + 2 do shape[d] = d == i + 2 and counts[i] or 1 end
    local start <const> = ((ops.cumsum(core.new({counts[i]}, "int64", 1), 1) - 1) * g.stride[i]
      - g.low[i]):reshape(shape)
    coordinates[i] = start + offset * g.dilation[i]
  end
  for k = 1, g.n do
    local i <const> = a.storage_order == 1 and k or g.n + 1 - k
    place = place and place + coordinates[i] * step or coordinates[i]
    step = step * x:size(i + 2)
  end
  local planes <const> = ops.cumsum(core.new({x:size(1) * x:size(2)}, "int64", 1), 1) - 1
  local shape <const> = {x:size(1), x:size(2)}
  for d = 3, g.n + 2 do shape[d] = 1 end
  return place + planes:reshape(shape) * step
end

M.MaxPool = {1, function(a, x)
  if x.dtype == "uint8" or x.dtype == "int32" then
    return M.MaxPool[2](a, x:to("float64")):to(x.dtype)
  end
  local g <const>, ceil <const> = windows.of(a, x, a.kernel_shape), a.ceil_mode == 1
  if a.results < 2 and is_plain(g) then
    return x:max_pool2d(g.kernel, g.stride, g.low, ceil, g.dilation)
  end
  local counts <const> = windows.counts(g, x, ceil)
  local y <const>, winner <const> = windows.all(g, x, counts, -math.huge):max(1)
  return y, a.results > 1 and indices_of(a, g, x, counts, winner - 1) or nil
end}

-- The number of values in each window: the values of x, and also of its padding if that counts.
local function sizes_of(a, g, x, counts)
  local one <const> = core.new({1, 1, table.unpack(x.shape, 3)}, x.dtype, 1)
  if a.count_include_pad ~= 1 then return windows.all(g, one, counts, 0):sum(1) end
  local zero <const> = {}
  for i = 1, g.n do zero[i] = 0 end
  local inside <const> = {n = g.n, kernel = g.kernel, stride = g.stride, dilation = g.dilation,
    low = zero, high = zero}
  return windows.all(inside, windows.padded(one, g.low, g.high, 1), counts, 0):sum(1)
end

M.AveragePool = {1, function(a, x)
  local g <const>, ceil <const> = windows.of(a, x, a.kernel_shape), a.ceil_mode == 1
  if is_plain(g) and g.dilation[1] == 1 and g.dilation[2] == 1 then
    return x:avg_pool2d(g.kernel, g.stride, g.low, ceil, a.count_include_pad == 1)
  end
  local counts <const> = windows.counts(g, x, ceil)
  return windows.all(g, x, counts, 0):sum(1) / sizes_of(a, g, x, counts)
end}

M.LpPool = {1, function(a, x)
  local g <const>, p <const> = windows.of(a, x, a.kernel_shape), a.p or 2
  local counts <const> = windows.counts(g, x, a.ceil_mode == 1)
  return (windows.all(g, x:abs(), counts, 0) ^ p):sum(1) ^ (1 / p)
end}

-- The dimensions after the channels.
local function places(x)
  local list <const> = {}
  for d = 3, x:dim() do list[d - 2] = d end
  if #list == 0 then check.fail("x must have shape (n, c, ...)") end
  return list
end

M.GlobalAveragePool = {1, function(_, x) return x:mean(places(x), true) end}
M.GlobalMaxPool = {1, function(_, x)
  local y <const> = x:flatten(3, -1):max(3)
  local shape <const> = {x:size(1), x:size(2)}
  for d = 3, x:dim() do shape[d] = 1 end
  return y:reshape(shape)
end}
M.GlobalLpPool = {1, function(a, x) return x:norm(a.p or 2, places(x), true) end}

M.MaxUnpool = {2, function(a, x, at, shape)
  local g <const> = windows.of(a, x, a.kernel_shape)
  local own <const> = {x:size(1), x:size(2)}
  for i = 1, g.n do
    own[i + 2] = (x:size(i + 2) - 1) * g.stride[i] + g.kernel[i] - g.low[i] - g.high[i]
  end
  local size <const> = values.sized(values.ints(shape) or own)
  local n = 1
  for _, s in ipairs(own) do n = n * s end
  local flat <const> = core.new({n}, x.dtype, 0):scatter(1, at:reshape({-1}) + 1, x:reshape({-1}))
    :reshape(own)
  local low <const>, high <const> = {}, {}
  for i = 1, g.n do low[i], high[i] = 0, size[i + 2] - own[i + 2] end
  return windows.padded(flat, low, high, 0)
end}

return M
