--- How operators that move, join and pick elements are written in ONNX. See elementwise.lua for
-- what a row is. Dimensions and indices count from 0, negative from the end, as in the core.

local core <const> = require "braid.core"

local rows <const> = {}

-- A dimension from 0 of a tensor with n dimensions.
local function from_start(d, n) return d < 0 and d + n or d end

local function reshaped(g, call)
  return g:reshape(g:of(call.inputs.x), call.outputs[1].shape)
end

rows.reshape, rows.view, rows.flatten, rows.unflatten = reshaped, reshaped, reshaped, reshaped
rows.squeeze = reshaped

function rows.unsqueeze(g, call)
  local n <const> = #call.outputs[1].shape
  return g:node("Unsqueeze", {g:of(call.inputs.x), g:list{from_start(call.args.dim, n)} })
end

local function permuted(g, x, order) return g:node("Transpose", {g:of(x)}, {perm = order}) end

function rows.permute(g, call)
  local n <const>, order <const> = #call.inputs.x.shape, {}
  for i, d in ipairs(call.args.order) do order[i] = from_start(d, n) end
  return permuted(g, call.inputs.x, order)
end

-- The order of n dimensions with a and b exchanged.
local function exchanged(n, a, b)
  local order <const> = {}
  for i = 1, n do order[i] = i - 1 end
  order[a + 1], order[b + 1] = b, a
  return order
end

function rows.transpose(g, call)
  local n <const> = #call.inputs.x.shape
  return permuted(g, call.inputs.x,
    exchanged(n, from_start(call.args.dim1, n), from_start(call.args.dim2, n)))
end

function rows.t(g, call)
  local n <const> = #call.inputs.x.shape
  if n < 2 then return (g:of(call.inputs.x)) end
  return permuted(g, call.inputs.x, exchanged(n, 0, 1))
end

function rows.expand(g, call)
  return g:node("Expand", {g:of(call.inputs.x), g:sizes(call.outputs[1].shape)})
end

-- ---- joining ----------------------------------------------------------------------------

