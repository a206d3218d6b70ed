--- Makes the jobs of a sweep, each a trial (with "asha", on a rung), and takes their results.

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local described <const> = require "braid.train.comparing.described"
local entry_of <const> = require "braid.train.comparing.entry"
local halving <const> = require "braid.train.sweeping.halving"
local points <const> = require "braid.train.sweeping.points"
local store <const> = require "braid.train.pool.store"
local training <const> = require "braid.train.comparing.training"
local values <const> = require "braid.train.comparing.values"

local Search <const> = class("search")

local RUNGS <const> = 4 -- the largest number of rungs, unless the option least gives more

local function entries_of(o)
  if not o.networks then
    return {o.net and entry_of.read("net", o.net) or {name = "net", options = {}, parts = {{}}}}
  end
  local list <const> = {}
  for i, name in ipairs(check.sorted_keys(o.networks)) do
    list[i] = entry_of.read(name, o.networks[name])
    if #list[i].parts > 1 then
      check.fail("train.sweep: networks: '%s' has several parts; sweep trains each by itself", name)
    end
  end
  return list
end

-- The number of epochs of each rung. The last rung has `epochs`.
local function rungs_of(o)
  local list <const>, at = {o.epochs}, o.epochs
  while at // o.eta >= (o.least or 1) and (o.least or #list < RUNGS) do
    at = at // o.eta
    table.insert(list, 1, at)
  end
  return list
end

function Search:init(what, o, pool)
  self.what, self.o, self.pool = what, o, pool
  self.points, self.entries = points.read(o.space), entries_of(o)
  self.trials = o.method == "grid" and math.min(o.trials or math.maxinteger,
    points.count(what, self.points)) or o.trials
  self.seeds = type(o.seeds) == "table" and o.seeds or {}
  for i = 1, type(o.seeds) == "table" and 0 or o.seeds do self.seeds[i] = i end
  local best <const> = type(o.best) == "table" and o.best or {name = o.best}
  self.metric = values.described(best.name, o.tasks)
  for key, value in pairs(best) do self.metric[key] = value end
  if not self.metric.direction then
    check.fail("%s: best: it is not known which way '%s' is better; say {name = \"%s\", direction "
      .. "= \"min\"} or \"max\"", what, best.name, best.name)
  end
  self.sign = self.metric.direction == "min" and 1 or -1
  self.found, self.read, self.at = {}, {}, 0
  if o.method == "asha" then self:begin_rungs() end
end

function Search:begin_rungs()
  self.rungs, self.ladders = rungs_of(self.o), {}
  for i in ipairs(self.entries) do
    self.ladders[i] = halving.new(self.rungs, self.trials, self.o.eta,
      function(a, b) return self:better(a, b) end)
  end
end

--- Whether value a is better than b. A failed job has the value false, the worst of all.
function Search:better(a, b)
  if not a or not b then return a ~= nil and a ~= false and not b end
  return self.sign * a < self.sign * b
end

--- An estimate of the number of jobs.
function Search:total()
  if not self.rungs then return self.trials * #self.seeds * #self.entries end
  local sum = 0
  for k = 1, #self.rungs do sum = sum + self.trials // self.o.eta ^ (k - 1) end
  return math.tointeger(sum) * #self.entries
end

function Search:values(trial)
  return points.values(self.what, self.points, self.o.method, self.o.seed, trial)
end

-- ---- jobs ---------------------------------------------------------------------------------

-- Makes train.fit end after `epochs` epochs, although its schedule is made for more.
local function ended_after(epochs, on)
  local hooks <const> = {}
  for key, f in pairs(on or {}) do hooks[key] = f end
  local function ended(name)
    return function(fit, event)
      -- the checkpoint of a lower rung has this reason
      if fit.at.reason == "rung" then fit.at.reason = nil end
      if on and on[name] then on[name](fit, event) end
      if fit.at.epoch >= epochs then fit:stop("rung") end
    end
  end
  hooks.start, hooks.epoch = ended("start"), ended("epoch")
  return hooks
end

local function run_own(self, given)
  local gave <const> = self.o.run(given)
  local metrics <const> = values.plain(gave)
  if not metrics or not values.at(metrics, self.metric.name) then
    check.fail("%s: run must return metrics with '%s', not %s", self.what, self.metric.name,
      check.shown(gave))
  end
  return {metrics = metrics}
end

