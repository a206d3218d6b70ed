--- The results of a sweep.
--
--   r.trials[i]    {trial = i, values = {NAME = v}, value = number or nil, state = "done",
--     "failed", "undefined" or "ended at epoch 3", epochs =, dir =, metrics =,
--     networks = {NAME = value}}
--   r.best         the best trial; with "asha", the best of those that trained longest
--   print(r)       a table, best first    r:table(n)    the first n trials only
--   r:words()      for each pair of networks, on how many trials each was better
--   r:figure()     parallel coordinates
--   r:write(dir)   sweep.md, .csv, .tex, .html, .txt, .json, .svg

local check <const> = require "braid.check"
local class <const> = require "braid.class"
local files <const> = require "braid.io.files"
local format <const> = require "braid.format"
local json <const> = require "braid.io.json"
local page <const> = require "braid.train.comparing.page"
local plot <const> = require "braid.plot"
local points <const> = require "braid.train.sweeping.points"
local Table <const> = require "braid.train.table"
local tests <const> = require "braid.train.comparing.tests"

local Sweep <const> = class("sweep")

local SHOWN <const> = 20 -- rows that are printed

-- The mean over seeds, or nil if the value of a seed is missing.
local function mean_of(found, seeds)
  if not found or found.failed or #found.list < seeds then return nil end
  local sum = 0.0
  for _, v in ipairs(found.list) do
    if not v then return nil end
    sum = sum + v
  end
  return sum / #found.list
end

local function state_of(found, value, search)
  if not found then return "not tried" end
  if found.failed then return "failed" end
  if not value then return "undefined" end
  if search.rungs and found.rung < #search.rungs then
    return ("ended at epoch %d"):format(found.epochs)
  end
  return "done"
end

