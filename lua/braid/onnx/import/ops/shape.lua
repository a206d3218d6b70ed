--- ONNX's operators that change shapes, and cut and join tensors.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local tensors <const> = require "braid.onnx.import.tensors"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops
local dim <const>, ints <const>, sized <const> = values.dim, values.ints, values.sized

local M <const> = {}

M.Shape = {1, function(a, x)
  local n <const>, shape <const> = x:dim(), {}
  local function place(i) return math.max(0, math.min(n, i < 0 and i + n or i)) end
  for d = place(a.start or 0) + 1, place(a["end"] or n) do shape[#shape + 1] = x:size(d) end
  return values.whole_tensor(shape)
end}

M.Size = {1, function(_, x) return values.whole_tensor(x:numel()) end}

M.Reshape = {1, function(a, x, shape)
  local wanted <const> = ints(shape) or check.copy("Reshape", a.shape)
  for d, size in ipairs(wanted) do
    if size == 0 and a.allowzero ~= 1 then wanted[d] = x:size(d) end
  end
  return x:reshape(wanted)
end}

M.Flatten = {1, function(a, x)
  local axis <const> = a.axis or 1
  local cut <const>, first, last = axis < 0 and axis + x:dim() or axis, 1, 1
  for d, n in ipairs(x.shape) do
    if d <= cut then first = first * n else last = last * n end
  end
  return x:reshape({first, last})
end}

M.Squeeze = {1, function(a, x, axes)
  return x:squeeze(values.dims(ints(axes) or a.axes, x:dim()))
end}

M.Unsqueeze = {1, function(a, x, axes)
  local given <const> = ints(axes) or a.axes or check.fail("it has no axes")
  local list <const> = values.dims(given, x:dim() + #given) or {}
  table.sort(list)
  for _, d in ipairs(list) do x = x:unsqueeze(d) end
  return x
end}

M.Transpose = {1, function(a, x)
  local order <const>, n <const> = {}, x:dim()
  if a.perm and #a.perm ~= n then
    check.fail("it orders %d axes, but x has %d", #a.perm, n)
  end
  for d = 1, n do order[d] = a.perm and dim(a.perm[d], n) or n + 1 - d end
  return x:permute(order)
end}

M.Expand = {2, function(_, x, shape)
  local wanted <const> = ints(shape)
  for _ = #wanted + 1, x:dim() do table.insert(wanted, 1, 1) end
  for d = 1, x:dim() do
    local at <const> = #wanted - x:dim() + d
    if wanted[at] == 1 then wanted[at] = x:size(d) end
  end
  return x:expand(sized(wanted))
end}

M.Tile = {2, function(_, x, times)
  local list <const> = ints(times)
  local shape <const> = {}
  for d, n in ipairs(x.shape) do shape[d] = n * (list[d] or 1) end
  sized(shape)
  return x:tile(list)
end}

M.Concat = {1, function(a, ...)
  local list <const>, full = {...}, {}
  -- PyTorch's exporter joins empty lists with others
  for _, t in ipairs(list) do
    if not (t:dim() == 1 and t:numel() == 0) then full[#full + 1] = t end
  end
  if #full == 0 then return list[1] end
  return ops.cat(full, dim(a.axis or 1, full[1]:dim()))
end}

M.Split = {1, function(a, x, split)
  local d <const>, sizes <const> = dim(a.axis or 0, x:dim()), ints(split) or a.split
  local n <const> = x:size(d)
  local count <const> = sizes and #sizes or a.num_outputs or a.results
  local each <const> = (n + count - 1) // count
  local parts <const>, first = {}, 1
  for i = 1, count do
    local length <const> = sizes and sizes[i] or math.max(0, math.min(each, n - first + 1))
    parts[i] = x:narrow(d, first, length)
    first = first + length
  end
  if first ~= n + 1 then check.fail("the parts have %d of %d values", first - 1, n) end
  return table.unpack(parts)
end}

-- Cuts one dimension as Python's slices do.
local function cut(x, d, first, last, step)
  local n <const> = x:size(d)
  if step == 0 then check.fail("a step of 0") end
  local high <const> = step < 0 and n - 1 or n
  local function place(i, low) return math.max(low, math.min(high, i < 0 and i + n or i)) end
  first, last = place(first, math.min(0, high)), last < -n and step < 0 and -1
    or place(last, step < 0 and -1 or 0)
  if step > 0 then
    local count <const> = math.max(0, last - first + step - 1) // step
    return x:narrow(d, count > 0 and first + 1 or 1, count, math.min(step, math.max(1, n)))
  end
  local back <const> = -step
  local count <const> = math.max(0, first - last + back - 1) // back
  return x:flip({d}):narrow(d, count > 0 and n - first or 1, count, math.min(back, math.max(1, n)))
end

M.Slice = {1, function(a, x, starts, ends, axes, steps)
  local from <const>, to <const> = ints(starts) or a.starts, ints(ends) or a.ends
  local at <const>, by <const> = ints(axes) or a.axes, ints(steps) or {}
  if not from or not to then check.fail("it has no starts and ends") end
  for i = 1, #from do
    local d <const> = dim(at and at[i] or i - 1, x:dim())
    x = cut(x, d, from[i], to[i] or check.fail("it has fewer ends than starts"), by[i] or 1)
  end
  return x
end}

local MODES <const> = {constant = "constant", reflect = "reflect", edge = "replicate",
  wrap = "circular"}

M.Pad = {1, function(a, x, pads, value, axes)
  local p <const>, n <const> = ints(pads) or a.pads or a.paddings, x:dim()
  local at <const> = values.dims(ints(axes), n) or values.all_dims(x)
  if not p or #p ~= 2 * #at then check.fail("it pads %d axes", #at) end
  local low <const>, high <const>, shape <const> = {}, {}, x.shape
  for i, d in ipairs(at) do
    low[d], high[d] = p[i], p[#at + i]
    shape[d] = math.max(0, shape[d] + low[d] + high[d])
  end
  sized(shape)
  local list <const> = {}
  for d = n, 1, -1 do
    list[#list + 1], list[#list + 2] = low[d] or 0, high[d] or 0
  end
  while #list > 2 and list[#list] == 0 and list[#list - 1] == 0 do
    list[#list], list[#list - 1] = nil, nil -- Braid pads only the last axes in some modes
  end
  local mode <const> = MODES[a.mode or "constant"]
    or check.fail("there is no mode '%s'", tostring(a.mode))
  local fill = values.scalar(value, type(a.value) == "number" and a.value or 0)
  if not values.is_float(x) and type(fill) == "number" then fill = math.tointeger(fill) or fill end
  return ops.pad(x, list, mode, mode == "constant" and fill or nil)
end}

M.CenterCropPad = {2, function(a, x, shape)
  local wanted <const> = ints(shape)
  local at <const> = values.dims(a.axes, x:dim()) or values.all_dims(x)
  local list <const> = {}
  for d = 1, x:dim() do list[2 * d - 1], list[2 * d] = 0, 0 end
  for i, d in ipairs(at) do
    local more <const> = (wanted[i] or x:size(d)) - x:size(d)
    local k <const> = 2 * (x:dim() - d)
    local before <const> = more < 0 and -(-more // 2) or more // 2
    list[k + 1], list[k + 2] = before, more - before
  end
  sized(wanted)
  return ops.pad(x, list)
end}

M.DepthToSpace = {1, function(a, x)
  local r <const> = a.blocksize or 1
  if a.mode == "CRD" then return x:pixel_shuffle(r) end
  local n <const>, c <const>, h <const>, w <const> = table.unpack(x.shape)
  return x:reshape({n, r, r, c // (r * r), h, w}):permute({1, 4, 5, 2, 6, 3})
    :reshape({n, c // (r * r), h * r, w * r})
end}

M.SpaceToDepth = {1, function(a, x)
  local r <const> = a.blocksize or 1
  local n <const>, c <const>, h <const>, w <const> = table.unpack(x.shape)
  x = x:reshape({n, c, h // r, r, w // r, r})
  x = x:permute(a.mode == "CRD" and {1, 2, 4, 6, 3, 5} or {1, 4, 6, 2, 3, 5})
  return x:reshape({n, c * r * r, h // r, w // r})
end}

M.ConstantOfShape = {1, function(a, shape)
  local sizes <const>, value <const> = sized(ints(shape)), a.value
  if not value then return core.new(sizes, a.float, 0) end
  return core.new(sizes, values.float_of(a, value.dtype), values.scalar(value))
end}

M.Range = {3, function(_, first, limit, step)
  local from <const>, to <const>, by <const> = first:item(), limit:item(), step:item()
  if by == 0 then check.fail("a step of 0") end
  local count <const> = math.max(0, math.ceil((to - from) / by))
  sized{math.tointeger(count) or check.fail("a range from %s to %s", from, to)}
  local places <const> = ops.cumsum(core.new({math.tointeger(count)}, "float64", 1), 1) - 1
  return (places * by + from):to(first.dtype)
end}

M.EyeLike = {1, function(a, x)
  local dtype <const> = a.dtype and tensors.dtype_of[a.dtype] or x.dtype
  local function count(n) return ops.cumsum(core.new({n}, "int64", 1), 1) end
  return count(x:size(2)):unsqueeze(1):sub(a.k or 0):eq(count(x:size(1)):unsqueeze(2)):to(dtype)
end}

M.Trilu = {1, function(a, x, k)
  local rows <const>, columns <const> = x:size(-2), x:size(-1)
  local function count(n) return ops.cumsum(core.new({n}, "int64", 1), 1) end
  local apart <const> = count(columns):unsqueeze(1) - count(rows):unsqueeze(2)
  local shift <const> = values.int(k, 0)
  local kept <const> = a.upper ~= 0 and apart:ge(shift) or apart:le(shift)
  return ops.where(kept, x, values.zero(x))
end}

return M
