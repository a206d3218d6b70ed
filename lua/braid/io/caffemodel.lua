--- .caffemodel files have the weights of a Caffe network, as a message in protocol buffers.
--
-- The reader uses these fields of caffe.proto: the layers of NetParameter (100); the name (1) and
-- the blobs (7) of a layer; the values (5 for float, 8 for double) and the shape (7, with the sizes
-- in its field 1) of a blob. It skips all other fields. Files from before 2014 have layers in field
-- 2 and shapes as four numbers; for them the reader returns nil and a message.

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local files <const> = require "braid.io.files"
local limits <const> = require "braid.limits"
local pb <const> = require "braid.io.protobuf"
local shapes <const> = require "braid.io.shape"
require "braid.tensor" -- gives tensors their methods

local M <const> = {}

local LAYER <const>, OLD_LAYER <const> = 100, 2
local LAYER_NAME <const>, LAYER_BLOB <const> = 1, 7
local FLOATS <const>, SHAPE <const>, DOUBLES <const>, SIZES <const> = 5, 7, 8, 1
local VARINT <const>, EIGHT <const>, BYTES <const>, FOUR <const> = pb.VARINT, pb.EIGHT, pb.BYTES,
  pb.FOUR
local fail <const>, fields <const>, varint <const> = damage.fail, pb.fields, pb.varint
local MAX_DIMENSIONS <const>, LONGEST_NAME <const> = 8, 1000

-- The sizes of a shape. They are single fields, or packed into one field.
local function shape_of(source, first, last)
  local shape <const> = {}
  local function add(size)
    if size < 0 or size >= 1 << 31 then fail("a size of %d is impossible", size) end
    if #shape == MAX_DIMENSIONS then
      fail("a shape has more than %d dimensions", MAX_DIMENSIONS)
    end
    shape[#shape + 1] = size
  end
  for number, kind, from, to in fields(source, first, last) do
    if number == SIZES and kind == VARINT then
      add(from)
    elseif number == SIZES and kind == BYTES then
      while from <= to do
        local size
        size, from = varint(source, from, to)
        add(size)
      end
    end
  end
  return shape
end

-- Adds a piece of a blob's values; a field may be repeated.
local function add_piece(blob, kind, value_kind, first, last)
  local size <const> = value_kind == "float32" and 4 or 8
  if kind ~= BYTES and kind ~= (size == 4 and FOUR or EIGHT) or (last - first + 1) % size ~= 0 then
    fail("the values at byte %d are not %s", first, value_kind)
  end
  if blob.kind and blob.kind ~= value_kind then fail("a blob has values of two kinds") end
  blob.kind = value_kind
  limits.bound("values", #blob + 1, "pieces of a blob, or more")
  blob.bytes = blob.bytes + last - first + 1
  blob[#blob + 1] = {first, last}
end

-- The text with a blob's values, and the place where they begin.
local function values_of(source, blob)
  if #blob == 1 then return source:window(blob[1][1], blob.bytes) end
  local texts <const> = {}
  for i, piece in ipairs(blob) do
    texts[i] = assert(source:bytes(piece[1], piece[2] - piece[1] + 1))
  end
  return table.concat(texts), 1
end

local function blob_of(source, first, last)
  local blob <const>, shape = {bytes = 0}, nil
  for number, kind, from, to in fields(source, first, last) do
    if number == FLOATS and kind ~= VARINT then
      add_piece(blob, kind, "float32", from, to)
    elseif number == DOUBLES and kind ~= VARINT then
      add_piece(blob, kind, "float64", from, to)
    elseif number == SHAPE and kind == BYTES then
      if shape then fail("a blob has two shapes") end
      shape = shape_of(source, from, to)
    end
  end
  if not shape then fail("a blob has no shape (an old file?)") end
  local count <const>, wrong <const> = shapes.count(shape, 8)
  if not count then fail("%s", wrong or "a shape is impossible") end
  blob.kind = blob.kind or "float32"
  local have <const> = blob.bytes // (blob.kind == "float32" and 4 or 8)
  if count ~= have then
    fail("the shape (%s) asks for %d values, but the blob has %d", table.concat(shape, ", "),
      count, have)
  end
  local text <const>, at <const> = values_of(source, blob)
  if not text then fail("it ends too early") end
  return core.from_packed(text, at, shape, blob.kind)
end

local function add_layer(source, layers, first, last)
  local name
  local blobs <const> = {}
  for number, kind, from, to in fields(source, first, last) do
    if number == LAYER_NAME and kind == BYTES then
      if to - from >= LONGEST_NAME then fail("a layer's name has %d bytes", to - from + 1) end
      name = assert(source:bytes(from, to - from + 1))
    elseif number == LAYER_BLOB and kind == BYTES then
      limits.bound("members", #blobs + 1, "blobs in a layer, or more")
      blobs[#blobs + 1] = blob_of(source, from, to)
    end
  end
  if #blobs == 0 then return end
  if not name then fail("a layer with weights has no name") end
  if layers[name] then fail("two layers are named '%s'", name) end
  layers[name] = blobs
end

local function parse(source)
  local layers <const> = {}
  local count = 0
  for number, kind, first, last in fields(source, 1, source.size) do
    count = count + 1
    limits.bound("members", count, "layers, or more")
    if number == LAYER and kind == BYTES then
      add_layer(source, layers, first, last)
    elseif number == OLD_LAYER and kind == BYTES then
      fail("its layers are in the form that Caffe had before 2014")
    end
  end
  if next(layers) == nil then fail("there is no layer with weights in it") end
  return layers
end

--- The result of `read` for a source of files.lua; or nil and a message.
M.parse = damage.caught(parse)

--- The weights in a file, {layer = {tensor, ...}}, for all layers that have weights. Blobs have
-- Caffe's order (weight, bias) and shape. Or nil and a message.
-- @usage local det1 = assert(braid.load("det1.caffemodel"))  print(det1.conv1[1].shape)
function M.read(path) return files.parsed(path, M.parse, ".caffemodel") end

return M
