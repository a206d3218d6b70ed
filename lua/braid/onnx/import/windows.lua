--- The geometry of ONNX's convolutions and pools, in any number of dimensions.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local values <const> = require "braid.onnx.import.values"

local M <const> = {}

local function ones(n, value)
  local list <const> = {}
  for i = 1, n do list[i] = value end
  return list
end

local function sizes(list, n, usual, name, least)
  list = list or ones(n, usual)
  if #list ~= n then check.fail("%s has %d values, not %d", name, #list, n) end
  for _, v in ipairs(list) do
    if v < least then check.fail("%s has the value %d", name, v) end
  end
  return list
end

--- The geometry of a node with a kernel over the last dimensions of x: {kernel, stride, dilation,
-- low, high}, lists with a number for each of these dimensions; `low` and `high` are the padding.
function M.of(a, x, kernel)
  local n <const> = x:dim() - 2
  if n < 1 then check.fail("x must have three dimensions or more, not (%s)",
    table.concat(x.shape, ", ")) end
  local g <const> = {n = n, kernel = sizes(kernel, n, 1, "the kernel", 1),
    stride = sizes(a.strides, n, 1, "strides", 1),
    dilation = sizes(a.dilations, n, 1, "dilations", 1), low = ones(n, 0), high = ones(n, 0)}
  local auto <const> = a.auto_pad or "NOTSET"
  if auto == "NOTSET" or auto == "" then
    local pads <const> = a.pads or ones(2 * n, 0)
    if #pads ~= 2 * n then check.fail("pads has %d values, not %d", #pads, 2 * n) end
    for i = 1, n do g.low[i], g.high[i] = pads[i], pads[n + i] end
  elseif auto == "SAME_UPPER" or auto == "SAME_LOWER" then
    for i = 1, n do
      local size <const> = x:size(i + 2)
      local span <const> = (g.kernel[i] - 1) * g.dilation[i] + 1
      local total <const> = math.max(0,
        ((size + g.stride[i] - 1) // g.stride[i] - 1) * g.stride[i] + span - size)
      g.low[i] = auto == "SAME_UPPER" and total // 2 or total - total // 2
      g.high[i] = total - g.low[i]
    end
  elseif auto ~= "VALID" then
    check.fail("there is no auto_pad '%s'", auto)
  end
  return g
end

--- Whether there are two dimensions, and each has the same padding (0 or more) at both ends.
function M.is_even(g)
  for i = 1, g.n do
    if g.low[i] ~= g.high[i] or g.low[i] < 0 then return false end
  end
  return g.n == 2
end

--- x with padding at its ends.
function M.padded(x, low, high, value)
  local list <const>, shape <const>, any = {}, x.shape, false
  for i = #low, 1, -1 do
    list[#list + 1], list[#list + 2] = low[i], high[i]
    shape[i + 2] = math.max(0, shape[i + 2] + low[i] + high[i])
    any = any or low[i] ~= 0 or high[i] ~= 0
  end
  if not any then return x end
  values.sized(shape)
  return core.ops.pad(x, list, "constant", value)
end

--- The numbers of windows along each dimension. With `ceil`, a last window may reach beyond the
-- padding, but not begin there.
function M.counts(g, x, ceil)
  local counts <const> = {}
  for i = 1, g.n do
    local size <const>, span <const> = x:size(i + 2), (g.kernel[i] - 1) * g.dilation[i] + 1
    local room <const> = size + g.low[i] + g.high[i] - span
    local count = room // g.stride[i] + 1
    if ceil then
      count = -(-room // g.stride[i]) + 1
      if (count - 1) * g.stride[i] >= size + g.low[i] then count = count - 1 end
    end
    if room < 0 and not ceil or count < 1 then
      check.fail("a window of %d does not fit into %d values", span, size + g.low[i] + g.high[i])
    end
    counts[i] = count
  end
  return counts
end

--- All windows of x as one tensor (k, n, c, ...), where k counts the places of a kernel, its last
-- dimension fastest. Places outside x have the value `fill`.
function M.all(g, x, counts, fill)
  local more <const>, places, cells = {}, 1, x:size(1) * x:size(2)
  for i = 1, g.n do
    more[i] = math.max(g.high[i], (counts[i] - 1) * g.stride[i]
      + (g.kernel[i] - 1) * g.dilation[i] + 1 - x:size(i + 2) - g.low[i])
    places, cells = places * g.kernel[i], cells * counts[i]
  end
  values.sized{places, cells}
  local wide <const>, list <const> = M.padded(x, g.low, more, fill), {}
  for k = 0, places - 1 do
    local part, rest = wide, k
    for i = g.n, 1, -1 do
      part = part:narrow(i + 2, rest % g.kernel[i] * g.dilation[i] + 1, counts[i], g.stride[i])
      rest = rest // g.kernel[i]
    end
    list[k + 1] = part
  end
  return core.ops.stack(list, 1)
end

return M