local function trial_of(search, i)
  local of <const> = search.found[i] or {}
  local first <const> = of[1]
  local trial <const> = {trial = i, values = search:values(i), networks = {}, rung = first
    and first.rung}
  for k, entry in ipairs(search.entries) do
    trial.networks[entry.name] = mean_of(of[k], #search.seeds)
  end
  trial.value = trial.networks[search.entries[1].name]
  trial.state = state_of(first, trial.value, search)
  if first then
    trial.epochs, trial.metrics, trial.parameters = first.epochs, first.metrics, first.parameters
    trial.dir = first.dir and search.pool.dir .. "/" .. first.dir
  end
  return trial
end

-- Trials with a value, best first. With rungs, trials that trained longer come first.
local function ranked(self)
  local list <const> = {}
  for _, t in ipairs(self.trials) do
    if t.value then list[#list + 1] = t end
  end
  table.sort(list, function(a, b)
    if a.rung ~= b.rung then return (a.rung or 0) > (b.rung or 0) end
    if a.value ~= b.value then return self.search:better(a.value, b.value) end
    return a.trial < b.trial
  end)
  return list
end

function Sweep:init(search, failures)
  self.search, self.what, self.metric = search, search.what, search.metric
  self.names, self.trials, self.failures = search.points.names, {}, failures
  for i = 1, search.trials do self.trials[i] = trial_of(search, i) end
  self.ranked = ranked(self)
  self.best = self.ranked[1]
end

-- ---- words --------------------------------------------------------------------------------

-- The names of the search space whose values no function read.
local function unread(self)
  local list <const> = {}
  for _, name in ipairs(points.free(self.search.points, self.search.o.run ~= nil)) do
    if not self.search.read[name] then list[#list + 1] = name end
  end
  return list
end

local function notes_of(self, shown)
  local n <const>, notes <const> = #self.ranked, {}
  if n > shown then notes[1] = ("The best %d of %d trials."):format(shown, n) end
  local others <const> = #self.trials - n
  if others > 0 then
    notes[#notes + 1] = ("%d trials have no value: they failed, or it is undefined."):format(others)
  end
  if n > 1 then
    notes[#notes + 1] = ("The best of %d was chosen on validation, where it looks better than it "
      .. "is; train.test(r.best.dir, set) tests it once."):format(n)
  end
  for _, name in ipairs(unread(self)) do
    notes[#notes + 1] = ("'%s' had no effect: it is not an option of train.fit, and no function "
      .. "read it from job.values."):format(name)
  end
  for _, words in ipairs(self:words()) do notes[#notes + 1] = words end
  return notes
end

--- A sentence for each pair of networks that were trained with the same values.
function Sweep:words()
  local entries <const> = self.search.entries
  if #entries < 2 then return {} end
  local names <const>, of <const>, list <const>, all <const> = {}, {}, {}, {}
  for i, entry in ipairs(entries) do
    names[i], of[entry.name] = entry.name, {}
    for k, t in ipairs(self.trials) do of[entry.name][k] = t.networks[entry.name] end
  end
  for k = 1, #self.trials do all[k] = k end
  for i, r in ipairs(tests.pairs(names, of, all, self.metric.direction)) do
    local differences <const> = {}
    for _, t in ipairs(self.trials) do
      local a <const>, b <const> = t.networks[r.a], t.networks[r.b]
      if a and b then differences[#differences + 1] = a - b end
    end
    table.sort(differences)
    local middle <const> = differences[(#differences + 1) // 2]
    list[i] = #differences == 0 and ("%s and %s: no trial that both have"):format(r.a, r.b)
      or format("%s is better than %s on %d of %d trials, %s on %d (difference of %s: mean %.4g, "
        .. "median %.4g, from %.4g to %.4g)", r.a, r.b, r.wins, #differences, r.b,
        #differences - r.wins - r.ties, self.metric.name, r.difference, middle, differences[1],
        differences[#differences])
  end
  return list
end

local function cell(v)
  if type(v) == "boolean" then return tostring(v) end
  if math.type(v) == "float" then return format("%.4g", v) end
  return v
end

--- A table of the first n trials, best first.
function Sweep:table(n)
  if n ~= nil then check.size("train.sweep: table", "n", n) end
  local m <const>, columns <const>, rows <const> = self.metric, {}, {}
  local several <const> = #self.search.entries > 1
  for _, entry in ipairs(self.search.entries) do
    columns[#columns + 1] = {name = "value " .. entry.name,
      title = several and entry.name .. " " .. m.name or m.name, direction = m.direction,
      percent = m.percent}
  end
  for _, name in ipairs(self.names) do
    columns[#columns + 1] = {name = "of " .. name, title = name}
  end
  columns[#columns + 1] = {name = "epochs"}
  columns[#columns + 1] = {name = "state"}
  for i, t in ipairs(self.ranked) do
    if n and i > n then break end
    local row <const> = {("trial %d"):format(t.trial), epochs = t.epochs, state = t.state}
    for name, value in pairs(t.networks) do row["value " .. name] = value end
    for _, name in ipairs(self.names) do row["of " .. name] = cell(t.values[name]) end
    rows[i] = row
  end
  return Table(columns, rows, {first = "trial", title = self.search.o.title,
    notes = notes_of(self, #rows)})
end

Sweep.__tostring = function(self)
  local t <const> = self.best
  local words <const> = {}
  for i, name in ipairs(t and self.names or {}) do
    words[i] = ("%s = %s"):format(name, tostring(cell(t.values[name])))
  end
  return tostring(self:table(SHOWN)) .. (t and format("\nbest: trial %d, %s %.6g with %s", t.trial,
    self.metric.name, t.value, table.concat(words, ", ")) or "")
end

--- Parallel coordinates of all trials that have a value.
function Sweep:figure()
  local search <const>, axes <const>, rows <const> = self.search, {}, {}
  for k, name in ipairs(self.names) do
    local range <const> = search.points.ranges[k]
    axes[k] = {name = name, values = range.values, log = range.logarithmic}
  end
  axes[#axes + 1] = {name = self.metric.name}
  for i, t in ipairs(self.ranked) do
    rows[i] = {}
    for k, name in ipairs(self.names) do rows[i][k] = t.values[name] end
    rows[i][#axes] = t.value
  end
  return plot.parallel({axes = axes, rows = rows}, {title = search.o.title})
end

-- ---- files --------------------------------------------------------------------------------

local function as_json(self)
  local trials <const> = {}
  for i, t in ipairs(self.trials) do
    trials[i] = {trial = t.trial, values = t.values, value = t.value, state = t.state,
      epochs = t.epochs, dir = t.dir, networks = next(t.networks) and t.networks or nil}
  end
  return json.encode{metric = self.metric, trials = trials, best = self.best and self.best.trial,
    method = self.search.o.method, seed = self.search.o.seed}
end

function Sweep:write(dir)
  check.value("train.sweep: write", "dir", dir, check.text())
  local t <const> = self:table()
  for _, ending in ipairs{"md", "csv", "tex", "txt"} do
    t:write(dir .. "/sweep." .. ending)
  end
  self:figure():save(dir .. "/sweep.svg")
  for name, made in pairs{["sweep.json"] = as_json(self), ["sweep.html"] = page(
    self.search.o.title or "sweep", {{self:figure():svg()}, {t:html()}})} do
    local ok <const>, why <const> = files.write(dir .. "/" .. name, {made, "\n"})
    if not ok then check.fail("train.sweep: %s", why) end
  end
  return true
end

return Sweep
