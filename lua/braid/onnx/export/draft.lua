--- An ONNX graph that is being written: its nodes, its constants and their names. The rows
-- (braid/onnx/export/rows) add to it; braid/onnx/export/init.lua makes a file of it.
--
-- A value is a table that merge.lua made. A size is a whole number, or {times = k} for k times the
-- number of samples.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local proto <const> = require "braid.onnx.proto"
local write <const> = require "braid.onnx.export.write"

local Draft <const> = {}
Draft.__index = Draft

local WIDTH <const> = {float32 = 4, float64 = 8, int64 = 8, int32 = 4, uint8 = 1, bool = 1}

--- An empty graph. names has the names of constants, by the key of their values; taken are names
-- that it must not use.
function Draft.new(names, taken)
  local self <const> = setmetatable({nodes = {}, constants = {}, names = names, taken = {},
    known = {}, at = ""}, Draft)
  for _, name in ipairs(taken) do self.taken[name] = true end
  return self
end

--- Raises an error that names the call which is being written.
function Draft:fail(form, ...)
  local path <const> = self.at == "" and "" or self.at .. ": "
  check.fail("export: %s%s: " .. form, path, self.operator, ...)
end

function Draft:unique(base)
  local name, i = base, 1
  while self.taken[name] do
    i = i + 1
    name = ("%s_%d"):format(base, i)
  end
  self.taken[name] = true
  return name
end

-- ---- nodes ------------------------------------------------------------------------------

local function attribute(name, value)
  local field = "s"
  if math.type(value) == "integer" then
    field = "i"
  elseif math.type(value) == "float" then
    field = "f"
  elseif type(value) == "boolean" then
    field, value = "i", value and 1 or 0
  elseif type(value) == "table" then
    field = math.type(value[1]) == "float" and "floats" or "ints"
  end
  return {name = name, [field] = value, type = proto.attribute_types[field]}
end

