--- Reads the messages of an ONNX file into tables, with the fields of proto.lua by name.
--
-- The bytes of a tensor's values stay in the file: a field such as raw_data becomes the places
-- {first, last} of its pieces. Fields that the importer does not use are skipped. Everything else
-- is counted against braid.limits, so that a small file makes small tables.

local damage <const> = require "braid.io.damage"
local limits <const> = require "braid.limits"
local pb <const> = require "braid.io.protobuf"
local proto <const> = require "braid.onnx.proto"

local M <const> = {}

local fail <const> = damage.fail
local DEEPEST <const> = 32 -- messages within messages; each graph in a graph is three of them

-- Fields that only people read.
local SKIPPED <const> = {doc_string = true, value_info = true, denotation = true,
  producer_version = true, model_version = true}
-- Fields of a tensor whose bytes stay in the file.
local IN_FILE <const> = {float_data = true, int32_data = true, int64_data = true,
  uint64_data = true, double_data = true, raw_data = true}

local WIRE <const> = {whole = pb.VARINT, float = pb.FOUR, double = pb.EIGHT}
local NUMBER <const> = {float = {4, "<f"}, double = {8, "<d"}}

-- The fields of each message by their numbers.
local FIELDS <const> = {}
for message, fields in pairs(proto.messages) do
  FIELDS[message] = {}
  for name, field in pairs(fields) do
    if not SKIPPED[name] then
      FIELDS[message][field.number] = {name = name, kind = field.kind, many = field.many}
    end
  end
end

local message

-- Adds the numbers that are packed in bytes first .. last to a list.
local function unpack_numbers(r, list, kind, first, last)
  limits.bound("values", #list + last - first + 1, "bytes of packed numbers, or more")
  local number <const> = NUMBER[kind]
  if number and (last - first + 1) % number[1] ~= 0 then
    fail("the packed numbers at byte %d end within one", first)
  end
  while first <= last do
    if number then
      local text <const>, at <const> = r.source:window(first, number[1])
      list[#list + 1] = number[2]:unpack(text, at)
      first = first + number[1]
    else
      list[#list + 1], first = pb.varint(r.source, first, last)
    end
  end
end

-- The value of a field that has the wire type of its kind.
local function single(r, field, first, last, depth)
  local kind <const> = field.kind
  if kind == "whole" then return first end
  if NUMBER[kind] then
    local text <const>, at <const> = r.source:window(first, NUMBER[kind][1])
    return (NUMBER[kind][2]:unpack(text, at))
  end
  if FIELDS[kind] then return message(r, kind, first, last, depth + 1) end
  r.described = r.described + last - first + 1
  limits.bound("header", r.described, "bytes of names and attributes, or more")
  return r.source:bytes(first, last - first + 1)
end

local function check_wire(what, field, wire, at)
  local wanted <const> = WIRE[field.kind] or pb.BYTES
  local packed <const> = field.many and WIRE[field.kind] and wire == pb.BYTES
  if wire ~= wanted and not packed then
    fail("field '%s' of a %s before byte %d has the wire type %d, not %d", field.name,
      what:lower(), at, wire, wanted)
  end
  return packed
end

-- Adds one field to the table of its message.
local function add(r, result, what, field, wire, first, last, depth)
  local name <const>, packed <const> = field.name,
    check_wire(what, field, wire, last or first)
  if IN_FILE[name] then
    local pieces <const> = result[name] or {}
    limits.bound("values", #pieces + 1, "pieces of a tensor, or more")
    pieces[#pieces + 1] = {first, last, wire = wire}
    result[name] = pieces
  elseif field.many then
    local list <const> = result[name] or {}
    result[name] = list
    if packed then return unpack_numbers(r, list, field.kind, first, last) end
    limits.bound("values", #list + 1, "values of '%s', or more", name)
    list[#list + 1] = single(r, field, first, last, depth)
  else
    if result[name] ~= nil then fail("a %s has two fields '%s'", what:lower(), name) end
    result[name] = single(r, field, first, last, depth)
  end
end

-- The message of a kind in bytes first .. last.
function message(r, what, first, last, depth)
  if depth > DEEPEST then fail("its graphs lie within each other too deep") end
  r.count = r.count + 1
  limits.bound("members", r.count, "nodes, tensors and attributes, or more")
  local fields <const>, result <const> = FIELDS[what], {}
  for number, wire, from, to in pb.fields(r.source, first, last) do
    local field <const> = fields[number]
    if field then add(r, result, what, field, wire, from, to, depth) end
  end
  return result
end

--- The Model in a source of files.lua. A fault is raised as damage.lua says.
function M.model(source)
  if source.size == 0 then fail("it is empty") end
  return message({source = source, count = 0, described = 0}, "Model", 1, source.size, 0)
end

return M
