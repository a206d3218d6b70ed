--- mtl.contrast_maps: response contrast maps, which show which tasks are worth learning together
-- (Fang et al. 2017, section 2).
--
-- The map of a task of two classes is the difference |positive - negative| of the mean maps of the
-- two classes' images at a block. The distance of two tasks is the L1 distance of their maps. Near
-- tasks are worth learning together.
--
-- mtl.contrast_maps(net, batches, block, {channels = false, signed = false, groups =}) -> {names,
-- maps = {task = (c,h,w) or (h,w)}, distance = T rows of T, groups = {{names}, ...}}. The net runs
-- in evaluation mode. Maps are means over the channels, because channels of different columns do
-- not correspond; channels = true keeps them. signed = true keeps the sign of positive - negative;
-- the task must then name its positive class: mtl.classes{2, names = {"yes", "no"}, positive =
-- "yes"}. Each attribute of mtl.attributes has its own map. groups = k joins the nearest tasks
-- until k groups are left.
-- Decisions: the absolute value is taken channel by channel, before the mean, so that channels of
-- opposite sign do not cancel, and the order of the classes does not matter; maps are compared
-- without scaling; groups are joined by the mean of their members' distances.
-- @usage mtl.contrast_maps(net, data.loader(faces.train, {batch = 16}), "conv3").distance

local asked <const> = require "braid.data.asked"
local check <const> = require "braid.check"
local class_names <const> = require "braid.mtl.tasks.class_names"
local core <const> = require "braid.core"
local grad <const> = require "braid.grad"
local column_groups <const> = require "braid.mtl.columns.groups"

-- Adds the maps of a batch's labelled images to the sums of their classes.
local function gather(sums, map, labels)
  for k = 1, 2 do
    local weight <const> = labels:eq(k):to(map.dtype)
    local part <const> = (map * weight:reshape(-1, 1, 1, 1)):sum(1)
    sums[k] = core.keep(sums[k] and sums[k] + part or part:clone())
    sums.count[k] = sums.count[k] + weight:sum():item()
  end
end

local function difference(name, sums, o)
  for k = 1, 2 do
    if sums.count[k] == 0 then
      check.fail("mtl.contrast_maps: the batches have no image of class %d of task '%s', and it "
        .. "compares both classes", k, name)
    end
  end
  local map = sums[2] / sums.count[2] - sums[1] / sums.count[1]
  if o.signed then
    local positive <const> = class_names.positive(sums.task)
    if not positive then
      check.fail("mtl.contrast_maps: signed = true needs the positive class of '%s': give the task "
        .. "one, as in mtl.classes{2, names = {\"yes\", \"no\"}, positive = \"yes\"}", name)
    end
    map = positive == 2 and map or -map
  else
    map = map:abs()
  end
  return core.keep(o.channels and map or map:mean(1))
end

-- Joins the nearest names or groups by `distance`, until `count` groups are left.
local function group(names, distance, count)
  local groups <const> = {}
  for i in ipairs(names) do groups[i] = {i} end
  local function between(a, b)
    local total = 0
    for _, i in ipairs(a) do
      for _, j in ipairs(b) do total = total + distance[i][j] end
    end
    return total / (#a * #b)
  end
  while #groups > math.max(count, 1) do
    local best, at, other = math.huge, 1, 2
    for i = 1, #groups do
      for j = i + 1, #groups do
        local d <const> = between(groups[i], groups[j])
        if d < best then best, at, other = d, i, j end
      end
    end
    table.move(groups[other], 1, #groups[other], #groups[at] + 1, groups[at])
    table.remove(groups, other)
  end
  for _, members in ipairs(groups) do
    table.sort(members)
    for k, i in ipairs(members) do members[k] = names[i] end
  end
  return groups
end

local function collect(net, batches, block)
  local sums <const> = {}
  local _ <close> = net:evaluating()
  local _ <close> = grad.no_grad()
  local list <const> = type(batches) == "table" and getmetatable(batches) == nil and batches
  local i = 0
  local function next_of_list()
    i = i + 1
    return list[i]
  end
  for batch in list and next_of_list or batches do
    local _ <close> = grad.scope()
    local maps <const> = net:features(asked(batch), {block})[block]
    for name, task in net.tasks:each() do
      local map <const> = maps[column_groups.of(net, name)] or maps.shared
      for label, values in pairs(map and task.binary and task:binary(batch, name) or {}) do
        local key <const> = label ~= name and net.tasks[label] and name .. "." .. label or label
        sums[key] = sums[key] or {count = {0, 0}, task = task}
        gather(sums[key], map, values)
      end
    end
  end
  return sums
end

local OPTIONS <const> = check.declare("mtl.contrast_maps", {
  net = check.argument(check.kind("a network of columns", function(v)
    return type(v) == "table" and type(v.recipe) == "table"
  end)),
  channels = check.flag(false), signed = check.flag(false), groups = check.whole{from = 1},
})

return function(net, batches, block, given)
  local o <const> = check.options(OPTIONS, given, {net = net})
  local sums <const> = collect(net, batches, block)
  local names <const>, maps <const>, distance <const> = check.sorted_keys(sums), {}, {}
  if #names == 0 then
    check.fail("mtl.contrast_maps: no task fits: it wants a task of two classes, such as "
      .. "mtl.classes{2} or mtl.attributes, with labels in the batches and a column with the block")
  end
  for _, name in ipairs(names) do maps[name] = difference(name, sums[name], o) end
  for i, a in ipairs(names) do
    distance[i] = {}
    for j, b in ipairs(names) do distance[i][j] = (maps[a] - maps[b]):abs():sum():item() end
  end
  return {names = names, maps = maps, distance = distance,
    groups = o.groups and group(names, distance, o.groups) or nil}
end
