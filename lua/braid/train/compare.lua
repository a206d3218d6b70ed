--- train.compare{networks =, seeds =, ...}: compares networks that are trained on the same data, in
-- the same order, from the same seeds. Each training is a job of its own (train.pool): several run
-- at once. If the script was ended, the same call continues where it stopped.
--
-- networks = {NAME = f}: f(tasks, job) makes a network; job has network, seed, dir and width (1
-- without `same`). {f, epochs = 5, ...} gives a network its own options of train.fit, such as
-- stages. {parts = {pose = f, smile = g}} trains several networks one by one and counts them as
-- one, for example single-task networks. seeds = {1, 2, 3}, or a number of seeds. Options of
-- train.fit (tasks, train, val, epochs, optimizer, best, ...) apply to all. The table shows metrics
-- on `test`, or on val without `test`. The metrics are those of the epoch that is best on val. With
-- take = "last" they are those of the last epoch.
--
-- budget = "epochs": all train for the same number of epochs. budget = "macs": all use as many
-- multiplications as the baseline (without a baseline, the costliest network). budget = "seconds",
-- seconds = n: each trains for as many steps as fit into n seconds on `threads` threads; a step is
-- timed beforehand, with nothing else running. same = "parameters": job.width is chosen so that
-- each network has about as many parameters as the baseline (without a baseline, the largest
-- network); parameters = n asks for n. Networks of parts keep their width.
--
-- baseline = NAME adds delta-m, the mean relative gain over that network. metrics =
-- {"landmarks.failure", {name = "score", direction = "max", percent = true}} chooses the columns
-- (default: the metric that judges each task). order = {NAME, ...} sorts the rows. level = 0.05 is
-- the significance level of the tests; title is written above the table. after = function(net, job)
-- is called in the job with the trained network; metrics that it returns join the result. run =
-- function(job) replaces train.fit. It returns metrics ({landmarks = {failure = 0.2}} or {score =
-- 1}) and may also return {parameters =, macs =, seconds =}. job.make() makes the network; with
-- run, networks may be a list of names.
--
-- dir: each job writes to DIR/NAME/seedN; DIR gets results.md, .csv, .tex, .html, .txt, .json and
-- METRIC.svg. train.pool describes jobs, threads, tries, minutes and progress; if the minutes are
-- over before all jobs are done, the table shows the results so far, and r.left is the number of
-- jobs that are left. The script runs once more from its beginning for each job; train.in_job()
-- tells whether it runs in a job.
-- @treturn comparison They print as a table with the findings of paired tests: r:table(),
--   r:tests(metric), r:words(metric), r:delta_m(), r:values(metric), r.results.NAME[SEED]
-- @usage
-- local function make(name)
--   return function() return braid.model("models/" .. name, {tasks = tasks, input = 40}) end
-- end
-- print(train.compare{
--   networks = {hard = make "hard_sharing.lua", stitch = make "cross_stitch.lua"}, seeds = 2,
--   tasks = tasks, train = faces.train, val = faces.val, test = faces.test, epochs = 1,
--   lr = 1e-3, best = "landmarks.failure", dir = "build/compare"})

local budget <const> = require "braid.train.comparing.budget"
local check <const> = require "braid.check"
local described <const> = require "braid.train.comparing.described"
local engine <const> = require "braid.train.pool.engine"
local entry_of <const> = require "braid.train.comparing.entry"
local format <const> = require "braid.format"
local options <const> = require "braid.train.fitting.options"
local Results <const> = require "braid.train.comparing.results"
local store <const> = require "braid.train.pool.store"
local training <const> = require "braid.train.comparing.training"
local values <const> = require "braid.train.comparing.values"

local WHAT <const> = "train.compare"

local KNOWN <const> = {
  networks = check.needed(check.either(check.list{of = check.text(), least = 1},
    check.map(entry_of.KIND))),
  seeds = check.either(check.whole{3, from = 1, to = 100000},
    check.list{of = check.whole{from = 0}, least = 1}),
  budget = check.choice{"epochs", "seconds", "macs"}, seconds = check.number{above = 0},
  same = check.optional(check.choice{"parameters"}), parameters = check.whole{from = 1},
  test = options.SET, metrics = check.list{of = values.METRIC, least = 1}, baseline = check.text(),
  order = check.list{of = check.text(), least = 1},
  level = check.number{0.05, above = 0, below = 1}, title = check.text(),
  take = check.choice{"best", "last"}, run = check.call(), after = check.call(),
}
for key, kind in pairs(training.kinds()) do KNOWN[key] = kind end
for key, kind in pairs(engine.OPTIONS) do KNOWN[key] = kind end

