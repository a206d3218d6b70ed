--- All that a pickle of PyTorch may name: types, classes of storages, and functions that make
-- tensors.
--
-- A tensor is a part of a memory: an offset, a shape and strides, in values. Objects are made here
-- without their values. They are tables with a field `kind` (pickle.lua):
--   tensor   {memory =, dtype =, offset =, shape =, strides =}
--   storage  {memory =, dtype =, count =}: a memory as values of a type
--   class    {dtype =}
-- A memory is {key =, entry = of the zip or nil, bytes =, tensors in order}.
-- torch/_utils.py, torch/serialization.py

local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"
local pickle <const> = require "braid.io.pickle"
local shapes <const> = require "braid.io.shape"

local M <const> = {}

local MAX_DIMENSIONS <const> = 8
local fail <const> = damage.fail

-- ---- types ----------------------------------------------------------------------------------

-- The types of PyTorch: the bytes of a value, the type's name for core.from_packed, and the class
-- of its storages. Without a name for core.from_packed, no tensor here can hold the values.
local TYPES <const> = {}
for _, row in ipairs{
  {"float32", 4, "float32", "Float"}, {"float64", 8, "float64", "Double"},
  {"float16", 2, "float16", "Half"}, {"bfloat16", 2, "bfloat16", "BFloat16"},
  {"int64", 8, "int64", "Long"}, {"int32", 4, "int32", "Int"}, {"int16", 2, "int16", "Short"},
  {"int8", 1, "int8", "Char"}, {"uint8", 1, "uint8", "Byte"}, {"bool", 1, "bool", "Bool"},
  {"uint16", 2, "uint16"}, {"uint32", 4, "uint32"}, {"uint64", 8, "uint64"},
  {"float8_e5m2", 1, "float8_e5m2"}, {"float8_e4m3fn", 1, "float8_e4m3"},
  {"float8_e8m0fnu", 1, "float8_e8m0"}, {"float8_e5m2fnuz", 1}, {"float8_e4m3fnuz", 1},
  {"complex32", 4}, {"complex64", 8, nil, "ComplexFloat"},
  {"complex128", 16, nil, "ComplexDouble"}, {"quint8", 1, nil, "QUInt8"},
  {"qint8", 1, nil, "QInt8"}, {"qint32", 4, nil, "QInt32"},
} do
  TYPES[row[1]] = {name = row[1], width = row[2], packed = row[3], class = row[4]}
end

-- ---- tensors --------------------------------------------------------------------------------

local function is_count(value) return math.type(value) == "integer" and value >= 0 end

-- The numbers of a tuple as a list. All of them must be 0 or more.
local function counts(value, what)
  if type(value) ~= "table" or value.kind ~= "tuple" then fail("a tensor has no %s", what) end
  if value.n > MAX_DIMENSIONS then
    fail("a tensor has more than %d dimensions", MAX_DIMENSIONS)
  end
  for i = 1, value.n do
    if not is_count(value[i]) then fail("a tensor has an impossible %s", what) end
  end
  return table.move(value, 1, value.n, 1, {})
end

-- How many values of a storage lie from the first to the last value of a tensor; infinity if they
-- are more than `most`.
local function reach_of(shape, strides, most)
  local reach = 1
  for d, n in ipairs(shape) do
    if n > 1 and strides[d] > (most - reach) // (n - 1) then return math.huge end
    reach = reach + (n - 1) * strides[d]
  end
  return reach
end

-- Notes the bytes that a tensor takes of a memory. Tensors that share values may take more bytes
-- than the memory has; these further bytes count as unpacked.
local function note_taken(memory, bytes)
  local file <const> = memory.file
  local before <const> = math.max(memory.taken - memory.bytes, 0)
  memory.taken = memory.taken + bytes
  file.unpacked = file.unpacked + math.max(memory.taken - memory.bytes, 0) - before
  file.count = file.count + 1
  limits.bound("inflated", file.unpacked, "bytes of tensors that share values, or more")
  limits.bound("members", file.count, "tensors, or more")
end

local KEY <const> = "%s %d (%s) (%s)"

