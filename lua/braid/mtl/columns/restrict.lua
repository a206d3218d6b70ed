--- Keeps only the named tasks and columns of a network, for net:remove_task and net:extract. A
-- column without a task stays if other columns take from it. Parameters become new tensors.

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local mixer_methods <const> = require "braid.mtl.columns.mixer_methods"
local optimizer_check <const> = require "braid.mtl.columns.optimizer_check"
local origin <const> = require "braid.origin"
local PerColumn <const> = require "braid.mtl.columns.per_column"

-- Drops the heads of other tasks.
local function drop_heads(heads, tasks)
  for _, name in ipairs(check.sorted_keys(heads or {})) do
    if not tasks[name] then heads[name] = nil end
  end
end

-- Whether the columns stay as they are, so that mixers need not change.
local function are_all(columns, names)
  for i, name in ipairs(names) do
    if columns[i] ~= name then return false end
  end
  return #columns == #names
end

-- The mixers that get other columns, by block; and the blocks whose mixers go. A mixer that cannot
-- change its columns is an error.
local function mixers_to_change(what, net, columns)
  local changing <const>, going <const> = {}, {}
  if not net.columns then return changing, going end
  for _, block in ipairs(check.sorted_keys(net.mixer)) do
    local mixer <const> = net.mixer[block]
    if #columns == 1 and mixer.alone then
      going[#going + 1] = block -- training it would have no effect
    elseif not are_all(columns, net.names) then
      mixer_methods.must_have(what, "resize", block, mixer)
      changing[#changing + 1] = mixer
    end
  end
  return changing, going
end

--- Keeps these tasks and columns in the network. `what` is the operation, for messages.
return function(what, net, tasks, columns)
  local changing <const>, going <const> = mixers_to_change(what, net, columns)
  local was <const>, modules <const>, done <const> = net:stacked(), {}, origin.changing(net)
  local _ <close> = build.adopting(net)
  net:unstack()
  net.tasks = build.only(net.tasks, tasks, "network")
  drop_heads(net.head, net.tasks)
  drop_heads(net.shared_head, net.tasks)
  if net.home then
    local home <const> = {}
    for name in net.tasks:each() do home[name] = net.home[name] end
    net.home = next(home) and home or nil
  end
  if not net.columns then
    net.names = build.names(net.tasks)
    done{tasks = tasks, columns = columns}
    return net
  end
  for _, name in ipairs(columns) do modules[name] = net.columns[name] end
  for _, block in ipairs(going) do net.mixer[block] = nil end
  for _, mixer in ipairs(changing) do mixer:resize(columns) end
  net.columns, net.names = PerColumn(columns, modules), columns
  if was then net:stack() end
  optimizer_check.renew(net, "the loss of a task")
  done{tasks = tasks, columns = columns}
  return net
end
