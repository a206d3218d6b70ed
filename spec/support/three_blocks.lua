--- A network of columns with three blocks, for two tasks.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local M <const> = {}

M.tasks = mtl.tasks{a = mtl.classes{3}, b = mtl.classes{2}}

function M.conv(outputs)
  return function(c)
    return nn.Sequential{nn.Conv2d(c, outputs, {kernel = 3, padding = 1}), nn.ReLU()}
  end
end

function M.backbone(width)
  return nn.backbone({{"conv1", M.conv(width or 4)}, {"conv2", M.conv(6)}, {"conv3", M.conv(8)}},
    {channels = 1})
end

function M.head(task, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)} end

function M.columns(o) return mtl.columns(M.tasks, M.backbone(), o) end

return M
