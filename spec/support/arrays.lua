--- Arrays for the specs of operators: values from a description, the same values with other memory
-- layouts, and comparisons that say where arrays differ.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local ref <const> = require "spec.support.reference"

local M <const> = {}

-- ---- descriptions of tensors ----------------------------------------------------------

local Description <const> = {}

local function describe_as(kind)
  return function(shape, low, high)
    return setmetatable({kind = kind, shape = shape, low = low, high = high}, Description)
  end
end

M.real = describe_as "real"   -- in (low, high), default -2 to 2; odd multiples of 2^-13
M.apart = describe_as "apart" -- all values differ by at least 1/8
M.whole = describe_as "whole" -- int64 from low to high
M.mask = describe_as "mask"   -- bool
M.constant = function(shape, dtype, values)
  return setmetatable({kind = "constant", shape = shape, dtype = dtype, values = values},
    Description)
end

--- A table of descriptions, for operators that take a list of tensors.
function M.list(...) return setmetatable({list = {...}}, Description) end

function M.is_description(v) return getmetatable(v) == Description end

-- A generator of its own, so that the specs do not depend on what they test.
local function generator(seed)
  local state = seed * 7919 + 12345
  return function(low, high)
    low, high = math.tointeger(low), math.tointeger(high)
    state = (state * 6364136223846793005 + 1442695040888963407)
    return low + ((state >> 33) % (high - low + 1))
  end
end

local function values_of(d, random)
  local n <const>, a <const> = ref.count(d.shape), {shape = d.shape}
  if d.kind == "constant" then
    for i = 1, n do a[i] = d.values[(i - 1) % #d.values + 1] end
  elseif d.kind == "apart" then
    for i = 1, n do a[i] = i / 8 - n / 16 end
    for i = n, 2, -1 do
      local j <const> = random(1, i)
      a[i], a[j] = a[j], a[i]
    end
  else
    for i = 1, n do
      if d.kind == "real" then
        a[i] = random(((d.low or -2) * 4096) // 1, ((d.high or 2) * 4096) // 1 - 1) / 4096
          + 1 / 8192
      elseif d.kind == "whole" then
        a[i] = random(d.low, d.high)
      else
        a[i] = random(0, 1) == 1
      end
    end
  end
  return a
end

local function dtype_of(d, float)
  return d.kind == "whole" and "int64" or d.kind == "mask" and "bool" or d.dtype or float
end

--- The tensor of an array.
function M.tensor(a, dtype)
  local flat <const> = table.move(a, 1, #a, 1, {})
  return braid.tensor(flat, {dtype = dtype}):reshape(a.shape)
end

--- The array of a tensor.
function M.array(t)
  local a <const> = t:detach():reshape(-1):totable()
  a.shape = t.shape
  return a
end

--- The arguments for a call, from their descriptions.
-- @param wrap (tensor, place) -> the tensor to use instead; place counts the tensors
function M.arguments(args, float, wrap)
  local random <const>, made <const>, place = generator(#args), {n = args.n or #args}, 0
  local function one(d)
    place = place + 1
    local t <const> = M.tensor(values_of(d, random), dtype_of(d, float))
    return wrap and wrap(t, place) or t
  end
  for i = 1, made.n do
    local d <const> = args[i]
    if not M.is_description(d) then
      made[i] = d
    elseif d.list then
      made[i] = {}
      for k, part in ipairs(d.list) do made[i][k] = one(part) end
    else
      made[i] = one(d)
    end
  end
  return made
end

--- The same arguments as arrays, for the references.
function M.arrays(args)
  local random <const>, made <const> = generator(#args), {n = args.n or #args}
  for i = 1, made.n do
    local d <const> = args[i]
    if not M.is_description(d) then
      made[i] = d
    elseif d.list then
      made[i] = {}
      for k, part in ipairs(d.list) do made[i][k] = values_of(part, random) end
    else
      made[i] = values_of(d, random)
    end
  end
  return made
end

-- ---- layouts --------------------------------------------------------------------------

--- Ways to give the values of a contiguous tensor another layout. Each returns an equal tensor.
M.layouts = {
  transposed = function(t)
    local order <const>, back <const> = {}, {}
    local n <const> = t:dim()
    for d = 1, n do order[d], back[d] = n + 1 - d, n + 1 - d end
    return n < 2 and t or t:permute(order):contiguous():permute(back)
  end,
  narrowed = function(t) -- every second of twice as many values, with an offset
    local n <const> = t:dim()
    if n == 0 then return t end
    local wide <const>, size <const> = t.shape, t.shape[n]
    wide[n] = 2 * size + 1
    local frame <const> = braid.zeros(wide, {dtype = t.dtype})
    local part <const> = frame:narrow(n, size > 0 and 2 or 1, size, 2)
    if size > 0 then core.ops.copy_(part, t) end
    return part
  end,
  channels_last = function(t)
    return t:dim() == 4 and t:channels_last() or t
  end,
}

M.layout_names = {"transposed", "narrowed", "channels_last"}

-- ---- comparison -----------------------------------------------------------------------

local function number(v)
  if v == true then return 1 elseif v == false then return 0 end
  return v
end

local function shape_text(shape) return "(" .. table.concat(shape, ", ") .. ")" end

--- Returns nil if the arrays agree within tolerance * (1 + |expected|), else a text that says where
-- they differ.
function M.difference(actual, expected, tolerance)
  if shape_text(actual.shape) ~= shape_text(expected.shape) then
    return ("shape %s, expected %s"):format(shape_text(actual.shape),
      shape_text(expected.shape))
  end
  for i = 1, #expected do
    local a <const>, e <const> = number(actual[i]), number(expected[i])
    local same <const> = a == e or (a ~= a and e ~= e)
    if not same and not (math.abs(a - e) <= tolerance * (1 + math.abs(e)) and
        math.abs(e) < math.huge) then
      return ("element %d of %s is %.17g, expected %.17g"):format(i,
        shape_text(actual.shape),
        a, e)
    end
  end
end

--- The tensors among values, in a list.
function M.tensors(values)
  local list <const> = {}
  for i = 1, values.n or #values do
    local v <const> = values[i]
    if braid.is_tensor(v) then list[#list + 1] = v
    elseif type(v) == "table" then table.move(M.tensors(v), 1, #v, #list + 1, list) end
  end
  return list
end

function M.is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

--- Unordered values in (-0.5, 0.5). Another `from` gives other values.
function M.noise(shape, dtype, from)
  local n <const> = ref.count(shape)
  local t <const> = braid.arange(from, from + n - 1, {dtype = "float64"})
  local noise <const> = (t * 12.9898):sin() * 43758.5453
  return (noise - noise:floor() - 0.5):reshape(shape):to(dtype)
end

return M
