--- .npy: one tensor in numpy's format (versions 1.0, 2.0 and 3.0).
--
-- A file has a magic word, the version, the length of the header, the header, and the values. The
-- header is a Python dictionary. It is parsed by the few rules that such headers follow, and never
-- run as code. https://numpy.org/neps/nep-0001-npy-format.html

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local shapes <const> = require "braid.io.shape"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

local MAGIC <const> = "\x93NUMPY"
local MAX_DIMENSIONS <const> = 8
local DESCR <const> = {float32 = "<f4", float64 = "<f8", int64 = "<i8", int32 = "<i4",
  uint8 = "|u1", bool = "|b1"}
local KINDS <const> = {f4 = "float32", f8 = "float64", i8 = "int64", i4 = "int32", u1 = "uint8",
  b1 = "bool", f2 = "float16", i1 = "int8", i2 = "int16", u2 = "uint16", u4 = "uint32",
  u8 = "uint64"}
local NO_TENSOR <const> = {
  O = "Python objects: reading them could run a program", V = "records",
  S = "texts", U = "texts", a = "texts", M = "dates", m = "times", c = "complex numbers",
}

local fail <const> = damage.fail

-- Raises the error about a file that is not damaged but has no tensor.
local function give_up(what, ...) damage.fail_with({whole = true}, what, ...) end

local function shown(s) return (s:sub(1, 30):gsub("[^\x20-\x7e]", "?")) end

-- The kind of the values, their size, and whether they are big-endian.
local function kind_of(descr)
  local holds <const> = NO_TENSOR[descr:match("^[<>|=]?(%a)")]
  if holds then give_up("it holds %s", holds) end
  local order <const>, letter <const>, size <const> = descr:match("^([<>|=]?)(%a)(%d*)$")
  if not order then fail("'%s' is not a type of values", shown(descr)) end
  local kind <const> = KINDS[letter .. size]
  if not kind then
    give_up("its values are %s, which no type here can hold", shown(descr))
  end
  local wide <const> = math.tointeger(tonumber(size))
  if wide > 1 and order ~= "<" and order ~= ">" then
    fail("'%s' does not say the order of bytes", shown(descr))
  end
  return kind, wide, order == ">"
end

