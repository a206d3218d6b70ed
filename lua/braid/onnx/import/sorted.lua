--- Sorts the nodes of a graph so that each comes after all nodes whose values it uses. An order
-- that is right already stays. A cycle is a fault, and so is a value that nothing makes or that two
-- nodes make.

local damage <const> = require "braid.io.damage"

local fail <const> = damage.fail

-- Who makes each value: the number of a node, or true for inputs, constants and outer values.
local function makers_of(graph, outer)
  local makers <const> = setmetatable({}, {__index = outer})
  for name in pairs(graph.constants) do makers[name] = true end
  for _, value in ipairs(graph.inputs) do
    if rawget(makers, value.name) then fail("two inputs are named '%s'", value.name) end
    makers[value.name] = true
  end
  for i, node in ipairs(graph.nodes) do
    for _, name in ipairs(node.outputs) do
      if name ~= "" then
        if rawget(makers, name) then fail("%s makes '%s' a second time", node.what, name) end
        makers[name] = i
      end
    end
  end
  return makers
end

-- Calls f with each value that a node uses, or that the graphs within it use.
local function each_used(node, f)
  for _, name in ipairs(node.inputs) do
    if name ~= "" then f(name) end
  end
  for _, name in ipairs(node.captured or {}) do f(name) end
end

local function dependencies(graph, makers)
  local waits <const>, users <const> = {}, {}
  for i, node in ipairs(graph.nodes) do
    waits[i] = 0
    each_used(node, function(name)
      local maker <const> = makers[name]
      if not maker then fail("%s uses '%s', which nothing makes", node.what, name) end
      if maker == true then return end
      waits[i] = waits[i] + 1
      users[maker] = users[maker] or {}
      table.insert(users[maker], i)
    end)
  end
  return waits, users
end

local function is_ordered(graph, makers)
  local ordered = true
  for i, node in ipairs(graph.nodes) do
    each_used(node, function(name)
      local maker <const> = makers[name]
      if maker and maker ~= true and maker >= i then ordered = false end
    end)
  end
  return ordered
end

return function(graph, outer)
  local makers <const> = makers_of(graph, outer)
  local waits <const>, users <const> = dependencies(graph, makers)
  for _, value in ipairs(graph.outputs) do
    if not makers[value.name] then fail("nothing makes the output '%s'", value.name) end
  end
  if is_ordered(graph, makers) then return end
  local ready <const>, order <const>, next_ready = {}, {}, 1
  for i = 1, #graph.nodes do
    if waits[i] == 0 then ready[#ready + 1] = i end
  end
  while ready[next_ready] do
    local i <const> = ready[next_ready]
    next_ready = next_ready + 1
    order[#order + 1] = graph.nodes[i]
    for _, user in ipairs(users[i] or {}) do
      waits[user] = waits[user] - 1
      if waits[user] == 0 then ready[#ready + 1] = user end
    end
  end
  for i, node in ipairs(graph.nodes) do
    if waits[i] > 0 then fail("%s is part of a cycle", node.what) end
  end
  graph.nodes = order
end
