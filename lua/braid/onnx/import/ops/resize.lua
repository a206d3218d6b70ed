--- ONNX's Resize and Upsample: nearest, linear and cubic, along any axes. Each axis is resized by
-- itself: by picking values, or as a sum of picked values by weights.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local F <const> = require "braid.functional"
local values <const> = require "braid.onnx.import.values"

local M <const> = {}

-- A number in float32, in which scales are and others compute: 10 * 1.4 is 14 there.
local function single(x) return (("<f"):unpack(("<f"):pack(x))) end

local function over(x, s) return single(x / s) end

-- The place in the input of output place i, by coordinate_transformation_mode. `s` is the scale, n
-- and m are the sizes before and after.
local PLACES <const> = {
  half_pixel = function(i, s) return over(i + 0.5, s) - 0.5 end,
  pytorch_half_pixel = function(i, s, _, m) return m > 1 and over(i + 0.5, s) - 0.5 or 0 end,
  half_pixel_symmetric = function(i, s, n, m)
    local adjusted <const> = m / (s * n)
    return n / 2 * (1 - adjusted) + over(i + 0.5, s) - 0.5
  end,
  align_corners = function(i, _, n, m) return m > 1 and i * (n - 1) / (m - 1) or 0 end,
  asymmetric = function(i, s) return over(i, s) end,
  tf_half_pixel_for_nn = function(i, s) return over(i + 0.5, s) end,
  tf_crop_and_resize = function(i, _, n, m, first, last)
    if m == 1 then return 0.5 * (first + last) * (n - 1) end
    return first * (n - 1) + i * (last - first) * (n - 1) / (m - 1)
  end,
}

local ROUNDED <const> = {
  round_prefer_floor = function(x) return math.ceil(x - 0.5) end,
  round_prefer_ceil = function(x) return math.floor(x + 0.5) end,
  floor = math.floor, ceil = math.ceil,
}

local function linear(d) return math.max(0, 1 - math.abs(d)) end

-- Keys 1981, with the coefficient a.
local function cubic(a)
  return function(d)
    d = math.abs(d)
    if d <= 1 then return ((a + 2) * d - (a + 3)) * d * d + 1 end
    if d < 2 then return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a end
    return 0
  end
end

-- The sums that make m outputs of n inputs, as lists {{places = of inputs, weights =}, ...} with an
-- entry for each output.
local function taps(o, axis, n, m)
  local list <const>, f <const> = {}, o.kernel
  -- antialias makes the kernel as wide as an output value, if the axis shrinks
  local wide <const> = o.antialias and axis.scale < 1 and axis.scale or 1
  local reach <const> = math.ceil(o.support / wide)
  for k = 1, 2 * reach do list[k] = {places = {}, weights = {}} end
  for i = 1, m do
    local at <const> = axis.place(i - 1)
    local total = 0
    for k, tap in ipairs(list) do
      local j <const> = math.floor(at) - reach + k
      local inside <const> = j >= 0 and j < n
      tap.places[i] = math.tointeger(math.max(0, math.min(n - 1, j))) + 1
      tap.weights[i] = (inside or not o.exclude) and f((at - j) * wide) or 0
      total = total + tap.weights[i]
    end
    for _, tap in ipairs(list) do tap.weights[i] = tap.weights[i] / (total ~= 0 and total or 1) end
  end
  return list
end

local function picked(o, axis, n, m)
  local list <const> = {}
  for i = 0, m - 1 do
    local at <const> = ROUNDED[o.rounding](axis.place(i))
    list[i + 1] = math.tointeger(math.max(0, math.min(n - 1, at))) + 1
  end
  return list
end

-- Resizes dimension d of x.
local function resized(o, x, d, axis)
  local n <const>, m <const> = x:size(d), axis.size
  if o.mode == "nearest" then
    return x:index_select(d, values.whole_tensor(picked(o, axis, n, m)))
  end
  local shape <const> = {}
  for k = 1, x:dim() do shape[k] = k == d and m or 1 end
  local y
  for _, tap in ipairs(taps(o, axis, n, m)) do
    local part <const> = x:index_select(d, values.whole_tensor(tap.places))
      * core.from_table(tap.weights, x.dtype):reshape(shape)
    y = y and y + part or part
  end
  if not o.crops then return y end
  local mask <const> = {}
  for i = 1, m do
    local at <const> = axis.place(i - 1)
    mask[i] = at < 0 or at > n - 1
  end
  return y:masked_fill(core.from_table(mask, "bool"):reshape(shape), o.outside)
end

