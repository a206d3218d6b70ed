--- Writes small ONNX files for specs, message by message.

local core <const> = require "braid.core"
local file <const> = require "spec.support.file"
local files <const> = require "braid.io.files"
local pb <const> = require "braid.io.protobuf"
local proto <const> = require "braid.onnx.proto"

local M <const> = {}

local FIELDS <const> = proto.messages

-- One value of a field.
local function field(kind, number, value)
  if kind == "whole" then return pb.whole(number, value) end
  if kind == "float" or kind == "double" then return pb[kind](number, value) end
  return pb.bytes(number, FIELDS[kind] and M.message(kind, value) or value)
end

--- The bytes of a message of this kind, from a table of its fields.
function M.message(kind, given)
  local names <const>, parts <const> = {}, {}
  for name in pairs(given) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local row <const> = assert(FIELDS[kind][name], name)
    for _, value in ipairs(row.many and given[name] or {given[name]}) do
      parts[#parts + 1] = field(row.kind, row.number, value)
    end
  end
  return table.concat(parts)
end

--- A Tensor with the values of one of Braid's.
function M.tensor(name, t)
  return {name = name, dims = t.shape, data_type = proto.dtypes[t.dtype], raw_data = core.bytes(t)}
end

local function attribute(name, value)
  local entry <const> = {name = name}
  local field_name
  if core.is_tensor(value) then
    field_name, value = "t", M.tensor("", value)
  elseif type(value) == "table" then
    field_name = value.node and "g" or type(value[1]) == "string" and "strings"
      or math.type(value[1]) == "float" and "floats" or "ints"
  else
    field_name = type(value) == "string" and "s" or math.type(value) == "float" and "f" or "i"
  end
  entry[field_name], entry.type = value, proto.attribute_types[field_name]
  return entry
end

--- A Node: {op, inputs, outputs, attributes by name}; further fields of the message go by name.
function M.node(given)
  local node <const> = {op_type = given[1], input = given[2], output = given[3], attribute = {}}
  local names <const> = {}
  for name in pairs(given[4] or {}) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    node.attribute[#node.attribute + 1] = attribute(name, given[4][name])
  end
  for key, value in pairs(given) do
    if type(key) == "string" then node[key] = value end
  end
  return node
end

-- A value {name, shape, dtype}; the shape has sizes and names.
local function info(given)
  local dims <const> = {}
  for i, size in ipairs(given[2] or {}) do
    dims[i] = type(size) == "string" and {dim_param = size} or {dim_value = size}
  end
  return {name = given[1], type = {tensor_type = {elem_type = proto.dtypes[given[3] or "float32"],
    shape = given[2] and {dim = dims}}}}
end

--- A Graph of {nodes =, tensors = {by name}, inputs =, outputs = {names}}.
function M.graph(given)
  local graph <const> = {name = "g", node = {}, initializer = {}, input = {}, output = {}}
  for i, node in ipairs(given.nodes) do graph.node[i] = M.node(node) end
  local names <const> = {}
  for name in pairs(given.tensors or {}) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do graph.initializer[i] = M.tensor(name, given.tensors[name]) end
  for _, t in ipairs(given.more or {}) do table.insert(graph.initializer, t) end
  for i, value in ipairs(given.inputs or {}) do graph.input[i] = info(value) end
  for i, name in ipairs(given.outputs) do graph.output[i] = {name = name} end
  return graph
end

--- The bytes of a file with such a graph; `opset` is the version of the operators (17).
function M.file(given)
  return M.message("Model", {ir_version = 8, producer_name = "spec",
    opset_import = {{domain = "", version = given.opset or 17}}, graph = M.graph(given)})
end

--- The module that braid.import makes of these bytes; or nil and its message without the path.
function M.import(bytes, options)
  local braid <const> = require "braid"
  local net, message
  file.with("net.onnx", function(path)
    assert(files.write(path, {bytes}))
    local ok <const>, value <const> = pcall(braid.import, path, options)
    if ok then
      net = value
      return
    end
    local head <const> = ("import: %s: not an ONNX file that Braid can run: "):format(path)
    local _, last <const> = tostring(value):find(head, 1, true)
    assert(last, value)
    message = value:sub(last + 1)
  end)
  return net, message
end

--- The module of a graph as M.graph takes it.
function M.net(given) return assert(M.import(M.file(given))) end

return M
