--- Runs the jobs of a plan that have no result yet: several at once, each in its own process, or
-- one after the other in this process.
--
-- A plan has next() -> the next job to run, or nil if another job must end first; find(name) -> the
-- job that next gave under this name in another process; done(job, result); says(job, result) -> a
-- few words to print; total, the number of jobs; and optionally failed(job). A job has name, dir
-- (inside the pool's directory), result (the name of its file), settings (plain values that show
-- whether a result belongs to this job), seed, and run(job) -> its value. A result has value,
-- seconds and settings.

local check <const> = require "braid.check"
local core <const> = require "braid.core"
local Crew <const> = require "braid.train.pool.crew"
local format <const> = require "braid.format"
local Log <const> = require "braid.train.log"
local progress <const> = require "braid.train.progress"
local script <const> = require "braid.train.pool.script"
local store <const> = require "braid.train.pool.store"
local work <const> = require "braid.train.pool.work"

local M <const> = {}

--- The message of a call whose minutes were over before it had a result to show.
M.LATE = "the minutes were over before any job was done"

local GRACE <const> = 10 -- seconds in which stopped processes may save their work
local HOPELESS <const> = 3 -- no more jobs start after so many failures and no success
local LINES <const> = 12 -- a message has so many lines of a failed job's output

-- ---- progress on the screen -----------------------------------------------------------------

local Watch <const> = {}
Watch.__index = Watch

function Watch:line(text)
  if self.pool.progress then progress.print(nil, text) end
end

local function left_of(self)
  if self.ran == 0 then return "" end
  local seconds <const> = (core.clock() - self.begun) / self.ran * (self.plan.total - self.count)
  return ", about " .. progress.time(seconds) .. " left"
end

function Watch:draw(jobs)
  local width <const> = self.pool.progress and progress.width()
  if not width or core.clock() - self.drawn < 0.5 then return end
  self.drawn = core.clock()
  local names <const> = {}
  for i, job in ipairs(jobs) do names[i] = job.name end
  local text <const> = ("%d of %d done%s; running %s"):format(self.count, self.plan.total,
    left_of(self), table.concat(names, ", "))
  progress.redraw(self, self.count / self.plan.total, text:sub(1, width - 1))
end

function Watch:done(job, result, before)
  self.count, self.succeeded = self.count + 1, true
  if not before then
    self.ran = self.ran + 1
    self:line(format("[%d/%d] %s  %s  (%.1f s)", self.count, self.plan.total, job.name,
      self.plan.says(job, result), result.seconds))
  end
  self.plan.done(job, result)
end

