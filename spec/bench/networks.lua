--- Measures whole networks in Braid and in PyTorch: training steps and single images.

local pair <const> = require "spec.bench.pair"

local NETWORKS <const> = {"tcdcn", "kth", "dmt", "smtn", "dcnet", "dcnet_narrow"}

local OURS <const> = "build/braid spec/bench/worker.lua"

local M <const> = {}

--- PyTorch's version, or nil.
function M.find_torch(o)
  local pipe <const> = assert(io.popen(pair.quote(o.python) ..
    " -c 'from importlib import metadata as m; print(m.version(\"torch\"))' 2>/dev/null"))
  local version <const> = pipe:read("l")
  return pipe:close() and version or nil
end

local function formats(o)
  return o.quick and {"channels_last"} or {"contiguous", "channels_last"}
end

local function start_torch(o, format)
  local worker <const> = pair.start(("%s spec/bench/worker.py %s"):format(
    pair.quote(o.python), format), o.threads)
  worker:answer() -- the worker is ready
  return worker
end

-- Ends these processes when the value closes.
local function closing(workers)
  return setmetatable(workers, {__close = function()
    for _, worker in ipairs(workers) do worker:close() end
  end})
end

--- Starts processes: ours first, then one of PyTorch's for each memory format. With o.quick there
-- is only the format that PyTorch recommends, and its process is a copy of one that has loaded
-- PyTorch, because that takes seconds.
function M.start(o)
  local workers <const> = {pair.start(OURS, o.threads)}
  workers[1]:answer()
  if o.torch and o.quick then
    o.loaded = o.loaded or start_torch(o, "channels_last")
    workers[2] = o.loaded:fork()
  elseif o.torch then
    workers[2], workers[3] = start_torch(o, "contiguous"), start_torch(o, "channels_last")
  end
  return closing(workers)
end

--- Ends the process from which others were copied.
function M.finish(o)
  if o.loaded then o.loaded:close() end
end

--- Starts two of our processes, and one of PyTorch's for each memory format of the list.
function M.start_several(o, layouts)
  local workers <const> = {}
  for i = 1, 2 do
    workers[i] = pair.start(OURS, o.threads)
    workers[i]:answer()
  end
  for i, layout in ipairs(layouts) do workers[2 + i] = start_torch(o, layout) end
  return closing(workers)
end

-- The number of PyTorch's fastest worker.
local function better(times)
  local best = 2
  for i = 3, #times do
    if times[i].median < times[best].median then best = i end
  end
  return best
end

local function compare(o, name, mode, limits)
  local network <const> = require("spec.bench.networks." .. name)
  local workers <close> = M.start(o)
  local row <const> = {name = name, batch = mode == "infer" and 1 or network.batch}
  for i, worker in ipairs(workers) do
    local parameters <const> = math.tointeger(tonumber(worker:ask("build", name, mode)))
    row.parameters = row.parameters or parameters
    if parameters ~= row.parameters then
      error(("%s has %d parameters here and %d in PyTorch (%s)"):format(name, row.parameters,
        parameters, formats(o)[i - 1]), 0)
    end
  end
  local times <const> = pair.alternate(workers, limits)
  row.braid_ms, row.braid_least_ms = times[1].median, times[1].least
  row.braid_mb, row.braid_own_mb = workers[1]:memory()
  if #workers > 1 then
    local best <const> = better(times)
    row.torch_ms, row.torch_least_ms = times[best].median, times[best].least
    row.torch_mb, row.torch_own_mb = workers[best]:memory()
    row.torch_format = formats(o)[best - 1]
    row.ratio, row.ratio_least = row.torch_ms / row.braid_ms,
      row.torch_least_ms / row.braid_least_ms
  end
  return row
end

--- Measures steps of forward, backward and Adam. Each network's row also goes to `show`.
function M.training(o, show)
  local rows <const> = {}
  local limits <const> = o.quick and {warm = 2, rounds = 1, seconds = 0}
    or {warm = 2, rounds = 7, seconds = 6}
  for _, name in ipairs(NETWORKS) do
    local network <const> = require("spec.bench.networks." .. name)
    if o.wanted("networks", name .. " " .. network.title) then
      rows[#rows + 1] = compare(o, name, "train", limits)
      show(rows[#rows], network.title)
    end
  end
  return rows
end

--- Measures one image in evaluation mode, without a graph.
function M.inference(o, show)
  local rows <const> = {}
  local limits <const> = o.quick and {warm = 10, rounds = 3, seconds = 0}
    or {warm = 50, rounds = 11, seconds = 4}
  for _, name in ipairs{"tcdcn", "onet"} do
    local network <const> = require("spec.bench.networks." .. name)
    if o.wanted("inference", name .. " " .. network.title) then
      rows[#rows + 1] = compare(o, name, "infer", limits)
      show(rows[#rows], network.title)
    end
  end
  return rows
end

--- Measures our training steps on one thread and on all: {name =, one_ms =, all_ms =, ratio =}.
function M.threads(o, show)
  local rows <const> = {}
  local limits <const> = {warm = 1, rounds = o.quick and 1 or 5, seconds = o.quick and 0 or 4}
  for _, name in ipairs(NETWORKS) do
    local network <const> = require("spec.bench.networks." .. name)
    local chosen <const> = o.wanted("threads", name .. " " .. network.title)
      and (not o.quick or network.quick or #o.only > 0)
    if chosen and o.threads > 1 then
      local worker <const> = pair.start(OURS, o.threads)
      worker:answer()
      worker:ask("build", name, "train")
      -- After a change of the number of threads the first step is not timed, because a newly used
      -- core has an empty cache.
      local function on(threads)
        return {run = function(_, count)
          worker:ask("threads", threads)
          return worker:run(count, 1)
        end}
      end
      local times <const> = pair.alternate({on(1), on(o.threads)}, limits)
      worker:close()
      local row <const> = {name = name, one_ms = times[1].median, all_ms = times[2].median,
        ratio = times[1].median / times[2].median}
      rows[#rows + 1] = row
      show(row, network.title)
    end
  end
  return rows
end

return M
