--- A process that holds one network and runs it on command: a command is one line, and its answer
-- is one line. See spec/bench/pair.lua. worker.py does the same in PyTorch.
--
--   build NAME train|infer|weigh.METHOD   -> parameters (worker.py: weigh.autojac.METHOD)
--   run K [WARM]             -> K times in milliseconds, after WARM runs that are not timed
--   threads N                -> ok
--   memory                   -> the most MB resident so far, and MB after the library was loaded
--   calls                    -> microseconds of each call in spec/bench/overhead.lua

local braid <const> = require "braid"
local core <const> = require "braid.core"
local steps <const> = require "spec.bench.step"

local function resident(field)
  for line in io.lines("/proc/self/status") do
    local kb <const> = line:match("^" .. field .. ":%s*(%d+)")
    if kb then return tonumber(kb) / 1024 end
  end
end

local base <const> = resident("VmRSS")

local step
local command <const> = {}

function command.build(name, mode)
  braid.manual_seed(1)
  local network <const> = require("spec.bench.networks." .. name)
  local net
  local kind <const>, method <const> = mode:match("^(%a+)%.?(.*)$")
  net, step = steps[kind](network, method)
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

function command.calls()
  local words <const> = {}
  for i, call in ipairs(require("spec.bench.overhead").calls) do
    words[i] = ("%.4f"):format(call.measure())
  end
  return table.concat(words, " ")
end

io.stdout:setvbuf("line")
print("ready")
for line in io.lines() do
  local words <const> = {}
  for word in line:gmatch("%S+") do words[#words + 1] = word end
  if words[1] == "quit" then break end
  local ok <const>, answer <const> = pcall(command[words[1]], table.unpack(words, 2))
  print(ok and answer or "error " .. tostring(answer):gsub("\n", " "))
end
