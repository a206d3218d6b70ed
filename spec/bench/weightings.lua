--- Compares training steps with weighed gradients, plain training steps, and the steps of torchjd's
-- two engines if torchjd is installed.
--
-- In theory a step with T backward passes costs (1 + 2 T) / (1 + 2) of a plain step, because a
-- backward pass takes twice as long as a forward pass.

local networks <const> = require "spec.bench.networks"
local pair <const> = require "spec.bench.pair"

local METHODS <const>, NETWORKS <const> = {"upgrad", "pcgrad", "nash"}, {"tcdcn", "dcnet_narrow"}

local M <const> = {}

local function has_torchjd(o)
  return o.torch and os.execute(("%s -c 'import torchjd' 2>/dev/null"):format(pair.quote(o.python)))
end

-- Builds the network in each process. PyTorch's processes that cannot run the method are left out.
local function build(workers, name, method, first)
  local chosen <const>, ways <const> = {}, {}
  for i, worker in ipairs(workers) do
    local way <const> = i == 1 and "train" or i == 2 and "weigh." .. method
      or ("weigh.%s.%s"):format((i - first) % 2 == 0 and "autojac" or "autogram", method)
    local ok, why = pcall(worker.ask, worker, "build", name, way)
    if ok then ok, why = pcall(worker.run, worker, 1) end
    if ok then
      chosen[#chosen + 1], ways[#ways + 1] = worker, way
    elseif i < first then
      error(why, 0)
    end
  end
  return chosen, ways
end

local function compare(o, name, method, torchjd)
  local limits <const> = o.quick and {warm = 1, rounds = 1, seconds = 0}
    or {warm = 2, rounds = 7, seconds = 6}
  local started <close> = networks.start_several(o, torchjd and {"contiguous", "contiguous",
    "channels_last", "channels_last"} or {})
  local workers <const>, ways <const> = build(started, name, method, 3)
  local times <const> = pair.alternate(workers, limits)
  local row <const> = {name = name, method = method, plain_ms = times[1].median,
    braid_ms = times[2].median, braid_mb = select(2, workers[2]:memory()),
    overhead = times[2].median / times[1].median}
  for i = 3, #workers do
    local key <const> = ways[i]:find("autojac") and "autojac" or "autogram"
    local ms <const>, mb <const> = times[i].median, select(2, workers[i]:memory())
    if not row[key .. "_ms"] or ms < row[key .. "_ms"] then
      row[key .. "_ms"], row[key .. "_mb"] = ms, mb
    end
  end
  return row
end

--- Returns rows {name, method, plain_ms, braid_ms, overhead, autojac_ms, autogram_ms, and for each
-- MB without those of the libraries}.
function M.run(o, show)
  local rows <const>, torchjd = {}, nil
  for _, name in ipairs(NETWORKS) do
    local network <const> = require("spec.bench.networks." .. name)
    for i, method in ipairs(METHODS) do
      local chosen <const> = o.wanted("weightings", name .. " " .. method)
        and (not o.quick or i == 1 and network.quick or #o.only > 0)
      if chosen then
        if torchjd == nil then torchjd = has_torchjd(o) or false end
        rows[#rows + 1] = compare(o, name, method, torchjd)
        show(rows[#rows], network.title .. ", " .. method, #network.tasks.names)
      end
    end
  end
  return rows
end

return M
