--- A small network, tasks and faces for specs of train.fit.

local braid <const> = require "braid"
local core <const> = require "braid.core"
local data <const>, mtl <const>, nn <const>, train <const> =
  braid.data, braid.mtl, braid.nn, braid.train

local M <const> = {}

M.faces = data.faces{n = 120, seed = 1, size = 16}

function M.tasks_of()
  return mtl.tasks{landmarks = mtl.landmarks{points = 5}, glasses = mtl.classes{2, weight = 0.2}}
end

function M.network(tasks, seed, dropout, width)
  braid.manual_seed(seed or 1)
  return mtl.network{tasks = tasks, columns = "shared", blocks = nn.backbone({{"one", function(c)
    width = width or 4
    return nn.Sequential{nn.Conv2d(c, width, {kernel = 3, stride = 2}), nn.BatchNorm2d(width),
      nn.ReLU(), nn.Dropout(dropout or 0)}
  end}}, {channels = 1}), heads = function(task, c)
    return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)}
  end}
end

function M.bytes_of(net)
  local parts <const>, state <const> = {}, net:state_dict()
  local names <const> = {}
  for name in pairs(state) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do parts[i] = name .. core.bytes(state[name]) end
  return table.concat(parts)
end

-- Runs a fit with small settings. Returns it and what it trained.
function M.fit(more, net)
  local tasks <const> = more and more.tasks or M.tasks_of()
  net = net or M.network(tasks)
  local o <const> = {net = net, tasks = tasks, train = M.faces.train, val = M.faces.val, epochs = 2,
    batch = 16, lr = 1e-2, seed = 3, progress = false}
  for key, value in pairs(more or {}) do o[key] = value end
  if more and more.optimizer then o.lr = more.lr end
  if more and more.stages then o.epochs = nil end
  if more and more.steps then o.epochs = nil end
  return train.fit(o), net, tasks
end

return M