-- A message about the first name that is not the name of a network, or nil.
local function unknown(o, key, names)
  local known <const> = {}
  for _, name in ipairs(o.networks) do known[name] = true end
  for name in pairs(o.networks) do
    if type(name) == "string" then known[name] = true end
  end
  for _, name in ipairs(names) do
    if not known[name] then
      return ("%s: there is no network '%s'; %s"):format(key, name,
        check.nearest(name, check.sorted_keys(known)))
    end
  end
end

local OPTIONS <const> = check.declare(WHAT, KNOWN, function(o)
  if next(o.networks) == nil then return "networks is empty" end
  if (o.budget == "seconds") ~= (o.seconds ~= nil) then
    return o.seconds and "seconds wants budget = \"seconds\""
      or "budget = \"seconds\" wants seconds"
  end
  if o.parameters and not o.same then return "parameters wants same = \"parameters\"" end
  local wrong <const> = unknown(o, "order", o.order or {}) or unknown(o, "baseline", {o.baseline})
  if wrong then return wrong end
  if o.run then
    local of_fit <const> = o.budget ~= "epochs" and "budget" or o.same and "same"
    return of_fit and of_fit .. " applies to train.fit only: leave it out beside run" or nil
  end
  if o.take == "last" and o.ema then
    return "take = \"last\" measures weights without the averages of ema: leave out one of them"
  end
  if o.networks[1] then return "networks must be functions by name; names alone need run" end
  for _, name in ipairs(check.sorted_keys(o.networks)) do
    local bad <const> = training.wrong_names(o.networks[name])
    if bad then return ("networks: '%s': %s"):format(name, bad) end
  end
  if not (o.val or o.test) then return "val (or test) is missing: there is nothing to measure" end
  return training.wrong(o)
end)

-- ---- jobs -----------------------------------------------------------------------------------

