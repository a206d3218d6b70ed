--- Makes the graph of an ONNX file from its messages, and checks it.
--
-- A graph is {inputs, outputs, nodes, constants, initializers}. An input or output has a name and,
-- if the file tells, a dtype and a shape: for each dimension a size, a name or false. A node has
-- op, domain, opset, name, inputs and outputs (names of values), attributes by name, and scope, the
-- path of its module. Constants are the tensors of initializers and Constant nodes, by name;
-- `initializers` has the names of the initializers. Each node comes after all nodes whose values
-- it uses.

local damage <const> = require "braid.io.damage"
local attributes <const> = require "braid.onnx.import.attributes"
local sorted <const> = require "braid.onnx.import.sorted"
local tensors <const> = require "braid.onnx.import.tensors"

local M <const> = {}

local fail <const> = damage.fail

local LONGEST <const> = 1000 -- bytes of a name
local STANDARD <const> = {[""] = true, ["ai.onnx"] = true}

local function check_name(what, name)
  if #name > LONGEST then fail("the name of %s has %d bytes", what, #name) end
  return name
end

local function value_info(info)
  local tensor <const> = info.type and info.type.tensor_type
  local name <const> = check_name("a value", info.name or "")
  if name == "" then fail("an input or output of the graph has no name") end
  if info.type and not tensor then fail("'%s' is not a tensor but a list, map or option", name) end
  local value <const> = {name = name}
  if tensor then value.dtype = tensors.dtype_of[tensor.elem_type or 0] end
  if tensor and tensor.shape then
    value.shape = {}
    for i, dim in ipairs(tensor.shape.dim or {}) do
      value.shape[i] = dim.dim_value or dim.dim_param or false
    end
  end
  return value
end

-- The path of the module that a node comes from, as PyTorch's exporters note it.
local function scope_of(node)
  for _, entry in ipairs(node.metadata_props or {}) do
    if entry.key == "pkg.torch.onnx.name_scopes" then
      local scopes <const> = {}
      for scope in (entry.value or ""):gmatch("'([^']*)'") do scopes[#scopes + 1] = scope end
      return scopes[#scopes - 1] or ""
    end
  end
  local name <const> = node.name or ""
  if not name:find("^/") then return "" end
  local path = ""
  for part in name:gsub("/[^/]*$", ""):gmatch("[^/]+") do
    -- a part of a list names the list again: /layer1/layer1.0
    if path == "" or part:sub(1, #path + 1) == path .. "." then
      path = part
    else
      local last <const> = path:match("[^.]*$")
      path = part:sub(1, #last + 1) == last .. "." and path:sub(1, -#last - 1) .. part
        or path .. "." .. part
    end
  end
  return path
end

local function node_of(c, given, i)
  local domain <const> = STANDARD[given.domain or ""] and "" or given.domain
  local op <const> = given.op_type or ""
  local name <const> = check_name("a node", given.name or "")
  if op == "" then fail("node %d ('%s') has no operator", i, name) end
  if given.overload then fail("node %d ('%s') is of an overloaded function", i, name) end
  local node <const> = {op = check_name("an operator", op), domain = domain, name = name,
    opset = c.opsets[domain], inputs = given.input or {}, outputs = given.output or {},
    scope = scope_of(given), index = i}
  node.what = ("node '%s' (%s)"):format(name ~= "" and name or "number " .. i, op)
  if #node.outputs == 0 then fail("%s has no output", node.what) end
  for _, list in ipairs{node.inputs, node.outputs} do
    for k, value in ipairs(list) do list[k] = check_name("a value", value) end
  end
  node.attributes = attributes.read(c, node, given.attribute or {})
  return node
end

local function add_constant(graph, name, t)
  if name == "" then fail("an initializer has no name") end
  if graph.constants[name] then fail("two initializers are named '%s'", name) end
  graph.constants[name] = t
end

-- The tensor of a Constant node.
local function constant_of(node)
  local a <const> = node.attributes
  local value <const> = attributes.constant(a)
  if not value then fail("%s has no value that is a tensor of numbers", node.what) end
  if #node.outputs ~= 1 then fail("%s has %d outputs", node.what, #node.outputs) end
  return value
end

local function add_nodes(c, graph, given)
  for i, entry in ipairs(given) do
    local node <const> = node_of(c, entry, i)
    if node.op == "Constant" and node.domain == "" then
      add_constant(graph, node.outputs[1] or "", constant_of(node))
    else
      graph.nodes[#graph.nodes + 1] = node
    end
  end
end

--- The graph of a Graph message. `c` has the source, the opsets by domain, and outside (see
-- tensors.lua). `outer` has the names of values of an outer graph that this graph may use.
function M.make(c, given, outer)
  local graph <const> = {name = given.name or "", inputs = {}, outputs = {}, nodes = {},
    constants = {}, initializers = {}}
  if given.sparse_initializer then fail("it has sparse initializers, which Braid cannot read") end
  for _, t in ipairs(given.initializer or {}) do
    add_constant(graph, check_name("an initializer", t.name or ""),
      tensors.read(c.source, t, c.outside))
    graph.initializers[t.name] = true
  end
  for _, info in ipairs(given.input or {}) do
    local value <const> = value_info(info)
    -- before version 4 of the format an initializer was listed as an input too
    if not graph.constants[value.name] then graph.inputs[#graph.inputs + 1] = value end
  end
  for _, info in ipairs(given.output or {}) do
    graph.outputs[#graph.outputs + 1] = value_info(info)
  end
  add_nodes(c, graph, given.node or {})
  sorted(graph, outer or {})
  return graph
end

-- The version of each domain's operators.
local function opsets_of(model)
  local opsets <const> = {}
  for _, set in ipairs(model.opset_import or {}) do
    local domain <const> = STANDARD[set.domain or ""] and "" or set.domain
    opsets[domain] = set.version or 1
  end
  if not opsets[""] then opsets[""] = 1 end
  return opsets
end

--- The graph in a Model message.
function M.of(source, model, outside)
  if not model.graph then fail("there is no graph in it") end
  if model.functions then
    fail("it has functions of its own; an exporter can write their nodes in their place")
  end
  local c <const> = {source = source, opsets = opsets_of(model), outside = outside}
  c.graph = function(given, outer) return M.make(c, given, outer) end
  local graph <const> = M.make(c, model.graph)
  graph.opset = c.opsets[""]
  graph.producer = model.producer_name or ""
  if #graph.outputs == 0 then fail("its graph has no output") end
  return graph
end

return M