function rows.cat(g, call)
  local out <const>, names <const> = call.outputs[1], {}
  for i, value in ipairs(call.inputs) do names[i] = g:of(value, out.dtype) end
  return g:node("Concat", names, {axis = from_start(call.args.dim, #out.shape)})
end

function rows.stack(g, call)
  local out <const>, names <const> = call.outputs[1], {}
  local axis <const> = from_start(call.args.dim, #out.shape)
  for i, value in ipairs(call.inputs) do
    names[i] = g:node("Unsqueeze", {g:of(value, out.dtype), g:list{axis} })
  end
  return g:node("Concat", names, {axis = axis})
end

function rows.repeat_(g, call)
  local x <const>, times <const> = call.inputs.x, call.args.times
  local name, shape <const> = g:of(x), {table.unpack(x.shape)}
  while #shape < #times do table.insert(shape, 1, 1) end
  if #shape > #x.shape then name = g:reshape(name, shape) end
  return g:node("Tile", {name, g:sizes(times)})
end

-- ---- parts ------------------------------------------------------------------------------

-- k times a size; a multiple of the number of samples stays such a multiple.
local function scaled(size, k)
  return type(size) == "table" and {times = size.times * k} or size * k
end

local function equal(a, b)
  if type(a) == "table" and type(b) == "table" then return a.times == b.times end
  return a == b
end

-- Elements first, first + step, ... before last, along dimension d.
local function slice(g, name, d, first, last, step)
  return g:node("Slice", {name, g:sizes{first}, g:sizes{last}, g:list{d}, g:list{step} })
end

function rows.narrow(g, call)
  local x <const>, a <const> = call.inputs.x, call.args
  local d <const> = from_start(a.dim, #x.shape)
  local size <const>, length <const> = x.shape[d + 1], a.length
  local start = a.start
  if start == 0 and a.step == 1 and equal(length, size) then return (g:of(x)) end
  if type(start) == "number" and start < 0 then start = start + g:fixed(size, "a size") end
  if start == 0 then return slice(g, g:of(x), d, 0, scaled(length, a.step), a.step) end
  start = g:fixed(start, "the start")
  return slice(g, g:of(x), d, start, start + g:fixed(length, "the length") * a.step, a.step)
end

function rows.select(g, call)
  local x <const> = call.inputs.x
  return g:node("Gather", {g:of(x), g:number(g:fixed(call.args.index, "the index"), "int64")},
    {axis = from_start(call.args.dim, #x.shape)})
end

function rows.flip(g, call)
  local x <const> = call.inputs.x
  local name = g:of(x)
  for _, d in ipairs(call.args.dims) do
    name = slice(g, name, from_start(d, #x.shape), -1, math.mininteger + 1, -1)
  end
  return name
end

function rows.roll(g, call)
  local x <const> = call.inputs.x
  local name = g:of(x)
  for i, d in ipairs(call.args.dims) do
    d = from_start(d, #x.shape)
    local size <const> = g:fixed(x.shape[d + 1], "the size")
    local shift <const> = call.args.shifts[i] % math.max(size, 1)
    if shift ~= 0 then
      name = g:node("Concat", {slice(g, name, d, size - shift, size, 1),
        slice(g, name, d, 0, size - shift, 1)}, {axis = d})
    end
  end
  return name
end

local MODES <const> = {constant = "constant", reflect = "reflect", replicate = "edge"}

function rows.pad(g, call)
  local x <const>, list <const> = call.inputs.x, call.args.pad
  local n <const>, pads <const> = #x.shape, {}
  for d = 1, n do
    local at <const> = 2 * (n - d)
    pads[d], pads[n + d] = list[at + 1] or 0, list[at + 2] or 0
  end
  local mode <const> = MODES[call.args.mode] or g:fail("mode \"%s\" has no form", call.args.mode)
  return g:node("Pad", {g:of(x), g:list(pads),
    mode == "constant" and g:number(call.args.value, x.dtype) or ""}, {mode = mode})
end

function rows.unfold(g, call)
  local x <const>, a <const> = call.inputs.x, call.args
  local n <const> = #x.shape
  local d <const> = from_start(a.dim, n)
  local places <const> = {}
  for i = 1, g:fixed(call.outputs[1].shape[d + 1], "the size") do
    places[i] = {}
    for k = 1, a.size do places[i][k] = (i - 1) * a.step + k - 1 end
  end
  local windows <const> = g:node("Gather",
    {g:of(x), g:tensor(core.from_table(places, "int64"))}, {axis = d})
  local order <const> = {}
  for i = 0, n do
    if i ~= d + 1 then order[#order + 1] = i end
  end
  order[n + 1] = d + 1
  return g:node("Transpose", {windows}, {perm = order})
end

-- ---- indices that a tensor holds, counted from 1 ----------------------------------------

local function from_zero(g, value)
  if not value.follows then
    local t <const> = g:constant(value):to("int64")
    return g:tensor(core.ops.sub(t, 1))
  end
  return g:node("Sub", {g:of(value, "int64"), g:number(1, "int64")})
end

local function axis_of(call) return from_start(call.args.dim, #call.inputs.x.shape) end

function rows.index_select(g, call)
  return g:node("Gather", {g:of(call.inputs.x), from_zero(g, call.inputs.index)},
    {axis = axis_of(call)})
end

function rows.gather(g, call)
  return g:node("GatherElements", {g:of(call.inputs.x), from_zero(g, call.inputs.index)},
    {axis = axis_of(call)})
end

local function scatter(reduction)
  return function(g, call)
    local index <const>, src <const> = call.inputs.index, call.inputs.src
    local dtype <const> = call.outputs[1].dtype
    local updates = g:of(src, dtype)
    if #src.shape == 0 then updates = g:node("Expand", {updates, g:sizes(index.shape)}) end
    return g:node("ScatterElements", {g:of(call.inputs.x, dtype), from_zero(g, index), updates},
      {axis = axis_of(call), reduction = reduction})
  end
end

rows.scatter, rows.scatter_add = scatter "none", scatter "add"

return rows
