--- Prepares a graph for the making of modules: constants that pass through an Identity get names of
-- their own, as exporters write equal tensors only once.

local damage <const> = require "braid.io.damage"

-- Copies may have this many values, or four times the values of all constants together.
local LEAST <const> = 1 << 20

local function total_of(constants)
  local total = 0
  for _, t in pairs(constants) do total = total + t:numel() end
  return total
end

return function(graph)
  local outputs <const>, kept <const> = {}, {}
  for _, value in ipairs(graph.outputs) do outputs[value.name] = true end
  local most <const>, copied = math.max(LEAST, 4 * total_of(graph.constants)), 0
  for _, node in ipairs(graph.nodes) do
    local t <const> = node.op == "Identity" and node.domain == ""
      and graph.constants[node.inputs[1] or ""]
    local name <const> = node.outputs[1]
    if t and name and name ~= "" and not outputs[name] then
      copied = copied + t:numel()
      if copied > most then damage.fail("%s: too many copies of constants", node.what) end
      graph.constants[name], graph.initializers[name] = t:clone(), true
    else
      kept[#kept + 1] = node
    end
  end
  graph.nodes = kept
  return graph
end