function Watch:failed(job, why)
  self.count, self.ran = self.count + 1, self.ran + 1
  self.failures[#self.failures + 1] = {job = job, why = why}
  self:line(("[%d/%d] %s failed: %s"):format(self.count, self.plan.total, job.name,
    why:match("^[^\n]*")))
  if self.plan.failed then self.plan.failed(job) end
end

-- Whether to begin no more jobs, because all so far have failed or the time is up.
function Watch:is_over()
  return self:is_late() or not self.succeeded and #self.failures >= HOPELESS
end

function Watch:is_late() return self.ends ~= nil and core.clock() > self.ends end

-- The number of jobs that are neither done nor failed. Prints a line if time was too short for
-- them.
function Watch:left()
  local left <const> = self.plan.total - self.count
  if left > 0 and self:is_late() then
    self:line(format("the %.4g minutes are over, %d of %d jobs done; the same call continues from "
      .. "the results in %s", self.pool.minutes, self.count, self.plan.total, self.pool.dir))
  end
  return left
end

-- ---- in this process --------------------------------------------------------------------------

local function traced(message)
  if type(message) ~= "string" then return tostring(message) end
  return message:find("interrupted!", 1, true) and message or debug.traceback(message, 2)
end

-- A message without its traceback. The traceback goes to the file to which the job's own process
-- would have written it.
local function noted(pool, job, message)
  local file <close> = io.open(store.path(pool, job, "output.txt"), "a")
  if file then file:write(message, "\n") end
  return (message:gsub("\nstack traceback:.*$", ""))
end

local function run_here(pool, plan, watch)
  for job in plan.next do
    local result <const> = store.read(pool, job)
    if result then
      watch:done(job, result, true)
    elseif not watch:is_over() then
      store.make(pool, job)
      watch:draw{job}
      local ok <const>, value <const> = xpcall(work.run, traced, pool, job)
      if not ok and value:find("interrupted!", 1, true) then error(value, 0) end
      if ok then watch:done(job, value) else watch:failed(job, noted(pool, job, value)) end
    end
  end
end

-- ---- in several processes ---------------------------------------------------------------------

local function leave(pool, crew, watch)
  local signal <const> = core.caught_signal()
  watch:line(("ending %d running jobs ..."):format(crew.count))
  crew:stop(GRACE)
  watch:line(("ended by a signal, %d of %d jobs done; the same call continues from the "
    .. "results in %s"):format(watch.count, watch.plan.total, pool.dir))
  os.exit(128 + signal, true)
end

-- The next job to begin, or nil if there is none now. Jobs that already have a result are marked as
-- done on the way.
local function next_job(pool, plan, watch)
  for job in plan.next do
    local result <const> = store.read(pool, job)
    if result then
      watch:done(job, result, true)
    elseif not watch:is_over() then
      return job
    end
  end
end

local function short(text) return #text > 160 and text:sub(1, 160) .. " ..." or text end

local function run_beside(pool, plan, watch, command)
  local crew <close> = Crew(pool, command)
  core.watch_signals(true)
  local _ <close> = setmetatable({}, {__close = function() core.watch_signals(false) end})
  local waited = 0
  local function done(job, result)
    waited = 0
    watch:done(job, result)
  end
  local function failed(job, why)
    waited = 0
    watch:failed(job, ("%s: %s\nthe end of %s:\n%s"):format(why, short(store.tail(pool, job, 1)),
      store.path(pool, job, "output.txt"), store.tail(pool, job, LINES)))
  end
  while true do
    while crew:has_room() do
      local job <const> = next_job(pool, plan, watch)
      if not job then break end
      crew:start(job)
    end
    if crew.count == 0 then return end
    watch:draw(crew:jobs())
    crew:pause(waited)
    waited = waited + 0.01
    if core.caught_signal() then leave(pool, crew, watch) end
    if watch:is_late() then return crew:stop(GRACE) end
    crew:look(done, failed)
  end
end

-- ---- running all jobs -------------------------------------------------------------------------

-- In a process that was started for one job: runs the job if it belongs to this plan. Otherwise
-- reads the results that are there.
local function be_a_child(pool, plan, dir, name)
  local mine <const> = dir == pool.dir and plan.find(name)
  if mine then work.run_mine(pool, mine) end
  local missing <const> = {}
  for job in plan.next do
    local result <const> = store.read(pool, job)
    if result then
      plan.done(job, result)
    else
      missing[#missing + 1] = {job = job, why = "this process was started for another job"}
    end
  end
  return missing
end

--- Makes the directory of a pool.
function M.make_dir(pool) Log.make_folder(pool.what, pool.dir) end

--- Whether the user started this process, and not a pool.
function M.is_first() return work.mine() == nil end

local function claim(pool)
  M.make_dir(pool)
  local journal <const>, why <const>, held <const> = core.journal(pool.dir .. "/jobs.lock")
  if held then
    check.fail("%s: dir: another process runs the jobs of %s; wait for it or choose another dir",
      pool.what, pool.dir)
  end
  if not journal then check.fail("%s: dir: %s", pool.what, why) end
  return journal
end

--- Runs all jobs of a plan that have no result yet.
-- @return a list of the jobs that failed, {job =, why =}; the number of jobs for which time was too
-- short
function M.run(pool, plan)
  local dir <const>, name <const> = work.mine()
  if dir and not work.running then return be_a_child(pool, plan, dir, name) end
  local _ <close> = claim(pool)
  local watch <const> = setmetatable({pool = pool, plan = plan, count = 0, ran = 0, failures = {},
    begun = core.clock(), drawn = -1, ends = pool.minutes and core.clock() + 60 * pool.minutes},
    Watch)
  local command, why
  if pool.jobs > 1 and not work.running then
    command, why = script.command()
    if not command then
      watch:line(("%s: %s, so the jobs run one after the other"):format(pool.what, why))
    end
  end
  if command then run_beside(pool, plan, watch, command) else run_here(pool, plan, watch) end
  if pool.progress then progress.erase() end
  return watch.failures, watch:left()
end

--- The message about failed jobs.
function M.failures(pool, plan, failures)
  local words <const> = {}
  for i, f in ipairs(failures) do
    words[i] = ("%s: %s"):format(f.job.name, f.why)
    if i == HOPELESS and #failures > i then
      words[i + 1] = ("and %d more"):format(#failures - i)
      break
    end
  end
  return ("%d of %d jobs failed; the results of the others are kept in %s, and the same call tries "
    .. "these again\n%s"):format(#failures, plan.total, pool.dir, table.concat(words, "\n"))
end

--- The kinds of the options for running jobs.
M.OPTIONS = {
  dir = check.needed(check.text()), jobs = check.whole{from = 1, to = 4096},
  threads = check.whole{1, from = 1, to = 4096}, tries = check.whole{3, from = 1},
  progress = check.flag(true), minutes = check.number{above = 0},
}

--- Makes a pool from these options.
function M.pool(what, o)
  if o.dir == "" or o.dir:find("\0", 1, true) then check.fail("%s: dir is not a path", what) end
  return {what = what, dir = (o.dir:gsub("(.)/+$", "%1")), threads = o.threads, tries = o.tries,
    minutes = o.minutes,
    jobs = o.jobs or math.max(1, core.get_threads() // o.threads), progress = o.progress}
end

return M
