--- Plain references for the operators on images (n, c, h, w): convolution, pooling, batch
-- norm. Arrays are those of reference.lua.

local ref <const> = require "spec.support.reference"

local M <const> = {}

local function pair(v, default)
  if v == nil then v = default end
  if type(v) == "table" then return v[1], v[2] end
  return v, v
end

local function zeros(shape)
  return ref.build(shape, function() return 0.0 end)
end

-- ---- convolution ----------------------------------------------------------------------

-- Calls visit(y place, x place, w place) for every product of a convolution.
local function products(xs, ws, o, visit)
  local n <const>, c <const>, h <const>, w <const> = table.unpack(xs)
  local oc <const>, cg <const>, kh <const>, kw <const> = table.unpack(ws)
  local sh <const>, sw <const> = pair(o.stride, 1)
  local dh <const>, dw <const> = pair(o.dilation, 1)
  local ph, pw = 0, 0
  if o.padding ~= "same" then ph, pw = pair(o.padding, 0) end
  local oh = (h + 2 * ph - dh * (kh - 1) - 1) // sh + 1
  local ow = (w + 2 * pw - dw * (kw - 1) - 1) // sw + 1
  if o.padding == "same" then
    ph, pw, oh, ow = dh * (kh - 1) // 2, dw * (kw - 1) // 2, h, w
  end
  local og <const> = oc // (o.groups or 1)
  if not visit then return {n, oc, oh, ow} end
  for i = 0, n - 1 do
    for k = 0, oc - 1 do
      for j = 0, cg - 1 do
        local plane <const> = (i * c + k // og * cg + j) * h
        for ky = 0, kh - 1 do
          for kx = 0, kw - 1 do
            local at_w <const> = ((k * cg + j) * kh + ky) * kw + kx + 1
            for y = 0, oh - 1 do
              local iy <const> = y * sh - ph + ky * dh
              for x = 0, ow - 1 do
                local ix <const> = x * sw - pw + kx * dw
                if iy >= 0 and iy < h and ix >= 0 and ix < w then
                  visit(((i * oc + k) * oh + y) * ow + x + 1, (plane + iy) * w + ix + 1,
                    at_w)
                end
              end
            end
          end
        end
      end
    end
  end
end

function M.conv2d(x, w, bias, o)
  o = o or {}
  local y <const> = zeros(products(x.shape, w.shape, o))
  local plane <const> = y.shape[3] * y.shape[4]
  products(x.shape, w.shape, o, function(at_y, at_x, at_w)
    y[at_y] = y[at_y] + x[at_x] * w[at_w]
  end)
  for k = 1, bias and #y or 0 do
    y[k] = y[k] + bias[(k - 1) // plane % y.shape[2] + 1]
  end
  return y
end

--- The gradients of x, w and the bias.
function M.conv2d_grad(x, w, dy, o)
  local dx <const>, dw <const> = zeros(x.shape), zeros(w.shape)
  local db <const>, plane <const> = zeros({w.shape[1]}), dy.shape[3] * dy.shape[4]
  products(x.shape, w.shape, o or {}, function(at_y, at_x, at_w)
    dx[at_x] = dx[at_x] + dy[at_y] * w[at_w]
    dw[at_w] = dw[at_w] + dy[at_y] * x[at_x]
  end)
  for k, v in ipairs(dy) do
    local channel <const> = (k - 1) // plane % w.shape[1] + 1
    db[channel] = db[channel] + v
  end
  return dx, dw, db
end

--- The input gradient of conv2d, for an input of the size that the options give.
function M.conv_transpose2d(x, w, bias, o)
  o = o or {}
  local shape <const> = {x.shape[1], w.shape[2] * (o.groups or 1)}
  for i = 1, 2 do
    local stride <const>, pad <const> = select(i, pair(o.stride, 1)), select(i, pair(o.padding, 0))
    local dilation <const> = select(i, pair(o.dilation, 1))
    shape[2 + i] = (x.shape[2 + i] - 1) * stride - 2 * pad
      + dilation * (w.shape[2 + i] - 1) + 1 + select(i, pair(o.output_padding, 0))
  end
  local y <const> = zeros(shape)
  products(shape, w.shape, o, function(at_y, at_x, at_w)
    y[at_x] = y[at_x] + x[at_y] * w[at_w]
  end)
  local plane <const> = shape[3] * shape[4]
  for k = 1, bias and #y or 0 do y[k] = y[k] + bias[(k - 1) // plane % shape[2] + 1] end
  return y
end

-- ---- pooling --------------------------------------------------------------------------

-- How many windows fit. With ceil_mode the last one may reach over the edge, but must begin
-- inside.
local function windows(size, kernel, stride, pad, dilation, ceil)
  local room <const> = size + 2 * pad - dilation * (kernel - 1) - 1
  local n = room // stride + 1
  if ceil and room % stride > 0 and n * stride < size + pad then n = n + 1 end
  return n
end

-- Calls f(values inside, the window's area within the padded image) for every window.
local function pool(x, kernel, o, f)
  local kh <const>, kw <const> = pair(kernel)
  local sh <const>, sw <const> = pair(o.stride, kernel)
  local ph <const>, pw <const> = pair(o.padding, 0)
  local dh <const>, dw <const> = pair(o.dilation, 1)
  local h <const>, w <const> = x.shape[3], x.shape[4]
  local shape <const> = {x.shape[1], x.shape[2], windows(h, kh, sh, ph, dh, o.ceil_mode),
    windows(w, kw, sw, pw, dw, o.ceil_mode)}
  return ref.build(shape, function(index)
    local values <const> = {}
    local top <const>, left <const> = (index[3] - 1) * sh - ph, (index[4] - 1) * sw - pw
    for ky = 0, kh - 1 do
      for kx = 0, kw - 1 do
        local iy <const>, ix <const> = top + ky * dh + 1, left + kx * dw + 1
        if iy >= 1 and iy <= h and ix >= 1 and ix <= w then
          values[#values + 1] = ref.at(x, {index[1], index[2], iy, ix})
        end
      end
    end
    local bottom <const>, right <const> = math.min(top + kh, h + ph),
      math.min(left + kw, w + pw)
    return f(values, (bottom - top) * (right - left))
  end)
end

function M.max_pool2d(x, kernel, o)
  return pool(x, kernel, o or {}, function(values)
    if #values == 0 then return -math.huge end
    return values[ref.argmax(values)]
  end)
end

function M.avg_pool2d(x, kernel, o)
  o = o or {}
  return pool(x, kernel, o, function(values, area)
    return ref.sum(values) / (o.count_include_pad == false and #values or area)
  end)
end

-- Window i of n covers floor((i - 1) size / n) + 1 .. ceil(i size / n).
local function adaptive(x, size, f)
  local oh <const>, ow <const> = pair(size)
  local h <const>, w <const> = x.shape[3], x.shape[4]
  return ref.build({x.shape[1], x.shape[2], oh, ow}, function(index)
    local values <const> = {}
    for iy = (index[3] - 1) * h // oh + 1, (index[3] * h + oh - 1) // oh do
      for ix = (index[4] - 1) * w // ow + 1, (index[4] * w + ow - 1) // ow do
        values[#values + 1] = ref.at(x, {index[1], index[2], iy, ix})
      end
    end
    return f(values)
  end)
end

function M.adaptive_avg_pool2d(x, size) return adaptive(x, size, ref.mean) end

function M.adaptive_max_pool2d(x, size)
  return adaptive(x, size, function(values) return values[ref.argmax(values)] end)
end

-- ---- batch norm -----------------------------------------------------------------------

--- Also returns the new running statistics.
function M.batch_norm(x, weight, bias, running_mean, running_var, o)
  local dims <const> = {1}
  for d = 3, #x.shape do dims[#dims + 1] = d end
  local mean, var, mean_after, var_after = running_mean, running_var
  if o.training then
    local momentum <const> = o.momentum or 0.1
    local function blend(old, new) return (1 - momentum) * old + momentum * new end
    mean = ref.reduce(x, dims, false, ref.mean)
    var = ref.reduce(x, dims, false, function(v) return ref.var(v, false) end)
    local unbiased <const> = ref.reduce(x, dims, false,
      function(v) return ref.var(v, true) end)
    mean_after = running_mean and ref.map(blend, running_mean, mean)
    var_after = running_var and ref.map(blend, running_var, unbiased)
  end
  local y <const> = ref.build(x.shape, function(index)
    local c <const> = index[2]
    local v <const> = (ref.at(x, index) - mean[c]) / math.sqrt(var[c] + (o.eps or 1e-5))
    return v * (weight and weight[c] or 1) + (bias and bias[c] or 0)
  end)
  return y, mean_after, var_after
end

--- Normalises every row of the last dimension by its own mean and variance.
function M.standardize(x, eps)
  local last <const> = {#x.shape}
  local mean <const> = ref.reduce(x, last, true, ref.mean)
  local var <const> = ref.reduce(x, last, true, function(v) return ref.var(v, false) end)
  return ref.map(function(v, m, s) return (v - m) / math.sqrt(s + (eps or 1e-5)) end, x, mean, var)
end

-- ---- resampling -----------------------------------------------------------------------

-- Reads the image (i, k) of x at a row and column counted from 0, which may have fractions.
-- Pixels outside count as 0.
local function between(x, i, k, row, column)
  local total = 0
  for iy = row // 1, row // 1 + 1 do
    for ix = column // 1, column // 1 + 1 do
      if iy >= 0 and iy < x.shape[3] and ix >= 0 and ix < x.shape[4] then
        total = total + (1 - math.abs(row - iy)) * (1 - math.abs(column - ix))
          * ref.at(x, {i, k, math.tointeger(iy) + 1, math.tointeger(ix) + 1})
      end
    end
  end
  return total
end

local function limited(v, last) return math.min(math.max(v, 0), last) end

function M.resize_bilinear(x, size, scale_h, scale_w, align)
  local oh <const>, ow <const> = pair(size)
  local function place(i, scale, count)
    return limited(align and (i - 1) * scale or (i - 0.5) * scale - 0.5, count - 1)
  end
  return ref.build({x.shape[1], x.shape[2], oh, ow}, function(index)
    return between(x, index[1], index[2], place(index[3], scale_h, x.shape[3]),
      place(index[4], scale_w, x.shape[4]))
  end)
end

function M.resize_nearest(x, size, scale_h, scale_w)
  local oh <const>, ow <const> = pair(size)
  local function place(i, scale, count)
    return math.min(math.floor((i - 1) * scale), count - 1) + 1
  end
  return ref.build({x.shape[1], x.shape[2], oh, ow}, function(index)
    return ref.at(x, {index[1], index[2], place(index[3], scale_h, x.shape[3]),
      place(index[4], scale_w, x.shape[4])})
  end)
end

function M.grid_sample(x, grid, o)
  o = o or {}
  local function place(v, count)
    local at = o.align_corners and (v + 1) / 2 * (count - 1)
      or ((v + 1) * count - 1) / 2
    if o.padding_mode == "border" then at = limited(at, count - 1) end
    return o.mode == "nearest" and ref.round(at) or at
  end
  return ref.build({x.shape[1], x.shape[2], grid.shape[2], grid.shape[3]}, function(index)
    local i <const>, oy <const>, ox <const> = index[1], index[3], index[4]
    return between(x, i, index[2], place(ref.at(grid, {i, oy, ox, 2}), x.shape[3]),
      place(ref.at(grid, {i, oy, ox, 1}), x.shape[4]))
  end)
end

return M
