--- A small network of columns for three tasks, and a batch for it.

local braid <const> = require "braid"
local nn <const>, mtl <const> = braid.nn, braid.mtl

local M <const> = {}

M.tasks = mtl.tasks{a = mtl.classes{2}, b = mtl.classes{3}, d = mtl.classes{2}}

function M.conv(outputs)
  return function(c)
    return nn.Sequential{nn.Conv2d(c, outputs, {kernel = 3, padding = 1}),
      nn.BatchNorm2d(outputs), nn.ReLU()}
  end
end

function M.head(task, c) return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(c, task.size)} end

function M.build(mixer, o)
  local b <const> = nn.backbone({{"conv1", M.conv(4)}, {"conv2", M.conv(6)}}, {channels = 1})
  local net <const> = mtl.columns(M.tasks, b, o)
  if mixer then net:mix("*", mixer) end
  return net:heads(M.head)
end

function M.identical(a, b) return a:eq(b):all():item() end
function M.largest(a, b) return (a - b):abs():max():item() end

M.x = braid.randn(5, 1, 6, 6)
M.batch = {image = M.x, count = 5, a = braid.tensor({1, 2, 2, 1, 2}, {dtype = "int64"}),
  b = braid.tensor({3, 2, 1, 1, 2}, {dtype = "int64"}),
  d = braid.tensor({2, 2, 1, 2, 1}, {dtype = "int64"})}

function M.outputs(net)
  local _ <close> = braid.no_grad()
  return net:eval()(M.x)
end

M.MIXERS = {
  none = mtl.none{}, cross_stitch = mtl.cross_stitch{}, ttc = mtl.ttc{}, nddr = mtl.nddr{},
  collaborative = mtl.collaborative{}, sluice = mtl.sluice{}, progressive = mtl.progressive{},
  separation = mtl.separation{end_to_end = true, form = "channelwise"},
}

return M
