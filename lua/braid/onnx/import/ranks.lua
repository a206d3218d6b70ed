--- The number of dimensions of a node's first output, or nil if the node and its inputs do not
-- tell. The layers of some nodes, such as batch norm, depend on it.

local FLAT <const> = {Gemm = 2, Flatten = 2}
local OTHERS <const> = {Reshape = true, Transpose = false, Squeeze = true, Unsqueeze = true,
  Gather = true, GatherND = true, ConstantOfShape = true, Expand = true, Shape = true,
  MatMul = true, Einsum = true, OneHot = true, NonZero = true, ArgMax = true, ArgMin = true,
  Compress = true, Size = true, Range = true, If = true, Loop = true, Scan = true, Tile = false,
  LSTM = true, GRU = true, RNN = true, Constant = true}

--- `b` has the ranks of values by name, and the graph.
return function(b, node)
  if FLAT[node.op] then return FLAT[node.op] end
  if node.op == "Reshape" then
    local shape <const> = b.graph.constants[node.inputs[2] or ""]
    return shape and shape:numel() or nil
  end
  if OTHERS[node.op] then return nil end
  if node.op:find("^Reduce") and node.attributes.keepdims == 0 then return nil end
  if node.op == "Conv" or node.op == "ConvTranspose" then
    local w <const> = b.graph.constants[node.inputs[2] or ""]
    if w then return w:dim() end
  end
  local most
  for _, name in ipairs(node.inputs) do
    local constant <const> = b.graph.constants[name]
    local rank <const> = b.ranks[name] or constant and constant:dim()
    if not rank and not constant and name ~= "" then return nil end
    most = math.max(most or 0, rank or 0)
  end
  return most
end