local function run(self, entry, given, all)
  local read <const>, own <const> = {}, given.values
  given.values = points.watched(own, read)
  local result
  if self.o.run then
    given.make = function()
      return entry_of.make(self.what, entry, entry.parts[1], self.o.tasks, given)
    end
    result = run_own(self, given)
  else
    local net <const> = entry_of.make(self.what, entry, entry.parts[1], self.o.tasks, given)
    result = training.run(net, all, {dir = given.dir, seed = given.seed,
      progress = self.o.progress})
    result.test = nil
    if result.best then result.value = result.best.value end
  end
  result.read = check.sorted_keys(read)
  return result
end

-- The job of entry i for a trial, and for a seed or a rung.
function Search:job(i, trial, seed, rung)
  local entry <const>, own <const> = self.entries[i], self:values(trial)
  local o <const>, epochs <const> = self.o, rung and self.rungs[rung]
  local base <const> = training.options(o, entry.options)
  base.best = self.metric.name
  local all <const> = points.into(self.what, base, own)
  local settings <const> = described(o.run and {} or all)
  if rung and not o.run then all.on = ended_after(epochs, all.on) end
  settings.values, settings.seed, settings.rung = described.value(own), seed, epochs
  settings.code, settings.run = entry.parts[1].code, described.value(o.run)
  local dir = ("trial%04d"):format(trial)
  if #self.entries > 1 then dir = dir .. "/" .. store.folder(entry.name) end
  if #self.seeds > 1 then dir = ("%s/seed%d"):format(dir, seed) end
  local name = ("trial %d"):format(trial)
  if #self.entries > 1 then name = name .. " " .. entry.name end
  if #self.seeds > 1 then name = ("%s seed %d"):format(name, seed) end
  if rung then name = ("%s to epoch %d"):format(name, epochs) end
  return {name = name, dir = dir, result = rung and ("rung%d.json"):format(rung) or "result.json",
    settings = settings, seed = seed, values = own, entry = i, trial = trial, rung = rung,
    run = function()
      return run(self, entry, {values = own, trial = trial, seed = seed, network = entry.name,
        epochs = epochs or o.epochs, width = 1.0, dir = self.pool.dir .. "/" .. dir}, all)
    end}
end

-- Stores a job by its name.
local function noted(self, job)
  self.by_name = self.by_name or {}
  self.by_name[job.name] = job
  return job
end

function Search:next()
  if self.rungs then
    for i, ladder in ipairs(self.ladders) do
      local trial <const>, rung <const> = ladder:next()
      if trial then return noted(self, self:job(i, trial, self.seeds[1], rung)) end
    end
    return nil
  end
  local each <const> = #self.seeds * #self.entries
  if self.at == self.trials * each then return nil end
  local at <const> = self.at
  self.at = at + 1
  return noted(self, self:job(at % #self.entries + 1, at // each + 1,
    self.seeds[at // #self.entries % #self.seeds + 1]))
end

--- Finds a job by its name, in another process.
function Search:find(name)
  for trial = 1, self.trials do
    if name:find("^trial " .. trial .. "%f[%D]") then
      for i in ipairs(self.entries) do
        for _, seed in ipairs(self.seeds) do
          for rung = 1, self.rungs and #self.rungs or 1 do
            local job <const> = self:job(i, trial, seed, self.rungs and rung)
            if job.name == name then return job end
          end
        end
      end
    end
  end
end

-- ---- results --------------------------------------------------------------------------------

--- The value of a result, or nil if it is undefined.
function Search:value_of(result)
  local r <const> = result.value
  local v <const> = r.value or values.at(r.metrics, self.metric.name)
  return v and v == v and v or nil
end

local function record(self, job)
  local of <const> = self.found[job.trial] or {}
  self.found[job.trial] = of
  of[job.entry] = of[job.entry] or {list = {}, rung = 0}
  return of[job.entry]
end

function Search:done(job, result)
  local of <const>, value <const> = record(self, job), self:value_of(result)
  for _, name in ipairs(result.value.read or {}) do self.read[name] = true end
  if self.rungs then
    of.list[1], of.rung, of.epochs = value or false, job.rung, self.rungs[job.rung]
    self.ladders[job.entry]:done(job.trial, job.rung, value or false)
  else
    of.list[#of.list + 1] = value or false
    of.epochs = result.value.epochs
  end
  of.metrics, of.parameters, of.dir = result.value.metrics, result.value.parameters, job.dir
end

function Search:failed(job)
  record(self, job).failed = true
  if self.rungs then self.ladders[job.entry]:done(job.trial, job.rung, false) end
end

function Search:has_any()
  for _, of in pairs(self.found) do
    for _, r in pairs(of) do
      if #r.list > 0 then return true end
    end
  end
  return false
end

return Search
