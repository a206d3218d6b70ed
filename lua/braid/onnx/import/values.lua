--- Helpers of the translations of ONNX's operators: axes, sizes and indices, which ONNX counts from
-- 0, and small whole numbers, which it keeps in tensors.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local limits <const> = require "braid.limits"
require "braid.grad" -- gives tensors arithmetic and methods
require "braid.functional"

local M <const> = {}

--- Raises the error that a node asks for something that Braid does not have.
function M.lacks(what, ...) check.fail("Braid does not have " .. what, ...) end

--- Whether the type of a tensor is one of floats.
function M.is_float(x) return x.dtype == "float32" or x.dtype == "float64" end

--- The values of a tensor of whole numbers as a list, or nil for no tensor. Floats that are whole
-- are taken too.
function M.ints(t)
  if not t then return nil end
  local wrong <const> = limits.over("values", t:numel(), "numbers of a shape")
  if wrong then check.fail("%s", wrong) end
  local list = t:totable()
  if type(list) ~= "table" then list = {list} end
  if t:dim() > 1 then list = t:reshape({-1}):totable() end
  for i, v in ipairs(list) do
    list[i] = math.type(v) and math.tointeger(v)
      or check.fail("an input must have whole numbers, not %s", tostring(v))
  end
  return list
end

--- The only value of a tensor, or `usual` for no tensor.
function M.scalar(t, usual)
  if not t then return usual end
  if t:numel() ~= 1 then
    check.fail("an input must have one value, not the shape (%s)", table.concat(t.shape, ", "))
  end
  return t:item()
end

--- The whole number in a tensor with one value.
function M.int(t, usual)
  local v <const> = M.scalar(t, usual)
  return math.tointeger(v) or check.fail("an input must be a whole number, not %s", tostring(v))
end

--- The dimension (from 1) of an axis (from 0, or negative from the end) among n dimensions.
function M.dim(axis, n)
  if math.type(axis) ~= "integer" or axis < -n or axis >= n then
    check.fail("there is no axis %s in %d dimensions", tostring(axis), n)
  end
  return axis < 0 and axis + n + 1 or axis + 1
end

--- The dimensions of several axes, or nil for none.
function M.dims(axes, n)
  if not axes or #axes == 0 then return nil end
  local list <const>, seen <const> = {}, {}
  for i, axis in ipairs(axes) do
    local d <const> = M.dim(axis, n)
    if seen[d] then check.fail("axis %d is named twice", axis) end
    seen[d], list[i] = true, d
  end
  return list
end

--- All dimensions of a tensor.
function M.all_dims(x)
  local list <const> = {}
  for d = 1, x:dim() do list[d] = d end
  return list
end

--- The shape itself; an error if it has more values than may be in memory at once.
function M.sized(shape)
  local count = 1
  for _, n in ipairs(shape) do
    if n < 0 then check.fail("a size of %d is impossible", n) end
    if n > 0 and count > limits.elements // n then
      check.fail("%s", limits.over("elements", math.maxinteger, "values in a result, or more"))
    end
    count = count * n
  end
  return shape
end

--- Zero in the type of a tensor, for use in place of its values: x * 0 would be NaN where x is
-- infinite.
function M.zero(x) return core.new({}, x.dtype, 0) end

--- A tensor of int64 from a list.
function M.whole_tensor(list) return core.from_table(list, "int64") end

--- Turns ONNX's indices (from 0, or negative from the end of n) into indices from 1.
function M.index(t, n)
  local i <const> = t:to("int64")
  return core.ops.where(i:lt(0), i + (n + 1), i + 1)
end

--- The type that stands for ONNX's float: float64 in a network that was converted to it.
function M.float_of(a, dtype) return dtype == "float32" and a.float or dtype end

--- Permutes dimension `d` to the end, and back.
function M.swapped(x, d) return d == x:dim() and x or x:transpose(d, x:dim()) end

return M
