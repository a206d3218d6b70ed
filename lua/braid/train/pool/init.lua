--- train.pool(jobs, {dir =, ...}): runs several jobs at once, each in its own process with one
-- thread. For small networks this uses a machine better than several threads in one process.
--
-- train.pool({a = f, b = g}, {dir =, jobs = number of processors, threads = 1, seed = 0, tries = 3,
-- progress = true}) -> {a = result of f(job), b = ...}. Results are numbers, texts, flags and
-- tables of them. job has name, dir (a directory for the job's files) and seed.
--
-- A job's process runs the script again from its beginning with the same arguments. When it comes
-- to this call, it runs its job and ends, so f may use everything that the script made before the
-- call. Lines before the call run in every process, and lines after it only in the first; in that
-- process train.in_job() is nil. A job's output goes to DIR/NAME/output.txt. Every job sets the
-- random numbers from its seed, so its result does not depend on where it runs. With jobs = 1, at a
-- prompt and inside another job, jobs run in this process.
--
-- A job's result is kept in DIR/NAME/result.json. The same call reads it and runs only the missing
-- jobs. It is an error if the code of f, or numbers and texts that f uses, have changed since. A
-- job that was killed is started again, up to `tries` times. If a job fails, the other jobs run on;
-- then an error shows the last lines that the job printed. Ctrl-C and SIGTERM end all jobs, which
-- also end when this process is killed.
--
-- minutes = n: after n minutes no job begins. Jobs that run in other processes save what they can
-- and end. Missing results are nil, and the second value returned is their number.
-- @usage
-- local r <const> = train.pool({small = function() return 10 end, large = function()
--   return 20 end}, {dir = "build/sizes"})
-- print(r.small, r.large)

local check <const> = require "braid.check"
local code <const> = require "braid.train.pool.code"
local engine <const> = require "braid.train.pool.engine"
local store <const> = require "braid.train.pool.store"

local KNOWN <const> = {work = check.argument(check.map(check.call())),
  seed = check.whole{0, from = 0}}
for key, kind in pairs(engine.OPTIONS) do KNOWN[key] = kind end
local OPTIONS <const> = check.declare("train.pool", KNOWN)

return function(work, given)
  local o <const> = check.options(OPTIONS, given, {work = work})
  local pool <const>, values <const> = engine.pool("train.pool", o), {}
  local names <const>, at = check.sorted_keys(work), 0
  local function find(name)
    return work[name] and {name = name, dir = store.folder(name), result = "result.json",
      settings = {seed = o.seed, code = code.of(work[name])}, seed = o.seed, run = function(job)
        return work[name]{name = name, dir = pool.dir .. "/" .. job.dir, seed = o.seed}
      end}
  end
  local plan <const> = {
    total = #names, find = find, says = function() return "done" end,
    next = function()
      at = at + 1
      return names[at] and find(names[at])
    end,
    done = function(job, result) values[job.name] = result.value end,
  }
  local failures <const>, left <const> = engine.run(pool, plan)
  if #failures > 0 then check.fail("train.pool: %s", engine.failures(pool, plan, failures)) end
  return values, left
end
