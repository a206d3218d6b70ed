--- Finds the parts of a network that its picture shows: shared blocks, columns, mixers with their
-- weights, and heads.

local class <const> = require "braid.class"
local format <const> = require "braid.format"
local Columns <const> = require "braid.mtl.columns"
local groups <const> = require "braid.mtl.columns.groups"
local is_before <const> = require "braid.plot.draw.text".is_before
local Module <const> = require "braid.nn.module"

local M <const> = {}

local BUFFERS <const> = {running_mean = true, running_var = true, num_batches_tracked = true,
  limit = true, stage_number = true}

-- A short count: 1234567 gives "1.23 M".
local function count_text(n)
  if n >= 999500 then return format("%.3g M", n / 1e6) end
  if n >= 10000 then return format("%.3g k", n / 1e3) end
  return ("%d"):format(n)
end

-- The tensors of a state below a prefix, in order.
local function below(state, prefix)
  local list <const> = {}
  for name, tensor in pairs(state) do
    if name:sub(1, #prefix) == prefix and not BUFFERS[name:match("[^.]+$")] then
      list[#list + 1] = {name = name, tensor = tensor}
    end
  end
  table.sort(list, function(a, b) return is_before(a.name, b.name) end)
  return list
end

-- Two texts about a part: its layers with weights, and its number of parameters.
local function words_of(state, prefix)
  local n, convs, last, linear = 0, 0, nil, nil
  for _, entry in ipairs(below(state, prefix)) do
    local shape <const> = entry.tensor.shape
    n = n + entry.tensor:numel()
    if #shape == 4 then convs, last = convs + 1, shape end
    if #shape == 2 then linear = shape end
  end
  local layers <const> = {}
  if convs == 1 then layers[1] = ("%dx%d, %d"):format(last[3], last[4], last[1]) end
  if convs > 1 then layers[1] = ("%d conv, %d"):format(convs, last[1]) end
  if linear then layers[#layers + 1] = ("linear %d"):format(linear[1]) end
  if #layers == 0 then layers[1] = n > 0 and "weights" or "no weights" end
  return table.concat(layers, " + "), count_text(n)
end

local function part(state, name, prefix)
  local layers <const>, count <const> = words_of(state, prefix)
  return {name = name, layers = layers, count = count}
end

-- The names of the network's outermost parts, sorted.
local function first_names(state)
  local set <const>, list <const> = {}, {}
  for name in pairs(state) do
    local first <const> = name:match("^[^.]+")
    if not set[first] then set[first], list[#list + 1] = true, first end
  end
  table.sort(list, is_before)
  return list
end

local function heads_of(net, state)
  local heads <const> = {}
  for _, task in ipairs(net.tasks and net.tasks.names or {}) do
    local head <const> = part(state, task, "head." .. task .. ".")
    head.column = groups.of(net, task)
    head.kind = tostring(net.tasks[task]):match("^mtl%.([%w_]+)") or ""
    heads[#heads + 1] = head
  end
  return heads
end

-- Describes a network without columns as its parts in order.
local function plain(net, state)
  local trunk <const> = {}
  for _, name in ipairs(first_names(state)) do
    if not (name == "head" and net.tasks) then trunk[#trunk + 1] = part(state, name,
      name .. ".") end
  end
  return {trunk = trunk, columns = {}, blocks = {}, heads = net.tasks and heads_of(net,
    state) or {}}
end

local function mixer_of(net, block)
  local mixer <const> = net.mixer and net.mixer[block]
  if not mixer then return nil end
  return {kind = getmetatable(mixer).__name, weights = mixer.weights and mixer:weights() or nil}
end

--- Describes a network: {trunk = parts, columns = names, blocks = {{name =, parts = {column =
-- part}, shared = part, mixer = {kind =, weights =}}}, heads = {part with column}, parameters}.
function M.read(net)
  local state <const>, total = net:state_dict(), 0
  for _, entry in ipairs(below(state, "")) do total = total + entry.tensor:numel() end
  local result
  if not (class.is_a(net, Columns) and net.head) then
    result = plain(net, state)
  else
    local split <const>, names <const> = net.recipe.split, net:blocks()
    local columns <const> = net.columns and table.move(net.names, 1, #net.names, 1, {}) or {}
    result = {trunk = {}, columns = columns, blocks = {}, heads = heads_of(net, state)}
    for i, name in ipairs(names) do
      if i <= split or not net.columns then
        result.trunk[#result.trunk + 1] = part(state, name, "trunk." .. name .. ".")
      else
        local block <const> = {name = name, parts = {}, mixer = mixer_of(net, name)}
        for _, column in ipairs(columns) do
          block.parts[column] = part(state, name, ("columns.%s.%s."):format(column, name))
        end
        if net.shared and net.shared[name] then
          block.shared = part(state, name, "shared." .. name .. ".")
        end
        result.blocks[#result.blocks + 1] = block
      end
    end
  end
  result.parameters = count_text(total)
  return result
end

--- Whether a value is a network.
M.is_network = Module.is

return M
