--- Compares networks of equal columns: stacked, and in a list. Training steps of both take turns.
-- The specs check that both give the same numbers.

local braid <const> = require "braid"
local measure <const> = require "spec.bench.measure"
local step <const> = require "spec.bench.step"

local mtl <const>, nn <const> = braid.mtl, braid.nn

local function tasks()
  return mtl.tasks{
    gender = mtl.classes{2}, smile = mtl.classes{2}, glasses = mtl.classes{2},
    pose = mtl.classes{5}, beard = mtl.classes{2},
  }
end

local function flat(task, channels) return nn.Linear(channels, task.size) end

local function pooled(task, channels)
  return nn.Sequential{nn.GlobalAvgPool(), nn.Linear(channels, task.size)}
end

-- Name, title, batch, image, backbone and its options, mixer, head.
local ROWS <const> = {
  {"dmt", "DMT, 32x32", 64, {3, 32, 32}, "dmt", {channels = 3, input = 32}, "ttc", flat},
  {"cross_stitch", "cross-stitch, ResNet-18 / 4", 16, {3, 64, 64}, "resnet18", {width = 0.25},
    "cross_stitch", pooled},
  {"collaborative", "collaborative, ResNet-18 / 4", 16, {3, 64, 64}, "resnet18",
    {width = 0.25}, "collaborative", pooled},
}

local function network(row, stacked)
  local _, _, batch <const>, image <const>, name <const>, options <const>, mixer <const>,
    head <const> = table.unpack(row)
  local all <const> = tasks()
  return {batch = batch, image = image, tasks = all, net = function()
    local net <const> = mtl.columns(all, nn.backbone(name, options), {stacked = stacked})
    net:mix("*", mtl[mixer]{})
    return net:heads(head)
  end}
end

local function milliseconds(list, stacked, rounds, seconds)
  local times <const> = {{}, {}}
  for _, run in ipairs{list, stacked} do run() end
  for _ = 1, rounds do
    for i, run in ipairs{list, stacked} do
      times[i][#times[i] + 1] = measure.time(run, seconds).median
    end
  end
  return measure.summary(times[1]).median, measure.summary(times[2]).median
end

local M <const> = {}

--- Rows {name, list_ms, stacked_ms, ratio}.
function M.run(o, show)
  local rows <const> = {}
  for i, row in ipairs(ROWS) do
    local chosen <const> = o.wanted("columns", row[1] .. " " .. row[2])
      and (not o.quick or i == 1 or #o.only > 0)
    if chosen then
      local _, list <const> = step.train(network(row, false))
      local _, stacked <const> = step.train(network(row, nil))
      local slow <const>, fast <const> = milliseconds(list, stacked, o.quick and 1 or 3,
        o.quick and 0 or 1.5)
      rows[#rows + 1] = {name = row[1], list_ms = slow, stacked_ms = fast, ratio = slow / fast}
      show(rows[#rows], row[2])
    end
  end
  return rows
end

return M
