--- Makes the modules and the program of a graph.
--
-- A program is a list of steps, one for each node: {what, place, layer or f and a, inputs, outputs,
-- done}. An input is the name of a value, false if left out, {constant = tensor}, or {keys, key}, a
-- tensor of the module that the keys lead to. `done` are the values that no later step uses. A
-- layer that is `flat` takes all dimensions after the channels as one.

local core <const> = require "braid.core"
local damage <const> = require "braid.io.damage"
local layers <const> = require "braid.onnx.import.layers"
local names <const> = require "braid.onnx.import.names"
local operators <const> = require "braid.onnx.import.operators"
local places <const> = require "braid.onnx.import.places"
local ranks <const> = require "braid.onnx.import.ranks"

local M <const> = {}

local fail <const> = damage.fail

-- The row of a node's operator.
local function row_of(node)
  local row <const> = node.domain == "" and operators[node.op]
  if row then return row end
  fail("%s: Braid does not have the operator %s of domain '%s' (version %s)", node.what, node.op,
    node.domain == "" and "ai.onnx" or node.domain, node.opset or "unknown")
end

-- ---- constants ----------------------------------------------------------------------------

-- Inputs that are learned, by operator.
local WEIGHTS <const> = {
  Conv = {[2] = "weight", [3] = "bias"}, ConvTranspose = {[2] = "weight", [3] = "bias"},
  Gemm = {"weight", "weight", "bias"}, MatMul = {"weight", "weight"},
  BatchNormalization = {[2] = "weight", [3] = "bias"},
  InstanceNormalization = {[2] = "weight", [3] = "bias"},
  LayerNormalization = {[2] = "weight", [3] = "bias"},
  GroupNormalization = {[2] = "weight", [3] = "bias"}, RMSNormalization = {[2] = "weight"},
  PRelu = {[2] = "weight"}, Gather = {"weight"}, Einsum = {"weight", "weight", "weight"},
  LSTM = {[2] = "weight_ih", [3] = "weight_hh", [4] = "bias"},
  GRU = {[2] = "weight_ih", [3] = "weight_hh", [4] = "bias"},
  RNN = {[2] = "weight_ih", [3] = "weight_hh", [4] = "bias"},
}
-- Elementwise operators. Their constant is learned if a layer came before; a constant applied to
-- the network's input itself is part of the preprocessing.
local ELEMENTWISE <const> = {Add = true, Sub = true, Mul = true, Div = true}
-- Operators that prepare a weight before it reaches its layer; so do all reductions.
local PREPARES <const> = {Transpose = true, Reshape = true, Unsqueeze = true, Squeeze = true,
  Cast = true, Expand = true, Slice = true, Split = true, Clip = true, Exp = true, Sigmoid = true,
  Tanh = true, Softplus = true, Softmax = true, Neg = true, Abs = true}
local PRODUCTS <const> = {MatMul = true, Gemm = true, Einsum = true}

local function is_float(t) return t.dtype == "float32" or t.dtype == "float64" end

-- Whether input i of a node is a weight by its operator. Of two constants in a product, the second
-- is; of a constant and other values, the constant is if the file names it.
local function is_weight(b, node, i, name)
  local weights <const> = WEIGHTS[node.op]
  if not weights or not weights[i] then return false end
  if not PRODUCTS[node.op] or i > 1 then return true end
  local second <const> = b.graph.constants[node.inputs[2] or ""]
  return b.graph.initializers[name] and not (second and is_float(second))
end

-- Whether input i of a node is a part of a weight that the node prepares.
local function is_part(b, node, i, name)
  if ELEMENTWISE[node.op] then
    local other <const> = node.inputs[3 - i]
    local constant <const> = b.graph.constants[other]
    return b.learned[other] or constant and (i == 1 or constant:numel() < 2)
  end
  if node.op == "Concat" then return i == 1 or names.of_initializer(name) ~= nil end
  return i == 1 and (PREPARES[node.op] or node.op:find("^Reduce"))
end

