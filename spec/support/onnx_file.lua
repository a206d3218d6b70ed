--- Reads an ONNX file into tables, by the messages of braid/onnx/proto.lua, and says what is wrong
-- with its graph.

local files <const> = require "braid.io.files"
local pb <const> = require "braid.io.protobuf"
local proto <const> = require "braid.onnx.proto"

local M <const> = {}

local FLOAT <const> = {float = "<f", double = "<d"}

local message

local function value_of(source, field, kind, first, last)
  if kind == pb.VARINT then return first end
  if FLOAT[field.kind] and kind ~= pb.BYTES then
    return (FLOAT[field.kind]:unpack(assert(source:bytes(first, last - first + 1))))
  end
  if proto.messages[field.kind] then return message(source, field.kind, first, last) end
  return assert(source:bytes(first, last - first + 1))
end

-- The message of that name in bytes first .. last.
function message(source, name, first, last)
  local by_number <const>, result <const> = {}, {}
  for key, field in pairs(proto.messages[name]) do
    by_number[field.number] = key
    if field.many then result[key] = {} end
  end
  for number, kind, from, to in pb.fields(source, first, last) do
    local key <const> = assert(by_number[number], name .. " has no field " .. number)
    local field <const> = proto.messages[name][key]
    if field.many and field.kind == "whole" and kind == pb.BYTES then
      while from <= to do
        local each
        each, from = pb.varint(source, from, to)
        table.insert(result[key], each)
      end
    elseif field.many then
      table.insert(result[key], value_of(source, field, kind, from, to))
    else
      result[key] = value_of(source, field, kind, from, to)
    end
  end
  return result
end

--- The model in a file.
function M.read(path)
  local source <close> = assert(files.open(path))
  return message(source, "Model", 1, source.size)
end

--- The sizes of an input or output: numbers, and names of sizes that are not fixed.
function M.shape(info)
  local sizes <const> = {}
  for i, d in ipairs(info.type.tensor_type.shape.dim) do sizes[i] = d.dim_value or d.dim_param end
  return sizes
end

--- The metadata by name.
function M.metadata(model)
  local entries <const> = {}
  for _, entry in ipairs(model.metadata_props) do entries[entry.key] = entry.value end
  return entries
end

--- The operators, in order, as one text.
function M.operators(model)
  local words <const> = {}
  for i, node in ipairs(model.graph.node) do words[i] = node.op_type end
  return table.concat(words, " ")
end

local WIDTH <const> = {[1] = 4, [2] = 1, [6] = 4, [7] = 8, [9] = 1, [11] = 8}

--- The fault of a graph, or nil: each name is defined once, before it is used; constants have
-- as many bytes as their shapes say; outputs exist.
function M.wrong(model)
  local known <const> = {}
  local function define(name)
    if name == "" or known[name] then return "defines '" .. name .. "' again" end
    known[name] = true
  end
  local graph <const> = model.graph
  for _, info in ipairs(graph.input) do
    local wrong <const> = define(info.name)
    if wrong then return wrong end
  end
  for _, t in ipairs(graph.initializer) do
    local bytes = WIDTH[t.data_type]
    for _, size in ipairs(t.dims) do bytes = bytes * size end
    local wrong <const> = define(t.name)
    if wrong then return wrong end
    if bytes ~= #(t.raw_data or "") then return t.name .. " has another size than its shape" end
  end
  local names <const> = {}
  for _, node in ipairs(graph.node) do
    for _, name in ipairs(node.input) do
      if name ~= "" and not known[name] then return node.name .. " uses unknown " .. name end
    end
    for _, name in ipairs(node.output) do
      local wrong <const> = define(name)
      if wrong then return wrong end
    end
    if names[node.name] then return "two nodes are called " .. node.name end
    names[node.name] = true
  end
  for _, info in ipairs(graph.output) do
    if not known[info.name] then return "its output " .. info.name .. " is nowhere" end
  end
end

return M
