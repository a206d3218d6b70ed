--- Encodes messages of proto.lua as bytes. A message is a table of values by the names of fields;
-- it becomes pieces of a file, and a large piece is made only when it is written.

local check <const> = require "braid.check"
local pb <const> = require "braid.io.protobuf"
local proto <const> = require "braid.onnx.proto"

local M <const> = {}

--- Bytes that are made later: make() returns `size` bytes.
function M.later(size, make) return {size = size, make = make} end

local encode

local PLAIN <const> = {whole = pb.whole, float = pb.float, double = pb.double, text = pb.bytes}

-- Adds a field to the pieces, and returns how many bytes it has.
local function add(pieces, field, value)
  local plain <const> = PLAIN[field.kind]
  if plain or field.kind == "bytes" and type(value) == "string" then
    local text <const> = (plain or pb.bytes)(field.number, value)
    pieces[#pieces + 1] = text
    return #text
  end
  local inner, size = {value.make}, value.size
  if field.kind ~= "bytes" then inner, size = encode(field.kind, value) end
  local start <const> = pb.start(field.number, size)
  pieces[#pieces + 1] = start
  table.move(inner, 1, #inner, #pieces + 1, pieces)
  return #start + size
end

-- The pieces of a message, and how many bytes all of them have.
function encode(name, message)
  local fields <const>, pieces <const>, size = proto.messages[name], {}, 0
  local keys <const> = check.sorted_keys(message)
  table.sort(keys, function(a, b) return fields[a].number < fields[b].number end)
  for _, key in ipairs(keys) do
    local field <const>, value <const> = fields[key], message[key]
    if not field.many then
      size = size + add(pieces, field, value)
    elseif field.kind == "whole" and #value > 0 then
      pieces[#pieces + 1] = pb.wholes(field.number, value)
      size = size + #pieces[#pieces]
    else
      for _, each in ipairs(value) do size = size + add(pieces, field, each) end
    end
  end
  return pieces, size
end

--- The pieces of a message, for files.write, and how many bytes they have.
function M.pieces(name, message)
  local pieces <const>, size <const> = encode(name, message)
  local i = 0
  return function()
    i = i + 1
    local piece <const> = pieces[i]
    return type(piece) == "function" and piece() or piece
  end, size
end

return M
