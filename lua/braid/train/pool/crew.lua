--- The processes of a pool. The crew starts and watches them, starts a process again if it was
-- killed, and ends all of them with this process.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local core <const> = require "braid.core"
local store <const> = require "braid.train.pool.store"
local work <const> = require "braid.train.pool.work"

local Crew <const> = class("crew")

local SIGINT <const>, SIGKILL <const> = 2, 9
-- exit statuses of processes that a signal ended
local KILLED <const> = {[130] = true, [137] = true, [143] = true}
local LONGEST <const> = 0.1 -- seconds between two looks at the processes

function Crew:init(pool, command)
  self.pool, self.command, self.running, self.count = pool, command, {}, 0
end

function Crew:has_room() return self.count < self.pool.jobs end

-- Raises an error if a process of the pool has removed its directory.
local function check_there(pool)
  if core.path_kind(pool.dir .. "/jobs.lock") then return end
  check.fail("%s: %s was removed while its jobs ran. Each process runs the script from its "
    .. "beginning; put what only the first process may do inside `if not train.in_job() then`",
    pool.what, pool.dir)
end

local function spawned(self, job)
  store.make(self.pool, job)
  local process <const>, why <const> = core.spawn("/proc/self/exe", self.command,
    work.variables(self.pool, job), store.path(self.pool, job, "output.txt"))
  return process or check.fail("%s: %s", self.pool.what, why)
end

function Crew:start(job, tries)
  local ok <const>, process <const> = check.caught(spawned, self, job)
  if not ok then
    check_there(self.pool)
    check.fail("%s", process)
  end
  self.running[job] = {process = process, tries = tries or 1, begun = core.clock()}
  self.count = self.count + 1
end

-- The outcome of a job whose process has ended: its result, or nil and the reason.
local function outcome(self, job, code, signal)
  local result <const> = store.read(self.pool, job)
  if result then return result end
  check_there(self.pool)
  if signal then return nil, ("signal %d ended it"):format(signal), true end
  if code == 0 then
    return nil, ("the script ended before it reached this job: %s"):format(
      "it must make the same call each time that it runs")
  end
  return nil, ("it ended with status %d"):format(code), KILLED[code]
end

--- Looks once at all jobs and calls done(job, result) or failed(job, why) for those that ended.
function Crew:look(done, failed)
  for _, job in ipairs(self:jobs()) do
    local r <const> = self.running[job]
    local code <const>, signal <const> = r.process:ended()
    if code then
      r.process:close()
      self.running[job], self.count = nil, self.count - 1
      local result <const>, why <const>, killed <const> = outcome(self, job, code, signal)
      if result then
        done(job, result)
      elseif killed and not self.stopping and r.tries < self.pool.tries then
        self:start(job, r.tries + 1)
      else
        failed(job, why)
      end
    end
  end
end

--- The jobs that run, by name.
function Crew:jobs()
  local list <const> = {}
  for job in pairs(self.running) do list[#list + 1] = job end
  table.sort(list, function(a, b) return a.name < b.name end)
  return list
end

--- Waits a short time in which a process may end.
function Crew:pause(waited) core.pause(math.min(LONGEST, 0.005 + waited / 20)) end

--- Ends all processes: asks each to end, and kills it after `seconds`.
function Crew:stop(seconds)
  self.stopping = true
  for _, r in pairs(self.running) do r.process:signal(SIGINT) end
  local until_then <const> = core.clock() + seconds
  while next(self.running) and core.clock() < until_then do
    self:look(function() end, function() end)
    core.pause(0.02)
  end
  for _, r in pairs(self.running) do r.process:signal(SIGKILL) end
  self:close()
end

function Crew:close()
  for _, r in pairs(self.running) do r.process:close() end
  self.running, self.count = {}, 0
end

Crew.__close = Crew.close

return Crew