local function entries_of(o)
  local names <const> = o.networks[1] and o.networks or check.sorted_keys(o.networks)
  local placed <const>, ordered <const>, entries <const> = {}, {}, {}
  for _, list in ipairs{o.order or {}, names} do
    for _, name in ipairs(list) do
      if not placed[name] then ordered[#ordered + 1], placed[name] = name, true end
    end
  end
  for i, name in ipairs(ordered) do
    entries[i] = o.networks[1] and {name = name, options = {}, parts = {{}}}
      or entry_of.read(name, o.networks[name])
  end
  return entries
end

local function seeds_of(o)
  if type(o.seeds) == "table" then
    local seen <const> = {}
    for _, seed in ipairs(o.seeds) do
      if seen[seed] then check.fail("%s: seeds: %d is there twice", WHAT, seed) end
      seen[seed] = true
    end
    return o.seeds
  end
  local list <const> = {}
  for i = 1, o.seeds do list[i] = i end
  return list
end

-- Calls the user's `after` -> the metrics that it adds, or nil.
local function more_metrics(f, net, job)
  local metrics <const> = f(net, job)
  local plain <const> = values.plain(metrics)
  if metrics ~= nil and not plain then
    check.fail("%s: after must return nothing or metrics, such as {score = 1}, not %s", WHAT,
      check.shown(metrics))
  end
  return plain
end

-- Runs one training -> its result.
local function train(c, entry, part, given, all)
  local function make()
    if not part.make then check.fail("%s: job.make() wants networks to be functions", WHAT) end
    return entry_of.make(WHAT, entry, part, c.o.tasks, given)
  end
  if c.o.run then
    given.make = make
    local metrics <const>, more <const> = c.o.run(given)
    local plain <const> = values.plain(metrics)
    if not plain or next(values.paths(plain, {})) == nil then
      check.fail("%s: run must return metrics, such as {score = 1} or {pose = {accuracy = 0.9}}, "
        .. "not %s", WHAT, check.shown(metrics))
    end
    local result <const> = {metrics = plain}
    for key, value in pairs(more or {}) do result[key] = value end
    return result
  end
  return training.run(make(), all, {dir = given.dir, seed = given.seed, test = c.o.test,
    take = c.o.take, progress = c.o.progress, after = c.o.after and function(net)
      return more_metrics(c.o.after, net, given)
    end})
end

local function job_of(c, entry, part, seed)
  local plan <const> = c.plan[entry.name] or {}
  local all <const> = training.options(c.o, entry.options)
  local scaled <const> = plan.ratio and training.scaled(all, plan.ratio, plan.per_epoch) or all
  local settings <const> = described(c.o.run and {} or scaled)
  settings.code, settings.seed, settings.width = part.code, seed, plan.width
  settings.run, settings.test = described.value(c.o.run), described.value(c.o.test)
  settings.take = c.o.take
  local dir <const> = ("%s%s/seed%d"):format(store.folder(entry.name),
    part.name and "/" .. store.folder(part.name) or "", seed)
  return {name = ("%s%s seed %d"):format(entry.name, part.name and "." .. part.name or "", seed),
    dir = dir, result = "result.json", settings = settings, seed = seed, entry = entry, part = part,
    run = function()
      return train(c, entry, part, {network = entry.name, part = part.name, seed = seed,
        width = plan.width or 1.0, dir = c.pool.dir .. "/" .. dir}, scaled)
    end}
end

-- All trainings, seed by seed, so that the first results cover all networks.
local function jobs_of(c)
  local list <const>, by_name <const> = {}, {}
  for _, seed in ipairs(c.seeds) do
    for _, entry in ipairs(c.entries) do
      for _, part in ipairs(entry.parts) do
        local job <const> = job_of(c, entry, part, seed)
        list[#list + 1], by_name[job.name] = job, job
      end
    end
  end
  return list, by_name
end

-- Adds a job's result to its network's result. The parts of a network give one result together.
local function merge(all, job, result)
  local value <const> = result.value
  value.seconds = value.seconds or result.seconds
  local of <const> = all[job.entry.name]
  local sum <const> = of[job.seed]
  if not sum then
    of[job.seed] = value
    return
  end
  for task, metrics in pairs(value.metrics) do sum.metrics[task] = metrics end
  for _, key in ipairs{"parameters", "macs", "seconds", "steps", "epochs"} do
    sum[key] = sum[key] and value[key] and sum[key] + value[key]
  end
end

local function says(c)
  return function(_, result)
    local paths <const> = {}
    for i, m in ipairs(c.o.metrics or {}) do paths[i] = type(m) == "table" and m.name or m end
    if #paths == 0 then
      for path in pairs(values.paths(result.value.metrics, {})) do
        if not path:find("%.loss$") then paths[#paths + 1] = path end
      end
      table.sort(paths)
    end
    local words <const> = {}
    for _, path in ipairs(paths) do
      local v <const> = values.at(result.value.metrics, path)
      if v and #words < 4 then words[#words + 1] = format("%s %.4g", path, v) end
    end
    return table.concat(words, "  ")
  end
end

return function(given)
  local o <const> = check.options(OPTIONS, given)
  local c <const> = {what = WHAT, o = o, pool = engine.pool(WHAT, o), entries = entries_of(o),
    seeds = seeds_of(o)}
  engine.make_dir(c.pool)
  c.plan = budget.find(c, c.pool.dir)
  local list <const>, by_name <const> = jobs_of(c)
  local all <const>, names <const>, at = {}, {}, 0
  for i, entry in ipairs(c.entries) do all[entry.name], names[i] = {}, entry.name end
  local plan <const> = {total = #list, says = says(c),
    find = function(name) return by_name[name] end,
    next = function()
      at = at + 1
      return list[at]
    end,
    done = function(job, result) merge(all, job, result) end}
  local failures <const>, left <const> = engine.run(c.pool, plan)
  if #failures > 0 then check.fail("%s: %s", WHAT, engine.failures(c.pool, plan, failures)) end
  if left == #list and left > 0 then
    check.fail("%s: %s (%d are left); the same call continues", WHAT, engine.LATE, left)
  end
  local metrics
  for i, m in ipairs(o.metrics or {}) do
    metrics = metrics or {}
    metrics[i] = type(m) == "table" and m or values.described(m, o.tasks)
  end
  local results <const> = Results{what = WHAT, results = all, names = names, seeds = c.seeds,
    tasks = o.tasks, metrics = metrics, baseline = o.baseline, level = o.level, title = o.title,
    left = left}
  if engine.is_first() then results:write(c.pool.dir) end
  return results
end
