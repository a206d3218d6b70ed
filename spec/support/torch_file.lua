--- Writes small .pth files as torch.save does, and hostile ones that it never would. Values are
-- texts of opcodes, made by the functions here.

local core <const> = require "braid.core"

local M <const> = {}

-- ---- opcodes --------------------------------------------------------------------------------

M.none, M.yes, M.no = "N", "\x88", "\x89"

function M.text(value) return "X" .. string.pack("<s4", value) end

function M.number(value)
  if math.type(value) == "float" then return "G" .. string.pack(">d", value) end
  if value >= 0 and value < 256 then return "K" .. string.char(value) end
  return "\x8a" .. string.pack("<s1", string.pack("<i8", value))
end

function M.tuple(...) return "(" .. table.concat{...} .. "t" end
function M.list(...) return "](" .. table.concat{...} .. "e" end

--- A dict of keys and values that alternate.
function M.dict(...) return "}(" .. table.concat{...} .. "u" end

function M.global(module, name) return ("c%s\n%s\n"):format(module, name) end
function M.call(callee, ...) return callee .. M.tuple(...) .. "R" end
function M.ordered(...)
  return M.call(M.global("collections", "OrderedDict")) .. "(" .. table.concat{...} .. "u"
end

local function numbers(list)
  local texts <const> = {}
  for i, n in ipairs(list) do texts[i] = M.number(n) end
  return M.tuple(table.unpack(texts))
end
M.numbers = numbers

--- A storage: its class (such as "Float"), its key, and the number of its values.
function M.storage(class, key, count)
  local module <const> = class == "Untyped" and "torch.storage" or "torch"
  return M.tuple(M.text "storage", M.global(module, class .. "Storage"), M.text(key), M.text "cpu",
    M.number(count)) .. "Q"
end

--- A tensor, a part of a storage.
function M.tensor(storage, offset, shape, strides)
  return M.call(M.global("torch._utils", "_rebuild_tensor_v2"), storage, M.number(offset),
    numbers(shape), numbers(strides), M.no, M.ordered())
end

--- A tensor as PyTorch writes it for types without a class of storages.
function M.tensor_v3(storage, offset, shape, strides, dtype)
  return M.call(M.global("torch._utils", "_rebuild_tensor_v3"), storage, M.number(offset),
    numbers(shape), numbers(strides), M.no, M.ordered(), M.global("torch", dtype))
end

function M.parameter(tensor)
  return M.call(M.global("torch._utils", "_rebuild_parameter"), tensor, M.yes, M.ordered())
end

-- ---- files ----------------------------------------------------------------------------------

local HEAD <const>, ROW <const> = "<I2I2I2I4I4I4I4I2I2", "<I2I2I2I2I4I4I4I4I2I2I2I2I2I4I4"

--- The bytes of a zip of these entries, stored. Names may be there twice.
function M.zip(names, contents)
  local parts <const>, rows <const>, at = {}, {}, 0
  for i, name in ipairs(names) do
    local bytes <const> = contents[i]
    local crc <const> = core.crc32(bytes)
    parts[i] = "PK\3\4" .. HEAD:pack(20, 0, 0, 0, crc, #bytes, #bytes, #name, 0) .. name .. bytes
    rows[i] = "PK\1\2" .. ROW:pack(20, 20, 0, 0, 0, crc, #bytes, #bytes, #name, 0, 0, 0, 0, 0, at)
      .. name
    at = at + #parts[i]
  end
  local text <const> = table.concat(rows)
  return table.concat(parts) .. text .. "PK\5\6"
    .. string.pack("<I2I2I2I2I4I4I2", 0, 0, #names, #names, #text, at, 0)
end

--- The bytes of a file with this value, and storages {bytes of "0", bytes of "1" ...}.
-- @param more {protocol =, order = of bytes, pickle = the whole pickle, name = of the archive,
--   entries = further {name, bytes ...}}
function M.bytes(value, storages, more)
  more = more or {}
  local name <const>, names <const>, contents <const> = more.name or "archive", {}, {}
  local function put(entry, bytes)
    names[#names + 1], contents[#contents + 1] = name .. "/" .. entry, bytes
  end
  put("data.pkl", more.pickle or ("\x80%s%s."):format(string.char(more.protocol or 2), value))
  put(".format_version", "1")
  put(".storage_alignment", "64")
  put("byteorder", more.order or "little")
  for i, bytes in ipairs(storages or {}) do put("data/" .. i - 1, bytes) end
  put("version", "3\n")
  for i = 1, #(more.entries or {}), 2 do put(more.entries[i], more.entries[i + 1]) end
  return M.zip(names, contents)
end

--- The bytes of float32 values.
function M.floats(...) return string.pack("<" .. ("f"):rep(select("#", ...)), ...) end

--- A file with the state of a module.
function M.state(state)
  local names <const>, parts <const>, storages <const> = {}, {}, {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    local t <const>, strides <const>, step = state[name], {}, 1
    for d = t:dim(), 1, -1 do
      strides[d], step = step, step * t:size(d)
    end
    storages[i] = core.bytes(t:contiguous())
    parts[#parts + 1] = M.text(name)
    local class <const> = t.dtype == "int64" and "Long" or "Float"
    parts[#parts + 1] = M.tensor(M.storage(class, tostring(i - 1), t:numel()), 0, t.shape, strides)
  end
  return M.ordered(table.unpack(parts)), storages
end

--- The opcodes and storages of a small file with most of what a checkpoint has.
function M.checkpoint()
  local w <const> = M.storage("Float", "0", 6)
  return M.dict(M.text "state_dict", M.ordered(M.text "w", M.tensor(w, 0, {2, 3}, {3, 1}),
    M.text "wt", M.parameter(M.tensor(w, 1, {2, 2}, {1, 3})), M.text "n",
    M.tensor(M.storage("Long", "1", 1), 0, {}, {})) .. M.dict(M.text "_metadata", M.dict()) .. "b",
    M.text "epoch", M.number(3), M.text "half",
    M.tensor_v3(M.storage("Untyped", "2", 4), 0, {2}, {1}, "uint16"), M.text "list",
    M.list(M.yes, M.none, M.number(-2), M.number(0.5), M.tuple(), M.global("torch", "float32"))),
    {M.floats(1, 2, 3, 4, 5, 6), string.pack("<i8", 7), "\1\0\xff\xff"}
end

--- The bytes of the file of M.checkpoint.
function M.sample() return M.bytes(M.checkpoint()) end

return M
