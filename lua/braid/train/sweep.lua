--- train.sweep{space =, trials =, ...}: searches for the values with which networks train best.
-- It judges by validation only. Each training is a job of its own (train.pool).
--
-- space = {lr = train.space.log(1e-4, 1e-2), batch = {32, 64}, ["weights.smile"] =
-- train.space.log(1e-4, 1), depth = train.space.whole(1, 4)}: a name is an option of train.fit, a
-- field of an option, or a value that the user's functions read from job.values. net =
-- function(tasks, job) makes the network; networks = {NAME = f, ...} trains several networks with
-- the same values. tasks, train, val and all other options are those of train.fit. best =
-- "landmarks.failure" names the metric that judges a training; its value at the best epoch counts.
-- run = function(job) replaces train.fit: it returns metrics, and best may be {name = "score",
-- direction = "max"}. job has values, trial, seed, dir, network, and with "asha" epochs.
--
-- method = "random", "halton" (evenly spread), "grid" (all combinations), or "asha": trials train
-- for `least` epochs, then the best 1/eta of them (eta = 3) train eta times as long, and so on up
-- to `epochs`. Each of these lengths is a rung; the default of least gives up to four rungs. trials
-- is the number of trials; a grid runs all combinations. seed is the seed of the search: with more
-- trials the first ones stay the same. seeds = {1} are the seeds of the trainings; a trial's value
-- is the mean over them. dir gets DIR/trialN and sweep.md, .csv, .tex, .html, .txt, .json, .svg.
-- train.pool describes jobs, threads, tries, minutes and progress.
--
-- The search never uses the test set: call train.test(r.best.dir, faces.test) at the end. On
-- validation the best of many trials looks better than it is.
-- @treturn sweep It prints as a table: r.trials[i] = {trial =, values =, value =, state =,
--   epochs =, dir =}, r.best, r:table(), r:words() (compares several networks), r:write(dir)
-- @usage
-- local function make(its) return braid.model("models/tcdcn.lua", {tasks = its, input = 40}) end
-- local r <const> = train.sweep{space = {lr = train.space.log(1e-4, 1e-2)}, trials = 2,
--   net = make, tasks = tasks, train = faces.train, val = faces.val, epochs = 1,
--   best = "landmarks.failure", dir = "build/sweep"}
-- print(r, r.best.values.lr)

local check <const> = require "braid.check"
local engine <const> = require "braid.train.pool.engine"
local entry_of <const> = require "braid.train.comparing.entry"
local format <const> = require "braid.format"
local points <const> = require "braid.train.sweeping.points"
local Search <const> = require "braid.train.sweeping.search"
local Sweep <const> = require "braid.train.sweeping.results"
local training <const> = require "braid.train.comparing.training"
local values <const> = require "braid.train.comparing.values"

local WHAT <const> = "train.sweep"

local KNOWN <const> = training.kinds()
for key, kind in pairs(engine.OPTIONS) do KNOWN[key] = kind end
for key, kind in pairs{
  space = check.needed(points.KIND), trials = check.whole{from = 1, to = 1000000},
  method = check.choice{"random", "halton", "grid", "asha"}, seed = check.whole{0, from = 0},
  seeds = check.either(check.whole{1, from = 1, to = 1000},
    check.list{of = check.whole{from = 0}, least = 1}),
  eta = check.whole{3, from = 2}, least = check.whole{from = 1}, best = values.METRIC,
  net = check.call(), networks = check.map(entry_of.KIND), run = check.call(), title = check.text(),
} do
  KNOWN[key] = kind
end

local function wrong_method(o)
  if o.method ~= "grid" and not o.trials then return "trials, the number of trials, is missing" end
  if o.method ~= "asha" then
    return o.least and "least applies to method = \"asha\" only" or nil
  end
  if o.seeds ~= 1 and not (type(o.seeds) == "table" and #o.seeds == 1) then
    return "method = \"asha\" takes one seed: its rungs compare single trainings"
  end
  if not o.epochs then return "method = \"asha\" wants epochs, the number for its last rung" end
  if o.least and o.least > o.epochs then
    return ("least = %d must not be above epochs = %d"):format(o.least, o.epochs)
  end
end

local OPTIONS <const> = check.declare(WHAT, KNOWN, function(o)
  if o.best == nil then return "best, the metric of validation that counts, is missing" end
  if o.net and o.networks then return "give net or networks, not both" end
  local wrong <const> = wrong_method(o)
  if wrong then return wrong end
  if o.run then
    if not (o.networks or o.net or type(o.best) == "table" and o.best.direction or o.tasks
      or values.described(type(o.best) == "table" and o.best.name or o.best).direction) then
      return "best must say which way is better: {name = ..., direction = \"min\" or \"max\"}"
    end
    return nil
  end
  if not (o.net or o.networks) then return "net (or networks, or run) is missing" end
  if not o.val then return "val is missing: a search is judged by validation" end
  local copy <const> = {}
  for key, value in pairs(o) do copy[key] = value end
  copy.best = type(o.best) == "table" and o.best.name or o.best
  return training.wrong(copy)
end)

local function says(search)
  return function(job, result)
    local words <const> = {}
    for _, name in ipairs(search.points.names) do
      local v <const> = job.values[name]
      words[#words + 1] = format("%s %s", name, type(v) == "number" and format("%.4g", v)
        or tostring(v))
    end
    local value <const> = search:value_of(result)
    return format("%s %s  with %s", search.metric.name, value and format("%.5g", value)
      or "undefined", table.concat(words, ", "))
  end
end

return function(given)
  local o <const> = check.options(OPTIONS, given)
  local search <const> = Search(WHAT, o, engine.pool(WHAT, o))
  engine.make_dir(search.pool)
  local failures <const> = engine.run(search.pool, {total = search:total(), says = says(search),
    next = function() return search:next() end, find = function(name) return search:find(name) end,
    done = function(job, result) search:done(job, result) end,
    failed = function(job) search:failed(job) end})
  if not search:has_any() then
    check.fail("%s: %s", WHAT, #failures > 0 and engine.failures(search.pool,
      {total = search:total()}, failures) or "nothing was trained")
  end
  local sweep <const> = Sweep(search, failures)
  if engine.is_first() then sweep:write(search.pool.dir) end
  return sweep
end
