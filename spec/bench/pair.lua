--- Processes that run the same network in Braid and in PyTorch, one at a time. Each reads a line
-- as a command, answers with a line, and sleeps in between.

local core <const> = require "braid.core"
local measure <const> = require "spec.bench.measure"

local Worker <const> = {}
Worker.__index = Worker

local M <const> = {}

local function quote(text) return "'" .. tostring(text):gsub("'", "'\\''") .. "'" end
M.quote = quote

-- PyTorch's threads wait as long as ours between parallel loops before they sleep. That is long
-- enough to lose nothing, and short enough to leave the processors to the other process.
local ENVIRONMENT <const> = "GOMP_SPINCOUNT=50000 OMP_NUM_THREADS=%d "

--- Starts a process with `command`. Its answers are read by `ask`.
function M.start(command, threads)
  local fifo <const> = os.tmpname()
  os.remove(fifo)
  assert(os.execute("mkfifo " .. quote(fifo)))
  local self <const> = setmetatable({}, Worker)
  self.out = assert(io.popen(ENVIRONMENT:format(threads) .. command .. " <" .. quote(fifo)))
  self.into = assert(io.open(fifo, "w"))
  self.into:setvbuf("line")
  os.remove(fifo)
  return self
end

function Worker:answer()
  local line <const> = self.out:read("l")
  if not line then error("a process of the benchmark has ended", 0) end
  local message <const> = line:match("^error (.*)")
  if message then error(message, 0) end
  return line
end

function Worker:ask(...)
  self.into:write(table.concat({...}, " "), "\n")
  return self:answer()
end

--- Runs `count` steps and returns their times in milliseconds, after `warm` steps without timing.
function Worker:run(count, warm)
  local times <const> = {}
  for word in self:ask("run", count, warm or 0):gmatch("%S+") do
    times[#times + 1] = tonumber(word)
  end
  return times
end

--- The largest resident memory in MB, and how much of it is more than the libraries alone.
function Worker:memory()
  local peak <const>, base <const> = self:ask("memory"):match("^(%S+) (%S+)$")
  return tonumber(peak), tonumber(peak) - tonumber(base)
end

--- Returns a copy of this process, with everything loaded. The copy takes the commands until it is
-- closed.
function Worker:fork()
  self:ask("fork")
  return setmetatable({into = self.into, out = self.out, forked = true}, Worker)
end

--- Ends the process. Closing its input would not end it, because processes started later hold that
-- input open too.
function Worker:close()
  if self.forked then return self:ask("quit") end
  self.into:write("quit\n")
  self.into:close()
  self.out:close()
end

--- Lets the `workers` run in turn, A B A B, until `seconds` have passed and each has had `rounds`
-- turns. A turn is one step, or as many as fill a tenth of a second.
-- @return for each worker {median =, least =} in milliseconds
function M.alternate(workers, o)
  local samples <const>, counts <const> = {}, {}
  for i, worker in ipairs(workers) do
    samples[i] = worker:run(1, o.warm)
    counts[i] = math.max(1, math.min(200, math.floor(100 / samples[i][1])))
  end
  local from <const> = core.clock()
  local round = 0
  while round < o.rounds or core.clock() - from < o.seconds do
    round = round + 1
    for i, worker in ipairs(workers) do
      -- The first run finds the caches as another process left them, so it does not count.
      for _, ms in ipairs(worker:run(counts[i], counts[i] > 1 and 1 or 0)) do
        table.insert(samples[i], ms)
      end
    end
  end
  local results <const> = {}
  for i = 1, #workers do results[i] = measure.summary(samples[i]) end
  return results
end

return M