local function parse_shape(text, at)
  local inner <const>, stop <const> = text:match("^%(([%dL%s,]*)%)()", at)
  if not inner then fail("the header has no shape") end
  local shape <const> = {}
  local from, comma = 1, true
  while true do
    from = inner:find("%S", from)
    if not from then break end
    local digits <const>, past <const>, also <const> = inner:match("^(%d+)L?%s*()(,?)", from)
    if not digits or not comma then fail("the header has no shape") end
    local size <const> = #digits < 19 and math.tointeger(tonumber(digits))
    if not size then fail("a size of %s is impossible", digits) end
    shape[#shape + 1] = size
    comma = also == ","
    from = past + #also
  end
  if #shape == 1 and not comma then fail("the header has no shape") end -- (3) is not a tuple
  if #shape > MAX_DIMENSIONS then fail("it has more than %d dimensions", MAX_DIMENSIONS) end
  return shape, stop
end

local function parse_text(text, at)
  local descr <const>, stop <const> = text:match("^'([^'\\\n]*)'()", at)
  if descr then return descr, stop end
  local other <const>, past <const> = text:match("^\"([^\"\\\n]*)\"()", at)
  if other then return other, past end
  if text:find("^[%[{(]", at) then give_up("it holds records") end
  fail("the header does not say the type of its values")
end

local function parse_flag(text, at)
  local word <const>, stop <const> = text:match("^(%a+)()", at)
  if word ~= "True" and word ~= "False" then fail("fortran_order is neither True nor False") end
  return word == "True", stop
end

local FIELDS <const> = {descr = parse_text, fortran_order = parse_flag, shape = parse_shape}

-- Reads a header -> {descr =, fortran_order =, shape =}.
local function parse_header(text)
  local function skip(at) return text:match("^[ \t\r\n]*()", at) end
  local found <const> = {}
  local at = text:match("^%s*{%s*()")
  if not at then fail("the header is not a dictionary") end
  while text:sub(at, at) ~= "}" do
    local key <const>, colon <const> = text:match("^['\"]([%w_]+)['\"]%s*:%s*()", at)
    if not FIELDS[key] then fail("the header is damaged at byte %d", at) end
    if found[key] ~= nil then fail("the header says %s twice", key) end
    found[key], at = FIELDS[key](text, colon)
    at = skip(at)
    if text:sub(at, at) == "," then
      at = skip(at + 1)
    elseif text:sub(at, at) ~= "}" then
      fail("the header is damaged at byte %d", at)
    end
  end
  if text:find("%S", at + 1) then fail("the header goes on after its end") end
  for key in pairs(FIELDS) do
    if found[key] == nil then fail("the header does not say all of descr, fortran_order, shape") end
  end
  return found
end

local function count_of(shape, size)
  local count <const>, wrong <const> = shapes.count(shape, size)
  if not count then fail("%s", wrong or "its shape is impossible") end
  return count * size
end

local function bytes_of(source, first, n)
  local text <const>, at <const> = source:window(first, n)
  if not text then fail("it ends too early") end
  return text, at
end

local function tensor_of(text, from, shape, kind, big)
  local t <const> = core.from_packed(text, from, shape, kind, big)
  if kind == "uint64" and t:numel() > 0 and t:min():item() < 0 then
    give_up("it holds a number of 2^63 or more, which no type here can hold")
  end
  return t
end

-- Reads the header -> {kind, size (of a value), big, shape, fortran_order, first = the first byte
-- of the values, count = of their bytes}. The file must end after the last of these bytes.
local function parse_head(source)
  local start, at = bytes_of(source, 1, math.min(source.size, 12))
  local magic <const>, major <const>, minor <const> = start:match("^(......)(.)(.)", at)
  if magic ~= MAGIC then fail("it does not begin like one") end
  local version <const> = major:byte()
  if version < 1 or version > 3 or minor ~= "\0" then
    fail("version %d.%d of the format is not known", version, minor:byte())
  end
  local wide <const> = version == 1 and 2 or 4
  start, at = bytes_of(source, 9, wide)
  local length <const> = string.unpack("<I" .. wide, start, at)
  if length < source.size then limits.bound("header", length, "bytes of header") end
  start, at = bytes_of(source, 9 + wide, length)
  local header <const> = parse_header(start:sub(at, at + length - 1))
  local head <const> = {shape = header.shape, fortran_order = header.fortran_order}
  head.kind, head.size, head.big = kind_of(header.descr)
  head.count, head.first = count_of(head.shape, head.size), 9 + wide + length
  if head.count ~= source.size - head.first + 1 then
    fail("its shape and type ask for %d bytes of values, but it has %d", head.count,
      source.size - head.first + 1)
  end
  return head
end

local function parse(source)
  local head <const> = parse_head(source)
  local shape <const>, kind <const>, big <const> = head.shape, head.kind, head.big
  local text <const>, from <const> = bytes_of(source, head.first, head.count)
  if not head.fortran_order then return tensor_of(text, from, shape, kind, big) end
  local turned <const>, order <const> = {}, {}
  for d = 1, #shape do
    turned[d], order[d] = shape[#shape + 1 - d], #shape + 1 - d
  end
  local t <const> = tensor_of(text, from, turned, kind, big)
  return #shape > 1 and core.ops.contiguous_copy(t:permute(table.unpack(order))) or t
end

--- The tensor in a source of files.lua; or nil, what is wrong, and true if the file is not damaged
-- but has values that no tensor can hold.
M.parse = damage.caught(parse, "whole")

local parsed_head <const> = damage.caught(parse_head, "whole")

--- Describes a source by its header, without reading values: {holds, dtype (as in the file), shape,
-- values = how many, columns_first}. For a whole file that is not a tensor it is {holds, shape =
-- {}, values = 0, left_out = why}. Or nil and what is wrong.
function M.facts(source)
  local head <const>, why <const>, whole <const> = parsed_head(source)
  if not head and not whole then return nil, why end
  if not head then return {holds = "no tensor", shape = {}, values = 0, left_out = why} end
  return {holds = "a tensor", dtype = head.kind, shape = head.shape,
    values = head.count // head.size, columns_first = head.fortran_order or nil}
end

--- The tensor in a file; or nil and a message. A type that tensors do not have becomes the smallest
-- type that can hold all its values: float16 becomes float32; int8, int16 and uint16 become int32;
-- uint32 and uint64 (below 2^63) become int64.
function M.read(path) return files.parsed(path, M.parse, ".npy") end

--- The header for a tensor; its length is a multiple of 64 bytes.
function M.header(t)
  local shape <const> = {}
  for d, size in ipairs(t.shape) do shape[d] = ("%d"):format(size) end
  local text <const> = ("{'descr': '%s', 'fortran_order': False, 'shape': (%s%s), }"):format(
    DESCR[t.dtype], table.concat(shape, ", "), #shape == 1 and "," or "")
  local padded <const> = text .. (" "):rep(-(#MAGIC + 4 + #text + 1) % 64) .. "\n"
  return MAGIC .. "\1\0" .. string.pack("<s2", padded)
end

--- Writes a tensor.
-- @return true, or nil and a message
function M.write(path, t)
  if not core.is_tensor(t) then check.fail("save: a .npy wants a tensor, not a %s", type(t)) end
  return files.write(path, {M.header(t), core.bytes(t)})
end

return M