-- The sizes and scales that a node asks for, by dimension.
local function targets(a, x, scales, sizes, dims)
  local list <const> = {}
  if sizes and #sizes > 0 then
    local policy <const> = a.keep_aspect_ratio_policy or "stretch"
    local common
    for i, d in ipairs(dims) do
      local s <const> = (sizes[i] or 0) / x:size(d)
      if policy ~= "stretch" then
        common = common and (policy == "not_larger" and math.min or math.max)(common, s) or s
      end
      list[i] = {size = sizes[i], scale = s}
    end
    for i, d in ipairs(dims) do
      if common then list[i] = {size = math.floor(x:size(d) * common + 0.5), scale = common} end
    end
  else
    for i, d in ipairs(dims) do
      local s <const> = scales and scales[i] or check.fail("it has neither sizes nor scales")
      list[i] = {size = math.floor(single(x:size(d) * s)), scale = s}
    end
  end
  for _, t in ipairs(list) do
    t.size = type(t.size) == "number" and math.tointeger(t.size)
    if not t.size or t.size < 1 then check.fail("it resizes to %s values", tostring(t.size)) end
  end
  return list
end

local function options(a)
  local mode <const> = a.mode or "nearest"
  local how <const> = a.coordinate_transformation_mode or "half_pixel"
  local o <const> = {mode = mode, place = PLACES[how], crops = how == "tf_crop_and_resize",
    rounding = a.nearest_mode or "round_prefer_floor", antialias = a.antialias == 1,
    exclude = a.exclude_outside == 1, outside = a.extrapolation_value or 0,
    kernel = mode == "cubic" and cubic(a.cubic_coeff_a or -0.75) or linear,
    support = mode == "cubic" and 2 or 1, how = how}
  if not o.place then check.fail("there is no coordinate_transformation_mode '%s'", how) end
  if not ROUNDED[o.rounding] then check.fail("there is no nearest_mode '%s'", o.rounding) end
  if mode ~= "nearest" and mode ~= "linear" and mode ~= "cubic" and mode ~= "bilinear" then
    check.fail("there is no mode '%s'", mode)
  end
  return o
end

-- The result of Braid's own bilinear operator if it does the same; otherwise nil.
local function by_interpolate(o, x, list, dims)
  local plain <const> = o.how == "half_pixel" or o.how == "pytorch_half_pixel"
    or o.how == "align_corners"
  if x:dim() ~= 4 or (o.mode ~= "linear" and o.mode ~= "bilinear") or not plain or o.antialias
    or not values.is_float(x) then
    return nil
  end
  local size <const> = {x:size(3), x:size(4)}
  for i, d in ipairs(dims) do
    local t <const> = list[i]
    if t.size ~= x:size(d) and d < 3 or d > 2 and t.size == 1
      or o.how ~= "align_corners" and math.abs(t.scale * x:size(d) - t.size) > 1e-4 then
      return nil
    end
    if d > 2 then size[d - 2] = t.size end
  end
  return F.interpolate(x, {size = size, mode = "bilinear",
    align_corners = o.how == "align_corners"})
end

local function run(a, x, roi, scales, sizes)
  local o <const> = options(a)
  local dims <const> = values.dims(a.axes, x:dim()) or values.all_dims(x)
  local list <const> = targets(a, x, scales, sizes, dims)
  local shape <const> = x.shape
  for i, d in ipairs(dims) do shape[d] = list[i].size end
  values.sized(shape)
  local done <const> = by_interpolate(o, x, list, dims)
  if done then return done end
  local y = values.is_float(x) and x or o.mode ~= "nearest" and x:to("float64") or x
  for i, d in ipairs(dims) do
    local n <const>, m <const>, s <const> = x:size(d), list[i].size, list[i].scale
    local first <const>, last <const> = roi and roi[i] or 0, roi and roi[i + #dims] or 1
    if m ~= n or o.crops or s ~= 1 then
      y = resized(o, y, d, {size = m, scale = s, place = function(k)
        return o.place(k, s, n, m, first, last)
      end})
    end
  end
  return y.dtype ~= x.dtype and y:round():to(x.dtype) or y
end

local function floats(t)
  if not t or t:numel() == 0 then return nil end
  if t:numel() > 64 then check.fail("an input has %d values", t:numel()) end
  return t:reshape({-1}):totable()
end

M.Resize = {1, function(a, x, roi, scales, sizes)
  if a.opset < 11 then -- Resize had only scales, and the places of Upsample
    return run(setmetatable({coordinate_transformation_mode = "asymmetric",
      nearest_mode = "floor"}, {__index = a}), x, nil, floats(roi))
  end
  return run(a, x, floats(roi), floats(scales), values.ints(sizes))
end}

M.Upsample = {1, function(a, x, scales)
  return run(setmetatable({coordinate_transformation_mode = "asymmetric",
    nearest_mode = "floor"}, {__index = a}), x, nil, floats(scales) or a.scales)
end}

return M
