--- ONNX's whole numbers that stand for floats: x = (q - zero) * scale.
--
-- Braid has only uint8 and int32 of ONNX's small types. A file's int8 values are read as int32, so
-- that they can be turned into floats, but nothing becomes int8 again.

local core <const> = require "braid.core"
local tensors <const> = require "braid.onnx.import.tensors"
local values <const> = require "braid.onnx.import.values"

local ops <const> = core.ops

local M <const> = {}

-- Shapes a scale or zero point so that its values, or blocks of them, go along an axis of x.
local function along(a, x, t)
  if not t or t:numel() == 1 then return t and t:reshape({}) end
  local d <const> = values.dim(a.axis or 1, x:dim())
  if t:dim() == 1 then
    local shape <const> = {}
    for k = 1, x:dim() do shape[k] = k == d and t:numel() or 1 end
    return t:reshape(shape)
  end
  local rows <const> = ops.cumsum(core.new({x:size(d)}, "int64", 1), 1) - 1
  return t:index_select(d, rows // math.max(1, a.block_size or 1) + 1)
end

M.DequantizeLinear = {2, function(a, x, scale, zero)
  local wide <const> = x:to(scale.dtype)
  zero = along(a, x, zero)
  return (zero and wide - zero:to(scale.dtype) or wide) * along(a, x, scale)
end}

M.QuantizeLinear = {2, function(a, x, scale, zero)
  local other <const> = a.output_dtype and a.output_dtype ~= 0
    and tensors.dtype_of[a.output_dtype] ~= "uint8"
  if other or zero and zero.dtype ~= "uint8" then
    values.lacks("QuantizeLinear to other types than uint8")
  end
  local y = (x / along(a, x, scale)):round()
  if zero then y = y + along(a, x, zero):to(x.dtype) end
  return y:clamp(0, 255):to("uint8")
end}

M.DynamicQuantizeLinear = {1, function(_, x)
  local low <const>, high <const> = math.min(0, x:min():item()), math.max(0, x:max():item())
  local scale <const> = core.new({}, x.dtype, high > low and (high - low) / 255 or 1)
  local zero <const> = (-low / scale):round():clamp(0, 255)
  return ((x / scale):round() + zero):clamp(0, 255):to("uint8"), scale, zero:to("uint8")
end}

return M