-- The role of input i of a node, if that is a constant: "weight", "statistic" or "constant".
local function role_of(b, node, i, name)
  local t <const>, initial <const> = b.graph.constants[name], b.graph.initializers[name]
  if not is_float(t) or t:dim() == 0 then return "constant" end
  -- what PyTorch's exporter makes of numbers in the code
  if not initial and name:find("Constant[_%d]*_output_0$") then return "constant" end
  if is_weight(b, node, i, name) then return "weight", WEIGHTS[node.op][i] end
  if t:numel() < 2 or not initial then return "constant" end
  return is_part(b, node, i, name) and "weight" or "statistic", "value"
end

-- The input of a step for a constant. A constant that several nodes use is kept only once.
local function constant_input(b, node, i, name)
  if b.held[name] then return b.held[name] end
  if node.op == "Shape" or node.op == "Size" then -- which says nothing of what it is
    return {constant = core.keep(b.graph.constants[name])}
  end
  local t <const>, role <const>, key <const> = b.graph.constants[name], role_of(b, node, i, name)
  local input
  if role == "constant" then
    input = {constant = core.keep(t)}
  else
    local keys = names.of_initializer(name)
    if not keys then
      keys = names.of_node(node)
      keys[#keys + 1] = names.keys(key)[1]
    end
    input = places.put_tensor(b.root, keys, t, role == "weight")
  end
  b.held[name] = input
  return input
end

-- The input of a step for input i of a node.
local function input_of(b, node, i)
  local name <const> = node.inputs[i]
  if name == "" then return false end
  return b.graph.constants[name] and constant_input(b, node, i, name) or name
end

-- ---- steps --------------------------------------------------------------------------------

-- The constants that a node has as inputs, if no other node shares them.
local function own_constants(b, inputs)
  local given <const> = {}
  for i, name in ipairs(inputs) do
    local t <const> = b.graph.constants[name]
    if t and b.uses[name] == 1 then given[i] = t end
  end
  return given
end

-- The node that adds a bias to a product, if nothing else uses the product.
local function bias_after(b, node)
  local next_node <const> = b.user[node.outputs[1]]
  if not next_node or next_node.op ~= "Add" or next_node.domain ~= ""
    or b.uses[node.outputs[1]] ~= 1 then return nil end
  local i <const> = next_node.inputs[1] == node.outputs[1] and 2 or 1
  local bias <const> = b.graph.constants[next_node.inputs[i] or ""]
  local w <const> = b.graph.constants[node.inputs[2]]
  if not bias or not w or b.uses[next_node.inputs[i]] ~= 1 or bias:dim() ~= 1
    or w:dim() ~= 2 or bias:numel() ~= w:size(2) or not is_float(bias) then
    return nil
  end
  return next_node, next_node.inputs[i]
end

-- The layer of a node, its keys, and the node whose outputs it makes; nil if no layer fits.
local function layer_of(b, node)
  local make <const> = node.domain == "" and layers[node.op]
  if not make then return nil end
  local inputs, last = node.inputs, node
  if node.op == "MatMul" then
    local add <const>, bias <const> = bias_after(b, node)
    if add then inputs, last = {node.inputs[1], node.inputs[2], bias}, add end
  end
  if #node.outputs > 1 and node.op ~= "Dropout" then return nil end
  local layer <const> = make(node, own_constants(b, inputs), b.ranks[node.inputs[1]])
  if not layer then return nil end
  local keys
  for i = 2, #inputs do
    local found <const> = b.graph.constants[inputs[i]] and names.of_initializer(inputs[i])
    if found and not keys then
      keys = found
      keys[#keys] = nil
    end
  end
  return layer, keys or names.of_node(node), last
end

local function check_inputs(node, least)
  for i = 1, least do
    if (node.inputs[i] or "") == "" then
      fail("%s: it has %d inputs, but needs %d", node.what, #node.inputs, least)
    end
  end
end

local function generic_step(b, node, row)
  local a <const> = node.attributes
  a.opset, a.results, a.float = node.opset or 1, #node.outputs, "float32"
  local step <const> = {what = node.what, f = row[2], a = a, inputs = {}, n = #node.inputs,
    outputs = node.outputs, place = names.path(names.of_node(node)), named = node.scope ~= ""}
  for i in ipairs(node.inputs) do step.inputs[i] = input_of(b, node, i) end
  return step
end

-- Marks the outputs of a step as learned if they depend on a layer or a tensor of the network.
local function spread(b, node, step)
  local learned = step.layer ~= nil
  for _, input in ipairs(step.inputs) do
    learned = learned or b.learned[input] or type(input) == "table" and input.keys ~= nil
  end
  for _, name in ipairs(step.outputs) do b.learned[name] = learned or nil end
  b.ranks[step.outputs[1]] = ranks(b, node)
end

local function add_graphs(b, node, step)
  if not node.captured then return end
  step.graphs, step.captured = {}, {}
  for name, value in pairs(node.attributes) do
    if type(value) == "table" and value.nodes then
      step.graphs[name] = M.program(value, b.root)
      step.a[name] = nil
    end
  end
  for _, name in ipairs(node.captured) do
    local constant <const> = b.graph.constants[name]
    step.captured[name] = constant and (b.held[name] or {constant = constant}) or name
  end
end

local function step_of(b, node)
  local row <const> = row_of(node)
  check_inputs(node, row[1])
  local layer <const>, keys <const>, last <const> = layer_of(b, node)
  local step
  if layer then
    step = {what = node.what, layer = places.put_layer(b.root, keys, layer),
      inputs = {input_of(b, node, 1)}, n = 1, outputs = {last.outputs[1]}, named = true}
    step.place = names.path(step.layer)
    step.flat = node.op == "BatchNormalization" and (b.ranks[node.inputs[1]] or 5) > 4
    b.joined[last] = true
  else
    step = generic_step(b, node, row)
  end
  spread(b, last or node, step)
  add_graphs(b, node, step)
  return step
end

--- Lists in each step the values that nothing after it uses.
function M.note_last_uses(program)
  local seen <const> = {}
  for _, name in ipairs(program.outputs) do
    if type(name) == "string" then seen[name] = true end
  end
  for i = #program.steps, 1, -1 do
    local step <const>, done <const> = program.steps[i], {}
    local function use(name)
      if type(name) == "string" and not seen[name] then
        seen[name] = true
        done[#done + 1] = name
      end
    end
    for _, name in ipairs(step.outputs) do use(name ~= "" and name) end
    for _, name in ipairs(step.inputs) do use(name) end
    for _, name in pairs(step.captured or {}) do use(name) end
    step.done = done
  end
end

local function count_uses(b)
  local function use(name, node)
    b.uses[name] = (b.uses[name] or 0) + 1
    b.user[name] = node
  end
  for _, node in ipairs(b.graph.nodes) do
    for _, name in ipairs(node.inputs) do use(name, node) end
    for _, name in ipairs(node.captured or {}) do use(name) end
  end
  for _, value in ipairs(b.graph.outputs) do use(value.name) end
end

--- Makes the program of a graph, and its modules below `root`.
function M.program(graph, root)
  local b <const> = {graph = graph, root = root, uses = {}, user = {}, held = {}, learned = {},
    ranks = {}, joined = {}}
  count_uses(b)
  local program <const> = {inputs = graph.inputs, outputs = {}, names = {}, steps = {}}
  for _, value in ipairs(graph.inputs) do b.ranks[value.name] = value.shape and #value.shape end
  for _, node in ipairs(graph.nodes) do
    if not b.joined[node] then program.steps[#program.steps + 1] = step_of(b, node) end
  end
  for i, value in ipairs(graph.outputs) do
    local name <const> = value.name
    program.names[i] = name
    local constant <const> = graph.constants[name]
    program.outputs[i] = constant and (b.held[name] or {constant = constant}) or name
  end
  M.note_last_uses(program)
  return program
end

return M
