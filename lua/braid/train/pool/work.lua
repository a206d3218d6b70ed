--- Runs one job, in a process of its own or in this one.

local core <const> = require "braid.core"
local store <const> = require "braid.train.pool.store"

local M <const> = {}

local DIR <const>, NAME <const>, PARENT <const> = "BRAID_POOL", "BRAID_JOB", "BRAID_JOB_PARENT"

--- The job that this process was started for: its pool's directory and its name, or nil.
function M.mine()
  local dir <const>, name <const> = os.getenv(DIR), os.getenv(NAME)
  if dir and name and os.getenv(PARENT) then return dir, name end
end

--- The environment variables that tell another process to run this job.
function M.variables(pool, job)
  return {DIR .. "=" .. pool.dir, NAME .. "=" .. job.name,
    PARENT .. "=" .. core.process_id(), "OMP_NUM_THREADS=" .. pool.threads}
end

M.running = false -- whether a job runs in this process; a pool inside it starts no processes

--- Runs a job here and keeps its result. An error in the job is raised again.
function M.run(pool, job)
  local seed <const>, stream <const> = core.random_state()
  local before <const> = M.running
  local _ <close> = setmetatable({}, {__close = function()
    core.set_random_state(seed, stream)
    M.running = before
  end})
  M.running = true
  core.manual_seed(job.seed or 0)
  local begun <const> = core.clock()
  local value <const> = job.run(job)
  local result <const> = {value = value, seconds = core.clock() - begun, settings = job.settings}
  store.write(pool, job, result)
  return store.read(pool, job)
end

--- In a process that was started for a job of this pool: runs the job and ends the process.
function M.run_mine(pool, job)
  if not core.end_with(math.tointeger(tonumber(os.getenv(PARENT))) or 0) then os.exit(143, true) end
  io.stdout:setvbuf("line")
  core.set_threads(pool.threads)
  M.run(pool, job)
  os.exit(0, true)
end

return M