--- Adds a node. Inputs are names; "" stands for an input that is left out.
-- @return the names of its results: `count` of them (1 by default)
function Draft:node(kind, inputs, attributes, count)
  local n = #inputs
  while n > 0 and inputs[n] == "" do n = n - 1 end
  local base <const> = (self.at == "" and "" or self.at .. "/") .. kind
  local node <const> = {op_type = kind, name = self:unique(base), output = {}, attribute = {},
    input = table.move(inputs, 1, n, 1, {})}
  for _, key in ipairs(check.sorted_keys(attributes or {})) do
    node.attribute[#node.attribute + 1] = attribute(key, attributes[key])
  end
  for i = 1, count or 1 do
    node.output[i] = self:unique(node.name .. (i == 1 and ".y" or ".y" .. i))
  end
  self.nodes[#self.nodes + 1] = node
  return table.unpack(node.output)
end

-- ---- constants --------------------------------------------------------------------------

--- Adds a tensor to the file as a constant, called `name` if that is given.
-- @return the constant's name
function Draft:tensor(t, name)
  local bytes <const> = t:numel() * WIDTH[t.dtype]
  local content
  if not name and bytes <= 256 then -- the same small constant is written once
    content = t.dtype .. table.concat(t.shape, ",") .. ":" .. core.bytes(t)
    if self.known[content] then return self.known[content] end
  end
  local own <const> = self:unique(name or "constant")
  self.constants[#self.constants + 1] = {name = own, dims = t.shape,
    data_type = proto.dtypes[t.dtype],
    raw_data = write.later(bytes, function() return core.bytes(t) end)}
  if content then self.known[content] = own end
  return own
end

--- Adds k whole numbers as a constant of shape (k), int64 unless `dtype` says another type.
function Draft:list(numbers, dtype)
  if #numbers == 0 then return self:tensor(core.new({0}, dtype or "int64", 0)) end
  return self:tensor(core.from_table(numbers, dtype or "int64"))
end

--- Adds a number as a constant without dimensions.
function Draft:number(x, dtype) return self:tensor(core.from_table(x, dtype)) end

-- ---- sizes ------------------------------------------------------------------------------

--- Whether all sizes are numbers.
function Draft.is_fixed(_, shape)
  for _, size in ipairs(shape) do
    if type(size) == "table" then return false end
  end
  return true
end

--- A size that must not depend on the number of samples: an error if it does.
function Draft:fixed(size, what)
  if type(size) ~= "table" then return size end
  return self:fail("%s follows the number of samples, and the graph's operator has a fixed one",
    what)
end

--- The name of a tensor that holds k times the number of samples: int64, shape (1).
function Draft:samples(k)
  local key <const> = "samples" .. k
  if self.known[key] then return self.known[key] end
  local at <const>, operator <const> = self.at, self.operator
  self.at = ""
  local name
  if k == 1 then
    name = self:node("Gather", {self:node("Shape", {self.first}), self:list{0} }, {axis = 0})
  else
    name = self:node("Mul", {self:samples(1), self:list{k}})
  end
  self.at, self.operator = at, operator
  self.known[key] = name
  return name
end

--- The name of a vector of int64 that holds the sizes of a shape.
function Draft:sizes(shape)
  if self:is_fixed(shape) then return self:list(shape) end
  local parts <const> = {}
  for i, size in ipairs(shape) do
    parts[i] = type(size) == "table" and self:samples(size.times) or self:list{size}
  end
  return #parts == 1 and parts[1] or self:node("Concat", parts, {axis = 0})
end

--- Reshapes a value to another shape with the same number of elements.
function Draft:reshape(name, shape)
  local known <const>, unknown = {}, 0
  for i, size in ipairs(shape) do
    known[i] = size
    if type(size) == "table" then known[i], unknown = -1, unknown + 1 end
  end
  return self:node("Reshape", {name, unknown < 2 and self:list(known) or self:sizes(shape)})
end

-- ---- values -----------------------------------------------------------------------------

--- The tensor of a constant value. Any other value is an error, or gives nil with `maybe`.
function Draft:constant(value, maybe)
  if value.wrong then self:fail("%s", value.wrong) end
  if value.tensor and self:is_fixed(value.shape) then return value.tensor end
  if type(value.number) == "number" then return core.from_table(value.number, value.dtype) end
  if not maybe then self:fail("one of its tensors must be a parameter or another constant") end
end

function Draft:cast(name, dtype) return self:node("Cast", {name}, {to = proto.dtypes[dtype]}) end

-- The name of a plain number, in any element type.
function Draft:plain(value, dtype)
  if type(value.number) ~= "table" then
    local truth <const> = dtype == "bool" and value.number ~= 0 and value.number ~= false
    return self:number(dtype == "bool" and truth or value.number, dtype)
  end
  local whole <const> = self:reshape(self:samples(value.number.times), {})
  return dtype == "int64" and whole or self:cast(whole, dtype)
end

--- The name of a value, cast to the element type `dtype` if that is given.
function Draft:of(value, dtype)
  dtype = dtype or value.dtype
  if value.number ~= nil then return self:plain(value, dtype) end
  if value.wrong then self:fail("%s", value.wrong) end
  if value.follows then
    return dtype == value.dtype and value.name or self:cast(value.name, dtype)
  end
  local names <const> = value.names or {}
  value.names = names
  if not names[dtype] then
    local t <const> = dtype == value.dtype and value.tensor or value.tensor:to(dtype)
    names[dtype] = self:tensor(t, self.names[value.key])
  end
  if self:is_fixed(value.shape) then return names[dtype] end
  return self:node("Expand", {names[dtype], self:sizes(value.shape)})
end

--- Replaces a name by another one everywhere in the graph.
function Draft:rename(old, new)
  for _, node in ipairs(self.nodes) do
    for _, list in ipairs{node.input, node.output} do
      for i, name in ipairs(list) do
        if name == old then list[i] = new end
      end
    end
  end
end

return Draft
