--- A process that holds one network and runs it when told to, a line in and a line out; see
-- spec/bench/pair.lua. worker.py is the same in PyTorch.
--
--   build NAME train|infer   -> parameters
--   run K [WARM]             -> K times in milliseconds, after WARM runs that are not timed
--   threads N                -> ok
--   memory                   -> the most MB resident so far, and MB once the library was loaded
--   profile K                -> a table, as lines that end with an empty one

local braid <const> = require "braid"
local core <const> = require "braid.core"

local function resident(field)
  for line in io.lines("/proc/self/status") do
    local kb <const> = line:match("^" .. field .. ":%s*(%d+)")
    if kb then return tonumber(kb) / 1024 end
  end
end

local base <const> = resident("VmRSS")

local function labels(task, n)
  if task.points then return (braid.rand(n, task.points, 2) * 2 - 1):keep() end
  if task.count then return braid.randint(1, task.classes, {n, task.count}):keep() end
  return braid.randint(1, task.size, {n}):keep()
end

local function training(network)
  local tasks <const>, net <const> = network.tasks, network.net()
  local opt <const> = braid.optim.Adam(net:parameters(), {lr = 1e-4})
  local batch <const> = {image = braid.randn(network.batch, table.unpack(network.image)):keep()}
  for name, task in tasks:each() do batch[name] = labels(task, network.batch) end
  return net, function()
    local _ <close> = braid.scope()
    local loss <const> = tasks:loss(net(batch.image), batch)
    opt:zero_grad()
    loss:backward()
    opt:step()
    return loss:item()
  end
end

local function inference(network)
  local net <const> = network.net():eval()
  local image <const> = braid.randn(1, table.unpack(network.image)):keep()
  return net, function()
    local _ <close> = braid.scope()
    local _ <close> = braid.no_grad()
    net(image)
  end
end

local step
local command <const> = {}

function command.build(name, mode)
  braid.manual_seed(1)
  local network <const> = require("spec.bench.networks." .. name)
  local net
  net, step = (mode == "infer" and inference or training)(network)
  return net:count_parameters()
end

function command.run(count, warm)
  local times <const> = {}
  for _ = 1, tonumber(warm or 0) do step() end
  for i = 1, tonumber(count) do
    local from <const> = core.clock()
    local loss <const> = step()
    times[i] = ("%.4f"):format((core.clock() - from) * 1e3)
    if loss and loss ~= loss then error("the loss is NaN") end
  end
  return table.concat(times, " ")
end

function command.threads(n)
  braid.set_threads(math.tointeger(tonumber(n)))
  return "ok"
end

function command.memory() return ("%.1f %.1f"):format(resident("VmHWM"), base) end

io.stdout:setvbuf("line")
print("ready")
for line in io.lines() do
  local words <const> = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  if words[1] == "quit" then break end
  local ok <const>, answer <const> = pcall(command[words[1]], table.unpack(words, 2))
  print(ok and answer or "error " .. tostring(answer):gsub("\n", " "))
end
