--- Several jobs at once, each in a process of its own with one thread: networks as small as most
-- multi-task ones use a machine better that way than by threads.
--
-- train.pool({a = f, b = g}, {dir =, jobs = number of processors, threads = 1, seed = 0, tries = 3,
-- progress = true}) -> {a = what f(job) gave, b = ...}: numbers, texts, flags and tables of them.
-- job has name, dir (a directory for what it writes) and seed.
--
-- A process runs the script once more from its beginning, with the same words, and where it comes
-- to this call it runs its job and ends; so f may use everything that the script made before. What
-- comes before is run in each of them (train.in_job() tells), what comes after in none, and what is
-- printed goes to DIR/NAME/output.txt. Every job begins with the same random numbers, of its seed,
-- and so gives the same wherever it runs: with jobs = 1, at a prompt and inside another job it is
-- this process.
--
-- A job's result is kept in DIR/NAME/result.json; the same call takes it from there and runs what
-- is missing; where f's lines, or numbers and texts that it uses, have changed, that is an error.
-- A job that something killed starts again, `tries` times in all; one that failed is an error with
-- the last lines that it printed, raised when all others are done. Ctrl-C and SIGTERM end all of
-- them; they end, too, when this process is killed.
-- @usage
-- local r <const> = train.pool({small = function() return measure(10) end, large = function()
--   return measure(20) end}, {dir = "build/sizes"})
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
  local failures <const> = engine.run(pool, plan)
  if #failures > 0 then check.fail("train.pool: %s", engine.failures(pool, plan, failures)) end
  return values
end
