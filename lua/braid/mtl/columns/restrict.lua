--- Keeps only the named tasks and columns of a network, for net:remove_task and net:extract. A
-- column without a task stays if other columns take from it. Parameters become new tensors.

local build <const> = require "braid.mtl.columns.build"
local check <const> = require "braid.check"
local optimizer_check <const> = require "braid.mtl.columns.optimizer_check"
local origin <const> = require "braid.origin"
local PerColumn <const> = require "braid.mtl.columns.per_column"

-- Drops the heads of other tasks.
local function drop_heads(heads, tasks)
  for _, name in ipairs(check.sorted_keys(heads or {})) do
    if not tasks[name] then heads[name] = nil end
  end
end

return function(net, tasks, columns)
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
  for _, block in ipairs(check.sorted_keys(net.mixer)) do
    local mixer <const> = net.mixer[block]
    if #columns == 1 and mixer.alone then
      net.mixer[block] = nil -- training it would have no effect
    else
      mixer:resize(columns)
    end
  end
  net.columns, net.names = PerColumn(columns, modules), columns
  if was then net:stack() end
  optimizer_check.renew(net, "the loss of a task")
  done{tasks = tasks, columns = columns}
  return net
end
