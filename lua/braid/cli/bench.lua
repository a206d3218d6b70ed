--- `braid bench [NETWORK ...]`: how fast networks, or operators, are on this machine.

local braid <const> = require "braid"
local check <const> = require "braid.check"
local core <const> = require "braid.core"
local format <const> = require "braid.format"
local machine <const> = require "braid.cli.given.machine"
local matched <const> = require "braid.cli.given.matched"
local mtl <const> = require "braid.mtl"
local network <const> = require "braid.cli.given.network"
local operators <const> = require "braid.cli.given.operators"
local settings <const> = require "braid.cli.given.settings"
local timed <const> = require "braid.cli.given.timed"

local STEPS <const> = 5 -- training steps that a profile measures

-- "landmarks={points=5} pose=5": tasks by the numbers of their classes or points.
local function tasks_of(text)
  local tasks <const> = {}
  for name, value in pairs(settings("tasks", text)) do
    local points <const> = type(value) == "table" and value.points
    if not math.tointeger(points or value) then
      check.fail("--tasks: %s must be a number of classes, or {points=5}", name)
    end
    tasks[name] = points and mtl.landmarks{points = points, eyes = false} or mtl.classes{value}
  end
  return mtl.tasks(tasks)
end

-- The network that a word names (a file, a run or a definition), and its tasks.
local function made(o, word)
  if core.path_kind(word) == "directory" or word:find("%.safetensors$") then
    return network.open(word)
  end
  local options <const> = settings("options", o.options)
  options.tasks = tasks_of(o.tasks)
  braid.manual_seed(1)
  return braid.model(word, options), options.tasks
end

local function head(row)
  print(format("%s: %d parameters, %.4g million multiply-adds a picture of %s", row.network,
    row.parameters, row.macs / 1e6, table.concat(row.input, " x ")))
  print(("  %-16s %10s %21s %12s %9s %9s"):format("pictures", "ms", "middle half", "pictures/s",
    "GFLOP/s", "MB"))
end

local function time_network(o, word)
  local net <const>, tasks <const> = made(o, word)
  local channels <const>, side <const> = matched.takes(net, 3, o.size or 64, o.size ~= nil)
  local shape <const> = {channels, side, side}
  if o.profile then
    local step <const> = timed.step(net, tasks, shape, o.batch)
    step()
    return print(braid.profile(function() for _ = 1, STEPS do step() end end))
  end
  local rows <const>, macs <const> = timed.rows(net, tasks, shape, o.batch, o.seconds)
  local result <const> = {network = word, parameters = net:count_parameters(), macs = macs,
    input = shape, batch = o.batch, rows = rows}
  if o.json then return result end
  head(result)
  for _, r in ipairs(rows) do
    print(format("  %-16s %10.3f %10.3f %10.3f %12.1f %9.1f %9.1f",
      ("%s, %d"):format(r.what:gsub("ing step", "ing"), r.pictures), r.ms, r.low_ms, r.high_ms,
      r.rate, r.gflops, r.mb))
  end
end

local function time_operators(o)
  local list <const> = {}
  if not o.json then
    print(("%-40s %10s %12s %10s %8s"):format("operator", "ms", "backward ms", "GFLOP/s", "GB/s"))
  end
  operators.run(function(name) return name:find(o.only, 1, true) ~= nil end, o.seconds / 10,
    function(r)
      list[#list + 1] = r
      if o.json then return end
      local function cell(form, value) return value and format(form, value) or "" end
      print(("%-40s %10s %12s %10s %8s"):format(r.name, cell("%.4f", r.ms),
        cell("%.4f", r.backward_ms), cell("%.1f", r.gflops), cell("%.1f", r.gbs)))
    end)
  if #list == 0 then
    check.fail("--only: no operator's row has '%s'; there is %s", o.only,
      table.concat(operators.names(), "; "))
  end
  return list
end

return {usage = "bench [NETWORK ...]        the speed of networks or operators on this machine",
  most = math.huge, words = {"model"},
  more = "a NETWORK is a definition, a .safetensors file or a run; without one, operators are "
    .. "measured",
  options = {json = false, batch = {16, from = 1}, size = check.whole{from = 1, to = 4096},
    seconds = {1.0, above = 0, to = 3600}, threads = check.whole{from = 1, to = 4096},
    options = "", tasks = "landmarks={points=5} gender=2 glasses=2 pose=5 smile=2", only = "",
    profile = false},
  said = {json = "for machines", batch = "pictures of a step", size = "side of the pictures (64, "
    .. "or what the network takes)", seconds = "for each measurement", threads = "how many (all)",
    options = "of the definition: \"width=0.5 norm\"", tasks = "of a definition: classes or points",
    only = "operators whose names have this in them", profile = "where training steps spend time"},
  wrong = function(o, words)
    if o.profile and (#words == 0 or o.json) then return "--profile is of networks, in words" end
    if o.only ~= "" and #words > 0 then return "--only is of operators, without a network" end
  end,
  run = function(o, ...)
    if o.threads then braid.set_threads(o.threads) end
    local result <const> = {isa = core.isa(), threads = braid.get_threads()}
    if not o.json then print(("%s, %d threads"):format(result.isa, result.threads)) end
    if select("#", ...) == 0 then
      result.operators = time_operators(o)
    else
      result.networks = {}
      for i, word in ipairs{...} do result.networks[i] = time_network(o, word) end
    end
    if o.json then print(machine.text(result)) end
  end}