-- The tensor of a part of a memory. The same part is always the same tensor.
local function tensor_of(memory, dtype, offset, shape, strides)
  if not is_count(offset) then fail("a tensor has an impossible offset") end
  if #strides ~= #shape then fail("a tensor has %d sizes and %d strides", #shape, #strides) end
  local count <const>, wrong <const> = shapes.count(shape, dtype.width)
  if not count then fail("a tensor has %s", wrong or "an impossible shape") end
  local most <const> = memory.bytes // dtype.width
  if count > 0 and (offset >= most or reach_of(shape, strides, most - offset) > most - offset) then
    fail("a tensor of shape (%s) reaches beyond the %d values of its storage '%s'",
      table.concat(shape, ", "), most, memory.key)
  end
  local key <const> = KEY:format(dtype.name, offset, table.concat(shape, " "),
    table.concat(strides, " "))
  if not memory.known[key] then
    note_taken(memory, count * dtype.width)
    local t <const> = {kind = "tensor", memory = memory, dtype = dtype, offset = offset,
      shape = shape, strides = strides, empty = count == 0}
    memory.known[key], memory[#memory + 1] = t, t
  end
  return memory.known[key]
end

-- ---- globals --------------------------------------------------------------------------------

local GLOBALS <const> = {}

local function is_kind(value, kind) return type(value) == "table" and value.kind == kind end

local function storage_at(arguments)
  local storage <const> = arguments[1]
  if not is_kind(storage, "storage") then fail("a tensor has no storage") end
  return storage
end

GLOBALS["torch._utils._rebuild_tensor_v2"] = function(arguments)
  local storage <const> = storage_at(arguments)
  return tensor_of(storage.memory, storage.dtype, arguments[2], counts(arguments[3], "shape"),
    counts(arguments[4], "strides"))
end

-- A tensor of a type that has no class of storages.
GLOBALS["torch._utils._rebuild_tensor_v3"] = function(arguments)
  local dtype <const> = TYPES[arguments[7]]
  if not dtype then fail("a tensor has no type") end
  return tensor_of(storage_at(arguments).memory, dtype, arguments[2], counts(arguments[3], "shape"),
    counts(arguments[4], "strides"))
end

GLOBALS["torch._utils._rebuild_parameter"] = function(arguments)
  local t <const> = arguments[1]
  if not is_kind(t, "tensor") then fail("a parameter has no tensor") end
  return t
end

GLOBALS["torch.Size"] = function(arguments)
  local sizes <const> = arguments[1]
  if not is_kind(sizes, "tuple") then fail("a size has no numbers") end
  return sizes
end

-- Python 2 gave an OrderedDict a list of pairs; since then the pairs are set one by one.
GLOBALS["collections.OrderedDict"] = function(arguments, machine)
  local dict <const>, pairs_list <const> = {kind = "dict", of = {}}, arguments[1]
  local n <const> = is_kind(pairs_list, "list") and pairs_list.n or 0
  machine:count(n)
  for i = 1, n do
    local pair <const> = pairs_list[i]
    if type(pair) ~= "table" or pair.n ~= 2 then fail("an OrderedDict has no pairs") end
    pickle.set(dict, pair[1], pair[2])
  end
  return dict
end

for name, dtype in pairs(TYPES) do
  GLOBALS["torch." .. name] = name
  if dtype.class then
    GLOBALS["torch." .. dtype.class .. "Storage"] = {kind = "class", dtype = dtype}
  end
end
for _, name in ipairs{"UntypedStorage", "_UntypedStorage"} do
  GLOBALS["torch.storage." .. name] = {kind = "class", dtype = TYPES.uint8}
end

--- Values and functions by the names of globals, for pickle.read.
M.globals = GLOBALS

--- The storage that a persistent id names: ("storage", class, key, place, number of values).
-- @param file {entries = of the zip by name, memories = {}, unpacked = 0, count = 0}; the list of
--   its memories grows
function M.storage(file, id)
  if not is_kind(id, "tuple") or id[1] ~= "storage" or not is_kind(id[2], "class")
    or type(id[3]) ~= "string" or not is_count(id[5]) then
    fail("its pickle has an object outside of it that is not a storage")
  end
  local dtype <const>, key <const>, count <const> = id[2].dtype, id[3], id[5]
  local entry <const> = file.entries["data/" .. key]
  local bytes <const> = entry and entry.size or 0
  if not entry and count > 0 then fail("the values of its storage '%s' are missing", key) end
  if bytes % dtype.width ~= 0 or bytes // dtype.width ~= count then
    fail("its storage '%s' has %d bytes, not %d values of type %s", key, bytes, count, dtype.name)
  end
  local memory <const> = file.memories[key] or {key = key, entry = entry, bytes = bytes, taken = 0,
    known = {}, file = file}
  if not file.memories[key] then
    file.memories[key], file[#file + 1] = memory, memory
  end
  return {kind = "storage", memory = memory, dtype = dtype, count = count}
end

--- The tensor that an object of the pickle stands for. A storage by itself becomes a tensor (n).
function M.tensor(value)
  if value.kind == "storage" then
    return tensor_of(value.memory, value.dtype, 0, {value.count}, {1})
  end
  if value.kind ~= "tensor" then fail("a %s stands where a value should", value.kind) end
  return value
end

return M
